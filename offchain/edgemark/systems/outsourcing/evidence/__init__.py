"""What convinces a stranger afterwards."""
