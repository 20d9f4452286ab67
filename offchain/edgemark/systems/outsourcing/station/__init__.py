"""What every server of this system has."""
