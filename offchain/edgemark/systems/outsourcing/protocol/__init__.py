"""What can happen to a job, and what is then owed."""
