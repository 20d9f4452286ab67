"""What a chain's node is asked, and what it may answer."""
