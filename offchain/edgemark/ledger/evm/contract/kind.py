"""One of our contracts as whoever knows it describes it: what it logs, how it is made and wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgemark.identifiers import Address, parse_address
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.interface import Contract, load_interface
from edgemark.ledger.evm.contract.token_values import describe_amounts

Addresses = Mapping[str, Address]  # of the contracts that were made before, by name


def _takes_nothing(at: Addresses, decided: Any) -> tuple[object, ...]:  # noqa: ARG001 - as others
    return ()


def _has_nothing(decided: Any) -> Mapping[str, object]:  # noqa: ARG001 - as others
    return {}


@dataclass(frozen=True, eq=False)
class ContractKind:
    """What is to be known of a contract without reading its code.

    Args:
        name: of the contract, and of its files in `abi` and `bytecode`.
        events: types of its events; each has the name of the event and its fields in order.
        constructor: its arguments, of the contracts before it and of what its group decided.
        wired: (function, name of the contract that it answers) for each contract that it uses.
        fixed: what functions without arguments answer for good, of what its group decided:
            immutable values are no part of a code's hash.
        made_by: the contract before it whose constructor makes it first; empty: made by itself.
        amounts: which values of its errors and of its `fixed` answers are amounts of tokens, see
            `token_values`.
    """

    name: str
    events: tuple[type[ChainEvent], ...] = ()
    constructor: Callable[[Addresses, Any], tuple[object, ...]] = _takes_nothing
    wired: tuple[tuple[str, str], ...] = ()
    fixed: Callable[[Any], Mapping[str, object]] = _has_nothing
    made_by: str = ""
    amounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        describe_amounts(self.amounts)

    def at(self, address: str) -> Contract:
        """The contract of this kind at an address.

        Raises:
            RefusedInput: that is no address.
            Unrecoverable: the installation has no such interface.
        """
        return Contract(
            self.name,
            parse_address(address, who=self.name),
            load_interface(self.name),
            {event.__name__: event for event in self.events},
        )
