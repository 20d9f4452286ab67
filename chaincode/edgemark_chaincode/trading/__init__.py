"""Evidence of trades on a consortium ledger: which credentials there are, and who signed them.

| file         | what it holds                                               |
|--------------|-------------------------------------------------------------|
| `keys`       | every key                                                   |
| `rules`      | what is taken and what is refused; pure                     |
| `contract`   | the functions, thin: decode, `admit`, encode                |

What it is told and keeps stands in `edgemark.systems.trading.contract.consortium`. The twin of
`contracts/trading/EvidenceRegistry.sol`, by the same digests, signers and leaves.
"""
