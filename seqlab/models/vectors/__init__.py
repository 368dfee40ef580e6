"""Models that learn a vector for each symbol, from the company that it keeps."""
