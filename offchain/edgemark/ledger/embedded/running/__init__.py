"""The process of a ledger's folder: begun, found again, spoken to, ended.

| what | where |
|---|---|
| what a folder holds, and as what it is served | `place` |
| organisations and settings of a new folder | `making` |
| the whole ledger in one loop: state, links, doors | `development` |
| what only the folder's owner may ask, and over which socket | `owner`, `control` |
| the process, and the thread, that a ledger runs in | `hosting`, `thread` |
| up, down, status | `process` |
| connection profiles | `profiles` |
"""
