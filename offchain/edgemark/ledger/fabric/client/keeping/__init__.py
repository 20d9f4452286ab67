"""How submissions are kept on the disk: their records, written many at once, and decided names.

| file | what it does | pure |
|---|---|---|
| `records` | what is written of a submission, and how it is read again | yes |
| `grouping` | one write and one fsync for all that came while the last one ran | |
| `names` | what became of names that were decided, for ever | |
"""
