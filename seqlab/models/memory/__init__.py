"""Recurrent networks with a memory beside their state."""
