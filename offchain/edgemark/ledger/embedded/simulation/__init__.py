"""What a chaincode would read and write on one snapshot, and an organisation's signature under it.

| file | what it holds |
|---|---|
| `ground` | what of a channel and its state a simulation needs |
| `recording` | `Simulation`: reads with their versions, ranges as far as they were read, writes |
| `cursors` | rows of a range or a history, as they are consumed |
| `calls` | one chaincode at work in one transaction, and what it answered |
| `invoking` | which process runs a chaincode; chaincodes that call one another |
| `endorsing` | `Endorser`: simulates a proposal for one organisation, and signs |
| `rights` | who may ask what of a channel and an endorser |
| `differences` | where two organisations' answers differ |
| `faults` | why a proposal was not simulated |
"""
