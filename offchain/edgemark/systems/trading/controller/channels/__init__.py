"""Which channels name a controller, and what it knows of each of them."""
