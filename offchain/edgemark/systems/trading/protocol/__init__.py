"""What can happen to a channel, what is then owed, and what its parties say to each other."""
