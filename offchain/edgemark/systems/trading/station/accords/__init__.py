"""What the user of either party wants both to agree on."""
