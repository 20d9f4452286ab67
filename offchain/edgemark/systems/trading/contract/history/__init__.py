"""What the escrow's events tell of channels beside what it keeps: when, by whom, with which end."""
