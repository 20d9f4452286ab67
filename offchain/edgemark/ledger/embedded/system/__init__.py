"""Chaincodes that are part of the ledger, under Fabric's names.

| file | what it holds |
|---|---|
| `installed` | the packages that organisations have installed |
| `rules` | who approves and commits which definition, and in which order; on a simulation |
| `lifecycle` | `_lifecycle`: install, approve, commit, and their queries |
| `blocks` | `qscc`: blocks and transactions |
| `configuration` | `cscc`: the configuration of channels |
| `questions` | what they are asked, and who may ask it |
"""
