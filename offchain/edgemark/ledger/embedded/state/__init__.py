"""What a channel keeps: blocks, index of transactions, state, history; in one SQLite file.

One SQLite transaction holds a whole block and is on the disk before anybody hears of it: whenever
the process dies, a block stands there whole or not at all, and nothing has to be repaired.

| what | where |
|---|---|
| tables | `tables` |
| reading at one height | `views` |
| the file: append a block, take blocks back | `store` |
"""
