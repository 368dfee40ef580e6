"""Tasks that ask for what was read, symbol by symbol."""
