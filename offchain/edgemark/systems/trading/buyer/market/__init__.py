"""How a buyer comes to a channel: which offers suit it, and what it asks their sellers for."""
