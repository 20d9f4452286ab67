"""Evidence of settlements on either ledger, by one interface: a chain's, and a consortium's.

| file         | gives                                                             |
|--------------|-------------------------------------------------------------------|
| `ledger`     | what whoever records and checks asks of a ledger                  |
| `chain`      | the same on a chain: EvidenceRegistry                             |
| `consortium` | the same on a consortium ledger: the chaincode `trading`          |
| `records`    | where a controller's evidence goes by itself                      |
| `carrying`   | the same to a consortium ledger, once, by name                    |
| `settlement` | the credential of a file: in which domain it counts, who signed it |
"""
