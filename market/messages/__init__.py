"""What agents of all levels send each other: frozen records, and one of each kind."""
