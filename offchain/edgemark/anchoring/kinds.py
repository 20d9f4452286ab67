"""What is to be known of the AssetAnchor."""

from __future__ import annotations

from edgemark.anchoring.events import (
    Deposited,
    Locked,
    LockerAllowed,
    LockIncreased,
    LockRenewed,
    LockReturned,
    Moved,
    Paid,
    Withdrawn,
)
from edgemark.ledger.evm.contract.chain_event import SignaturesRevoked
from edgemark.ledger.evm.contract.kind import ContractKind

ASSET_ANCHOR = ContractKind(
    "AssetAnchor",
    events=(
        Deposited,
        Withdrawn,
        Moved,
        LockerAllowed,
        SignaturesRevoked,
        Locked,
        LockIncreased,
        LockRenewed,
        Paid,
        LockReturned,
    ),
    constructor=lambda at, _: (at["MetaCoin"],),
    wired=(("token", "MetaCoin"),),
    amounts={
        "AllowanceTooLow": ("had", "needed"),
        "AmountOutOfRange": ("amount",),
        "FreeBalanceTooLow": ("had", "needed"),
        "NothingReceived": ("asked",),
        "PlaceTooSmall": ("had", "needed"),
    },
)
