"""What everything stands on: programs and the table of functions, text, errors, limits, deadlines."""
