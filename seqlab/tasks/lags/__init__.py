"""Tasks in which what matters lies far back."""
