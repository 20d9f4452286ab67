"""Changing identities on their chain, which may be another one than that of all else."""
