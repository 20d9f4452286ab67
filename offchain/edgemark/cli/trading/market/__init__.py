"""The market: offers, demands, and what auditors say of sellers."""
