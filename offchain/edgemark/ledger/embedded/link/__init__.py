"""The stream to a chaincode's process: the ledger dials it, as a peer of Fabric does.

| file | what it holds |
|---|---|
| `requests` | what a chaincode asks while it is at work, a table; pure |
| `queries` | open ranges and histories of one call; pure |
| `answers` | messages to a process, and what its last one says; pure |
| `stream` | one stream: handshake, transactions, one writer |
| `links` | `Links`: a stream for each organisation and package, dialled when it is needed |
"""
