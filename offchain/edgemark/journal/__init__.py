"""Records that outlive their process, and how one stands in a file."""
