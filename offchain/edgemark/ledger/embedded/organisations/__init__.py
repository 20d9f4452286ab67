"""Organisations of a development ledger: their authorities, identities, folders, revocation.

The folders are laid out as Fabric's `cryptogen` lays them out, so every client of Fabric finds what
it looks for. Source: Fabric's documentation "Membership Service Providers" (folders, NodeOUs) and
"Fabric CA" (attributes in certificates).

| what | where |
|---|---|
| the folder of one organisation: made, read, identities added and revoked | `folder` |
| an identity that was issued | `issued` |
| what an organisation took back | `revocations` |
| all organisations of a ledger | `organisations` |
| a new folder, on the disk before it has its name | `syncing` |
| what is wrong with a folder | `faults` |
"""
