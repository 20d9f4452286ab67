"""The buyer's commands: `edgemark trading buy|status|topup|close` and `edgemark buyer run`."""
