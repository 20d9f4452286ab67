"""What the receipt says: what a chain and the parties' disks show, beside what was computed."""
