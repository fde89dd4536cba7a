"""Which answers are right: comparisons, blame, accuracy over many points, checks and their explanations."""
