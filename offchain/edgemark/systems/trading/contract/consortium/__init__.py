"""The evidence registry of a consortium ledger in Python: what it is told, keeps and answers. Pure.

| file         | what it holds                                              |
|--------------|------------------------------------------------------------|
| `parameters` | what a registry takes                                      |
| `agreement`  | whose word makes parameters stand, and whose is missing    |
| `kept`       | what stands under its keys, and is told by events          |
| `requests`   | arguments and answers as JSON; names of functions          |

The chaincode (`edgemark_chaincode.trading`) and its callers read and write by these alone.
"""
