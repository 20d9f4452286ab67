"""What the index tells of this system."""
