"""Models that count, and learn nothing by gradient."""
