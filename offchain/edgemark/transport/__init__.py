"""Network I/O: HTTPS between parties that know each other's keys, not names."""
