"""Channels: what is ordered, validated, kept, taken back and verified.

| what | where |
|---|---|
| one channel: commit, read, revert | `channel` |
| what the orderer signs of a block | `sealing` |
| what the orderer refuses at the door | `admitting` |
| from envelopes to blocks, and who waits for them | `ordering` |
| all channels of a folder, snapshots | `ledger` |
| everything computed anew from the first block on | `verifying` |
"""
