"""Says of each transaction of a block whether it counts; pure: bytes and state in, codes out.

The order is Fabric's: each check answers None or the code that the transaction keeps. First every
transaction by itself, against the state below the block; then ids within the block; then reads,
in order, against that state and what counts of the block so far.

| what | where |
|---|---|
| an envelope, taken apart as far as a check looks | `candidates` |
| what all checks stand on: configuration, members, state | `ground` |
| headers, creator, id, proposal hash, channel | `headers` |
| what was endorsed: chaincode, event, namespaces, policies | `endorsements` |
| configuration | `configuring` |
| versions and ranges that were read | `conflicts` |
| all of them, over a block | `blocks` |

What is never asked: the time. A block says the same when all its certificates have expired.

Source: Fabric 3.1, `core/common/validation`, `core/committer/txvalidator/v20`,
`core/ledger/kvledger/txmgmt/validation`. Stricter than there: an endorsement by another role than
peer counts for no policy, and what this ledger has not (private data, metadata of keys) is
ILLEGAL_WRITESET. No transaction is larger than our endorsers make it, for who has an endorser's key
can sign any: the parts of it are counted in its bytes (`wire.messages`) before any is made.

| more of it than endorsers give | is |
|---|---|
| reads, writes and rows together; ranges; namespaces; bytes of a key read | ILLEGAL_WRITESET |
| bytes of a key or value that is written, or an empty key | INVALID_WRITESET |
| bytes of an event | INVALID_OTHER_REASON |
| arguments, or bytes of them; actions | INVALID_ENDORSER_TRANSACTION |
| endorsements | ENDORSEMENT_POLICY_FAILURE |

And an envelope whose header claims an
id that its nonce and creator do not give keeps its place and its code, but no id: there the index
(`common/ledger/blkstorage`) takes what the header says, so whoever is ordered first with another's
id has the status of that id, and the other transaction is a duplicate for ever. And no transaction
counts whose headers or arguments could end elsewhere with the same proposal hash: there one
endorsement counts under every id, and on every channel, that its proposal hid in its header.
"""
