"""Stories and questions about them."""
