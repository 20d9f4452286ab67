"""`edgemark trading evidence|replay`: a channel in a file for a stranger, and its trial."""
