"""One folder a system; systems never import systems."""
