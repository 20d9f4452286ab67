"""What an EVM chain adds to a party: contracts, transactions, registration, tokens.

| file         | gives                                                           |
|--------------|-----------------------------------------------------------------|
| `station`    | chain, contracts, lane, registry, anchor, token; chain time     |
| `steady_time`| chain time that one wrong header cannot move                    |
| `block_time` | seconds from block to block, measured now and then              |
| `server`     | a server whose known parties are in the registry                |
| `opening`    | the station of a server: registered and funded as settings say  |
| `monitoring` | what the operator's pages say of the chain and the account      |
| `contracts`  | token, allocations, anchor and registry: the group of all       |
| `joining`    | registration and tokens of who takes part                       |
| `membership` | changes of both, and the way out                                |
| `cursor`     | how far a party has read                                        |
"""
