"""What goes over the wire of Fabric, as bytes; pure: no clock, random source, socket or file.

Source: the protocol definitions of Hyperledger Fabric (`fabric-protos`), its documentation
"Transaction Flow" and "Read-Write set semantics"; what a network of Fabric 3.1 answered.

| what | where |
|---|---|
| transaction id, proposal hash, hashes of a block | `digests` |
| a proposal, made and taken apart | `proposals` |
| a transaction's envelope, made and taken apart | `envelopes` |
| blocks, their bytes, flags and marks | `blocks` |
| what a simulation read and wrote | `read_write_sets` |
| who has to endorse | `policy/` |
| where what is hashed ends | `canonical` |
| which chaincode runs: definitions and approvals | `definitions` |
| names, and which texts are some | `names` |
| messages of the protocol parsed, headers of an envelope | `messages` |
| codes of validation, statuses of responses | `codes` |
| what each endorser said of a refused call | `details` |
| limits that rooms share | `limits` |

| signed | by | covers | does not cover |
|---|---|---|---|
| proposal | who asks | all of it, transient data too | bytes beside it |
| response | endorser | proposal hash (headers, call), results, event, answer; itself | others |
| payload of an envelope | who asked | all of the above, and all endorsements | bytes beside it |
| metadata of a block | who orders | its header, so all envelopes; last configuration; era | flags |
| configuration | who orders | all of it | |
| question to a Gateway or for blocks | who asks | all of it, a mark too | which peer is asked |
"""
