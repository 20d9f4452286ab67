"""What a buyer brings in, and what it sends to the escrow."""
