"""Networks whose steps look back at one another."""
