"""Commands that spend: what they have in common."""
