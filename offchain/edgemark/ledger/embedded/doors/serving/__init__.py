"""How services are served: a port with TLS, calls and their places, what is counted."""
