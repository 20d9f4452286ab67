"""What every party of this system stands on, device and servers alike."""
