"""The contracts of this system, as they are deployed."""
