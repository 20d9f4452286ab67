"""Chaincode of Hyperledger Fabric in Python, run as a service: the same process on every ledger.

| room or file | what it holds |
|---|---|
| `shim/` | server and stub: what a chaincode speaks with its peer |
| `host.py`, `reloading.py` | start the chaincode of a name; again when its sources change |
| `records.py` | a typed view of the stub: records in canonical JSON under keys |
| `clock.py` | time that no client chooses: the clock record of the organisations |
| a folder a system | `keys.py` has all keys, `rules.py` a pure `admit`, `contract.py` is thin |

Whatever an endorser computes is equal to the byte on every other: no clock, no random source, no
float, no order of a set.
"""
