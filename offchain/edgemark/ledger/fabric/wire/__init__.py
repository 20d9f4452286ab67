"""What goes over the wire of Fabric, as bytes; pure: no clock, random source, socket or file.

Source: the protocol definitions of Hyperledger Fabric (`fabric-protos`), its documentation
"Transaction Flow" and "Read-Write set semantics"; what a network of Fabric 3.1 answered.

| what | where |
|---|---|
| transaction id, proposal hash, hashes of a block | `digests` |
| a proposal, made and taken apart | `proposals` |
| a transaction's envelope, made and taken apart | `envelopes` |
| blocks, their bytes and their flags | `blocks` |
| what a simulation read and wrote | `read_write_sets` |
| who has to endorse | `policies`, `policy_text` |
| codes of validation | `codes` |
| what each endorser said of a refused call | `details` |
| every limit | `limits` |
"""
