"""Data of a user's own, out of a table."""
