"""Gradient descent on an error surface: its path, its rate beside the bound, and what went wrong."""
