"""Chaincode packages of a service (`ccaas`): made to the same bytes by everybody, and read.

Its id is LABEL:SHA-256, so organisations that mean the same process have the same id, whoever of
them made the package, on whichever machine. What comes from others is read as hostile.

| file | what it holds |
|---|---|
| `making.py` | pure: a package of a label and of where its process listens |
| `reading.py` | pure: a package, taken apart and checked |
| `connection.py` | pure: `connection.json`, where a process listens |
| `dialling.py` | TLS to that process |
"""
