"""What a chaincode speaks with its peer: Fabric's chaincode as a service, over gRPC.

The stub has the interface of PyPI's `fabric-chaincode-python`, so that a chaincode written for
that one needs another import and nothing else.

| file | what it holds | knows gRPC |
|---|---|---|
| `interface` | what a chaincode is, what it answers, what it reads | |
| `composite_keys` | keys of several parts | |
| `limits`, `faults` | every bound; every error, by remedy | |
| `creator` | who signed the proposal: organisation, role, attributes | |
| `call` | one call, taken apart | |
| `transaction` | questions to the peer, one at a time, each with its answer | |
| `iterators` | rows of ranges and of histories, page by page | |
| `stub` | what a chaincode may ask | |
| `stream` | one peer's stream: handshake, calls side by side, one writer | yes |
| `server`, `health` | the server of a process | yes |
"""
