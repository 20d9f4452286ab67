"""Who takes part: keys on this machine and participants on the chain."""
