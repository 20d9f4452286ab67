"""Channels: what is ordered, validated, kept, taken back and verified.

| what | where |
|---|---|
| one channel: commit, read, revert | `channel` |
| what the orderer signs of a block | `sealing` |
| what the orderer refuses at the door | `admitting` |
| from envelopes to blocks, and who follows them | `ordering` |
| who waits for what became of a transaction | `waits` |
| what those who follow hold of blocks, in bytes | `room` |
| a commit that fails, and is tried again | `trouble` |
| all channels of a folder, snapshots | `ledger` |
| a revert of all of them, ended also by the next start | `reverting` |
| everything computed anew from the first block on | `verifying` |
"""
