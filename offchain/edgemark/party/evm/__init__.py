"""What an EVM chain adds to a party: contracts, registration, tokens, how far it was read.

| file         | gives                                                         |
|--------------|---------------------------------------------------------------|
| `contracts`  | token, allocations, anchor and registry: the group of all      |
| `joining`    | registration and tokens of who takes part                      |
| `membership` | changes of both, and the way out                               |
| `cursor`     | how far a party has read                                       |
"""
