"""Pictures, a function each: plain data in, a matplotlib figure out; and the report page."""
