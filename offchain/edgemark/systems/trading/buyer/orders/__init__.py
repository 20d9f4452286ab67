"""What a buyer orders in its channels, where it keeps it, and how answers are checked."""
