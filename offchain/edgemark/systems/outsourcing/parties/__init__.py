"""What each party remembers of a job, and what it owes to do next. Pure."""
