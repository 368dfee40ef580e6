"""The smallest tasks, for a first look."""
