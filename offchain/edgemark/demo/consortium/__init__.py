"""What a consortium ledger adds to a stage: the ledger, identities, chaincode, clocks.

| file      | gives                                                                  |
|-----------|------------------------------------------------------------------------|
| `ledgers` | a ledger of the stage's own: the development ledger, or Fabric's own   |
| `network` | a stage on a ledger of others, where everybody is one identity         |
| `stage`   | organisations' parties on it, chaincode of theirs, their clocks        |
"""
