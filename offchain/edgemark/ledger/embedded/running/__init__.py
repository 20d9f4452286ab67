"""The process of a ledger's folder: begun, found again, spoken to, ended.

| what | where |
|---|---|
| what a folder holds, and as what it is served | `place` |
| the whole ledger in one loop: state, links, doors | `development` |
| what only the folder's owner may ask: snapshot, revert, advance, verify, revoke | `control` |
| up, down, status | `process` |
| connection profiles | `profiles` |
"""
