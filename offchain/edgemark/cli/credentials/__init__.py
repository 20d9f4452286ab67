"""`edgemark credential`: what an identity says of another, so that a stranger can check it."""
