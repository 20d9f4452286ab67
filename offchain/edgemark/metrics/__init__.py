"""What a long-running process tells about itself: Prometheus metrics, and whether it is healthy."""
