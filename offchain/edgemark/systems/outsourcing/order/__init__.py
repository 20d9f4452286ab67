"""An order: drafted, rehearsed, placed."""
