"""Networks whose steps are solved in parallel over time."""
