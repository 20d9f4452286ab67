"""Credentials of a trade: what begins it, what settles an interval, what a seller is fit for.

Source: EFSC IV-B.2 (TIC, TSC), IV-A (qualification), V-D phase 2 (equations 1 and 2). They are
issued, sent and kept by the parties of this system, see `protocol`.

| credential    | asked by | issued by  | about            | this system's part                   |
|---------------|----------|------------|------------------|--------------------------------------|
| initiation    | buyer    | seller     | buyer            | claims by a TIT                      |
| settlement    | both     | controller | seller and buyer | claims by a TST, voucher, signatures |
| qualification | seller   | an auditor | seller           | the services that it is fit for      |

What each signature covers:

| signed, by whom                | covers                                                         |
|--------------------------------|----------------------------------------------------------------|
| the credential, its issuer     | header and whole JSON, so also claims and signatures below     |
| `Voucher`, buyer and seller    | channel, index, amount, template, controller, epoch            |
| `Issuance`, controller         | channel, index, epoch, digests of voucher and credential: all  |
|                                | that a chain can check                                         |
| `Initiation`, buyer and seller | channel (so all its terms), digest of the credential           |
| `Qualification`, auditor       | account of the seller, digest of the credential                |

A controller that issues two texts for one index loses its bond, so it keeps what it signed: the
same facts give the same text, another second in them another.
"""
