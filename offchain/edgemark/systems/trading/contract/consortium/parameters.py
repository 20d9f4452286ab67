"""What `init` is about: whose vouchers count, whose clocks, until when roots come. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.errors import RefusedInput
from edgemark.identifiers import NO_TIME, NOBODY, Timestamp, parse_address
from edgemark.systems.trading.contract.evidence.domains import (
    MAX_CHAIN_ID,
    EvmDomains,
    parse_domain_name,
)

MAX_DOMAINS = 16  # chains with their escrows
MAX_ORGANISATIONS = 64  # with a clock each
MAX_MSP_CHARACTERS = 64


@dataclass(frozen=True)
class Parameters:
    """What a registry takes.

    Attributes:
        domains: chains and contracts whose statements count; no two with one name.
        organisations: MSP ids, whose clocks say what time it is; no two the same.
        anchor_until: last second, by these clocks, at which roots are anchored; 0: for ever, and
            then nothing asks what time it is.
    """

    domains: tuple[EvmDomains, ...]
    organisations: tuple[str, ...]
    anchor_until: Timestamp = NO_TIME

    def domain(self, name: str) -> EvmDomains:
        """The domains of a name.

        Raises:
            RefusedInput: it is no name, or none of these.
        """
        wanted = parse_domain_name(name)
        for each in self.domains:
            if (each.chain_id, each.escrow) == wanted:
                return each
        raise RefusedInput(
            "is not among those whose vouchers count here",
            who="domain",
            had=name,
            needed=[each.name for each in self.domains],
        )


def check_parameters(parameters: Parameters) -> None:
    """Check what `init` was given.

    Raises:
        RefusedInput: too few or many, some twice, a contract that is nobody, no organisation.
    """
    _check_count("domains", [each.name for each in parameters.domains], MAX_DOMAINS)
    _check_count("organisations", parameters.organisations, MAX_ORGANISATIONS)
    for each in parameters.domains:
        contracts = (each.escrow, each.controllers, each.registry)
        if NOBODY in map(parse_address, contracts) or not 1 <= each.chain_id <= MAX_CHAIN_ID:
            raise RefusedInput(
                "names no contract of a chain", who="domain", had=each.name, needed="all three"
            )
    for name in parameters.organisations:
        if not 1 <= len(name) <= MAX_MSP_CHARACTERS or not name.isprintable():
            raise RefusedInput("is no MSP id", who="organisation", had=repr(name[:80]))


def _check_count(what: str, values: tuple[str, ...] | list[str], most: int) -> None:
    if not 1 <= len(values) <= most:
        raise RefusedInput("are too few or many", who=what, had=len(values), needed=f"1..{most}")
    if len(set(values)) != len(values):
        raise RefusedInput("have one twice", who=what, had=list(values))
