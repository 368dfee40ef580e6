"""Language models of real texts."""
