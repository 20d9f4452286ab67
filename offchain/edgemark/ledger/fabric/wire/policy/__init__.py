"""Who has to endorse, or to sign: trees of rules over the members of organisations; pure.

| what | where |
|---|---|
| a tree, read, written, satisfied or not | `policies` |
| the same as people write it | `texts` |
"""
