"""An EVM chain."""
