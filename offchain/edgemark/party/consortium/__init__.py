"""What a consortium ledger adds to a party: a Gateway, a channel, an identity, events, a clock.

| file        | gives                                                                    |
|-------------|--------------------------------------------------------------------------|
| `station`   | client of the settings' ledger, channel and identity; doors to chaincode |
| `chaincode` | one chaincode: evaluate, endorse, submit once, events with a cursor      |
| `clock`     | an organisation's clock, which ticks for all chaincodes with deadlines   |
| `clocks`    | the processes of all clocks of a ledger of this home                     |

There is no chain clock: what time it is, the organisations' clocks say, chaincode by chaincode
(`ConsortiumStation.now`).
"""
