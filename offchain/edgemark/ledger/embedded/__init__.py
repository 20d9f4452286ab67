"""The development ledger: one process that speaks Hyperledger Fabric's own protocols.

For one machine and one operator, who has every key: ordering, replication and trust between
organisations are what a real network is for. Not in it, and refused by name: private data, rich
queries, state-based endorsement, config updates, service discovery, gossip, several hosts.

| room | what it does | pure |
|---|---|---|
| `validation/` | says of each transaction of a block whether it counts, in Fabric's order | yes |
| `state/` | blocks, index, state, history: SQLite, one transaction a block | |
| `channel/` | orders, cuts, validates and keeps the blocks of one channel; who waits for them | |
| `organisations/` | certificate authorities, identities, their folders, revocation | |
| `simulation/` | what a chaincode would read and write, on one snapshot | |
| `link/` | the stream to a chaincode's process | |
| `system/` | `_lifecycle`, `qscc`, `cscc` | |
| `doors/` | the services over gRPC: Gateway, Endorser, AtomicBroadcast, Deliver | |
| `running/` | the process of a folder: up, down, status; snapshot, revert, advance | |
| `definitions` | where a chaincode's definition stands in the state | yes |
| `approvals` | what an organisation approved of it, and in what that differs | yes |
| `eras` | versions of keys on a chain from which blocks were taken back | yes |
| `endorsers` | everything that endorses: chaincodes of processes and of the ledger itself | |
| `fixture` | a ledger for the tests of a project, put back after each of them | |
"""
