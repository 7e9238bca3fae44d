"""What the commands of the command line share: options, steps, listings, and what is printed."""
