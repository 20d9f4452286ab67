"""How a buyer comes to one offer of many: whom it asks when, and whom it passes over."""
