"""What a party of any system stands on: keys and contracts, its loop, its HTTPS faces, its metrics.

| file         | gives                                                               |
|--------------|---------------------------------------------------------------------|
| `station`    | keys, chain, contracts and peers, opened once                       |
| `loop`       | journal, loop and watch over the chain, started and stopped together |
| `server`     | a loop behind an HTTPS server                                       |
| `running`    | a server from its settings until it is asked to leave               |
| `monitoring` | pages for the operator                                              |
| `rounds`, `agenda`, `watcher` | rounds over the chain: what is read, and when      |
| `evm`        | what an EVM chain adds                                              |

A system adds its contracts to the station (`Station.CONTRACTS`, `Station.furnish`), its machine,
routes and effects to the loop or server. Nothing here knows a system.
"""
