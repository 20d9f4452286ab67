"""What is to be known of the DidRegistry; nothing is decided for it."""

from __future__ import annotations

from edgemark.identity.did.events import CHANGES, DIDSignaturesRevoked
from edgemark.ledger.evm.contract.kind import ContractKind

DID_REGISTRY = ContractKind("DidRegistry", events=(*CHANGES, DIDSignaturesRevoked))
