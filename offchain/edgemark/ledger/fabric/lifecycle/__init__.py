"""How a chaincode comes to a channel: installed, approved by each organisation, committed, ready.

Over `_lifecycle` of the ledger, as `peer lifecycle chaincode` asks it, on Fabric and on the
development ledger alike. Each organisation's administrator acts for it alone; a network on which
one has only the own organisation's identity is served as well: what the others have still to do is
said by name.

| file | what it holds |
|---|---|
| `messages.py` | pure: what `_lifecycle` is asked, and what it may answer |
| `wishing.py` | pure: what is said of a definition, over what is committed |
| `administrator.py` | an organisation's administrator: one call each |
| `deploying.py` | all calls that a chaincode needs, from wherever it stands |
| `opening.py` | the administrators that this home may act for |
| `checking.py` | whether code can be run |
| `dialling.py` | whether a process answers |
| `hosting.py` | chaincode processes of a ledger of this home: started, found again, ended |
| `swapping.py` | the same, anew with the code as it is now |
| `strays.py` | those that no note names any more |
| `host_tls.py` | what these and the peers show each other |
"""
