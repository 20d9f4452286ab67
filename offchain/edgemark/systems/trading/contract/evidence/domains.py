"""Where vouchers, issuances and other evidence count: the contracts of one chain. Pure.

A registry on a consortium ledger has no chain of its own: its domains name the chains whose
statements it takes, and who signed counts there and here by the same bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, parse_address
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain, EvidenceDomain
from edgemark.systems.trading.contract.statements import EscrowDomain

MAX_CHAIN_ID = 2**64 - 1
_NAME = re.compile(r"eip155:(0|[1-9][0-9]{0,19}):(0x[0-9a-fA-F]{40})", re.ASCII)


@dataclass(frozen=True)
class EvmDomains:
    """The contracts for which everything in a trade is signed.

    Attributes:
        chain_id: EIP-155 chain id.
        escrow: ChannelEscrow, for vouchers.
        controllers: Controllers, for issuances.
        registry: EvidenceRegistry, for initiations and qualifications.
    """

    chain_id: int
    escrow: Address
    controllers: Address
    registry: Address

    @property
    def name(self) -> str:
        """What a call says which of several it means: `eip155:CHAIN:ESCROW` (CAIP-10)."""
        return f"eip155:{self.chain_id}:{self.escrow}"

    @cached_property
    def of_vouchers(self) -> EscrowDomain:
        """What payer and seller sign in a settlement."""
        return EscrowDomain(self.chain_id, self.escrow)

    @cached_property
    def of_issuances(self) -> ControllersDomain:
        """What a controller signs."""
        return ControllersDomain(self.chain_id, self.controllers)

    @cached_property
    def of_evidence(self) -> EvidenceDomain:
        """What is signed of initiations and qualifications."""
        return EvidenceDomain(self.chain_id, self.registry)


def parse_domain_name(text: str) -> tuple[int, Address]:
    """Chain and escrow of a name of domains.

    Raises:
        RefusedInput: it is none.
    """
    found = _NAME.fullmatch(text)
    if found is None or int(found[1]) > MAX_CHAIN_ID:
        raise RefusedInput(
            "is no name of a domain",
            who="domain",
            had=repr(text[:80]),
            needed="eip155:CHAIN:ESCROW",
        )
    return int(found[1]), parse_address(found[2], who="escrow")
