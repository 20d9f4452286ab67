"""What the chain shows of a channel, and what that tells its parties."""
