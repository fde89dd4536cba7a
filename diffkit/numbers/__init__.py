"""What gives a Program a meaning: one module per algebra."""
