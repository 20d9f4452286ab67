"""Messages as bytes: what is asked of them before they are parsed."""
