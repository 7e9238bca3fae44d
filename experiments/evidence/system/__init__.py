"""Of a system with an operator, and of its day-ahead market."""
