"""Verifiable credentials: what an issuer says of a subject, so that a stranger can check it.

Sources: W3C, "Verifiable Credentials Data Model v2.0"; W3C, "Securing Verifiable Credentials using
JOSE and COSE" (`vc+jwt`); W3C, "Bitstring Status List v1.0"; RFC 7515, 7516, 7518, 8037, 8812.

What each signature here covers:

| signed | covers |
|---|---|
| a credential, `vc+jwt` | header (alg, typ, cty, kid) and the whole JSON of the credential |
| its 1.1 form, `JWT` | header (alg, typ, kid) and the claims of the 1.1 form |
| a list of status | as a credential; its CID stands in the issuer's DID, signed by its owner |

| step | where |
|---|---|
| a strict reader of what strangers hand over | `jose.compact`, `model` |
| the issuer's key at the time of the evidence | `keys`, `evidence` |
| one check after the other | `verification` |
| revoked or suspended | `status` |
| encrypted for both parties | `jose.encryption` |
| for verifiers of before | `legacy` |
"""
