"""How a seller comes to channels: what it sells, and which terms it gives its word for."""
