"""A client of a Fabric Gateway: the same one for a network of Fabric and the development ledger.

| file | what it does | pure |
|---|---|---|
| `calls` | makes what is asked, and checks what is answered before anything is signed | yes |
| `refusals` | sorts what a ledger refused by remedy | yes |
| `submission` | the life of one submission: sent once, or the same again | yes |
| `submissions` | what was prepared and not decided yet, on the disk, and decided names | |
| `keeping` | its records, written many at once, and its file of names | |
| `asking` | what both faces are given: channel, identity, journal, longest times | |
| `flows` | evaluate, endorse, submit as steps that either face carries out | |
| `events` | which events come next, behind which one | yes |
| `checkpoints` | where a listener was, in a file, and whether that chain is still there | |
| `blocking`, `waiting` | the two faces: for threads, and for one asyncio loop | |
| `connection` | a channel over TLS to one of several peers | |
| `blocks` | blocks, one after the other, each checked against the last | |

A commit's status and the events are the word of the peer that is asked; endorsements are checked
against the certificates they name, and what is signed is made here of what was checked.
"""
