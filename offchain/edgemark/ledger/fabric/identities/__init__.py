"""Who speaks on a consortium ledger: certificates, roles and attributes, signatures, key folders.

An identity is (MSP id, DER of the certificate), whatever the PEM around it. Signatures are ECDSA on
P-256 over SHA-256, with the smaller of the two values of s.

| what | where |
|---|---|
| members of an organisation: who is let in, role, attributes | `members` |
| signatures | `signing` |
| folders of an identity, as Fabric's programs lay them out | `folders` |
| where cryptogen puts whose files | `layout` |
| a certificate authority: certificates, revocation lists | `authorities` |
| what revocation lists say | `revocation_lists` |
"""
