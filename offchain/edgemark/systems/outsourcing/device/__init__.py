"""The device: it orders, checks the answers, pays and charges."""
