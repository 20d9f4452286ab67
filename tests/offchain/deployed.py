"""The contracts that the tests of the ground deploy: the base, and one system for an example.

Not the whole catalogue: a system that was begun later has contracts that nobody deploys here.
"""

from __future__ import annotations

from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts

GROUPS = (BaseContracts, OutsourcingContracts)
CONTRACTS = tuple(kind.name for group in GROUPS for kind in group.KINDS)
