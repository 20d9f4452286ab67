"""What was deployed where, and whether it is what it should be."""
