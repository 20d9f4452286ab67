"""Where a controller's evidence goes by itself: to its chain, or to a consortium ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edgemark.errors import RefusedInput, lacks_extra
from edgemark.identifiers import Address, Hash32
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.contract.evidence.pieces import InitiationPiece, SettlementPiece
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.settings import EVM
from edgemark.systems.trading.station.station import TradingStation


class RegistryRefused(RefusedInput):
    """A registry on a consortium ledger does not take a call.

    Attributes:
        error_name: as the contract on a chain calls it; or a name of `contract.consortium`.
    """

    error_name: str = ""


class EvidenceCalls(Protocol):
    """Makes the calls of a registry, each the same in every life of the process."""

    def record_settlements(self, pieces: Sequence[SettlementPiece]) -> Any:
        """Of settlements."""

    def record_initiations(self, pieces: Sequence[InitiationPiece]) -> Any:
        """Of initiation credentials."""

    def anchor_root(self, root: Hash32, leaves: int, cid: str) -> Any:
        """Of the root of many settlements."""


class EvidenceSink(Protocol):
    """What a recorder needs of where evidence goes: it sends calls, and asks again for each.

    Whoever records evidence at once, and reads it, asks an `EvidenceLedger`.
    """

    @property
    def evidence(self) -> EvidenceCalls:
        """Makes the calls."""

    @property
    def content(self) -> LocalStore:
        """Where lists are kept."""

    @property
    def address(self) -> Address:
        """The account."""

    @property
    def domain(self) -> EscrowDomain:
        """Of vouchers."""

    @property
    def controllers_domain(self) -> ControllersDomain:
        """Of issuances."""

    def push(self, call: Any) -> object:
        """Have a call of `evidence` counted once; asked again, it goes on with the same.

        Raises:
            ContractRefused, RegistryRefused: the registry does not take it.
            RefusedInput: it cannot be sent now.
            LedgerUnavailable: nobody answers.
            TryAgain: it is under way.
        """


@dataclass(frozen=True)
class Records:
    """Where evidence goes.

    Attributes:
        sink: that takes it.
        place: what `status` calls it.
        close: ends the connection, where it has one of its own.
        interrupt: ends the call in hand before, whoever waits for it.
    """

    sink: EvidenceSink
    place: str
    close: Callable[[], None] = lambda: None
    interrupt: Callable[[], None] = lambda: None


def open_records(station: TradingStation, kind: str) -> Records:
    """Where evidence of a controller goes.

    Args:
        station: of the controller, whose keys sign for its chain in any case.
        kind: "evm", its own chain; or of a consortium ledger, as the settings of [ledger] say.

    Raises:
        RefusedInput: no such identity, profile or channel; or the extra `fabric` is not installed.
    """
    if kind == EVM:
        return Records(station, EVM)
    try:
        from edgemark.systems.trading.station.ledgers.carrying import (  # noqa: PLC0415 - an extra
            open_carrier,
        )
    except ModuleNotFoundError as missing:
        raise lacks_extra(missing, "fabric") from missing
    carrier = open_carrier(station, kind)
    return Records(carrier, f"{kind}: {carrier.place}", carrier.close, carrier.interrupt)
