"""How long what was agreed on is kept."""
