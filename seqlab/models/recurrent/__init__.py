"""Recurrent networks whose steps follow one another."""
