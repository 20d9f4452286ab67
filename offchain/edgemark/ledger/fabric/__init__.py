"""Hyperledger Fabric as a client and an operator see it; whatever ledger answers.

| room | what it holds |
|---|---|
| `wire/` | pure: what is hashed, signed and sent, as bytes and records of ours; names, limits |
| `identities/` | certificates, roles, attributes, signatures, folders of keys |
| `configuration/` | a channel's configuration: its organisations, policies, batches |
| `packages/` | chaincode packages, made to the same bytes by everybody |
| `profile/` | connection profiles |
| `client/` | the Gateway client: evaluate, endorse, submit, commit status, events |
| `lifecycle/` | install, approve, commit a chaincode, over the ledger's own services |
| `network/` | starts and ends a network of Fabric's own programs |
| `faults` | what a ledger answers that is an error, by remedy |
| `settings`, `opening` | [ledger]: which one, as whom; profile, identity and client of that |
"""
