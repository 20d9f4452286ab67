"""What both parties sign beside vouchers: another controller or key, less deposit, the end."""
