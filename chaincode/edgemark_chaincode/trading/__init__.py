"""Evidence of trades on a consortium ledger: which credentials there are, and who signed them.

| file         | what it holds                                               |
|--------------|-------------------------------------------------------------|
| `keys`       | every key                                                   |
| `parameters` | what `init` fixes: domains, clocks, until when roots come   |
| `rules`      | what is taken and what is refused; pure                     |
| `contract`   | the functions, thin: decode, `admit`, encode                |

The twin of `contracts/trading/EvidenceRegistry.sol`, by the same digests, signers and leaves.
"""
