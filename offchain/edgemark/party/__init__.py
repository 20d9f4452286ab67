"""What a party of any system stands on: keys, a journalled loop, its HTTPS faces, its metrics.

| file         | gives                                                                   |
|--------------|-------------------------------------------------------------------------|
| `station`    | keys, a client for peers and a clock, opened once                       |
| `loop`       | journal, loop and watch, started and stopped together                   |
| `service`    | a loop that runs by itself: signs of life, what it depends on, its end  |
| `server`     | a service behind an HTTPS server                                        |
| `running`    | a service as a process until it is asked to leave, its operator's pages  |
| `rounds`, `agenda`, `watcher` | what a round over the outside reads, and when          |
| `inquiry`, `standing` | what any peer has, or each of them; whom to ask first          |
| `patience`   | a moment for others, once for each thing                                |
| `settings`   | paces, a server's faces, the pages' port; the sections of every party   |
| `evm`        | what an EVM chain adds to all that                                      |

Nothing here but `evm` knows a chain: time is handed in (`Station.clock`), and so is whatever a
party watches (`look`). Nothing at all here knows a system: it adds its contracts to the station
(`EvmStation.CONTRACTS`, `EvmStation.furnish`), its machine, routes and effects to loop or server.
"""
