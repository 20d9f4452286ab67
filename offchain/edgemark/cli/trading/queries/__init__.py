"""`edgemark index channels|offers`: what the index of a chain's events tells of this system."""
