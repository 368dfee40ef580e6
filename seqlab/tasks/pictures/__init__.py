"""Pictures: read piece by piece, as films, and described in words."""
