"""All contracts that this installation knows: a new system adds its group, one line."""

from __future__ import annotations

from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts

GROUPS = (
    BaseContracts,
    OutsourcingContracts,
)
KINDS = {kind.name: kind for group in GROUPS for kind in group.KINDS}
CONTRACTS = tuple(KINDS)  # in the order in which they are made
