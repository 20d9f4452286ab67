"""What both parties of a channel sign beside vouchers: another controller, and the end."""
