"""What a consortium ledger adds to a party's station: a Gateway client, and doors to chaincode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

from edgemark.identity.keys import KeyStore
from edgemark.ledger.fabric.client.asking import Waits
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.opening import WAITS, LedgerAccess, open_ledger
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.party import settings as chainless
from edgemark.party.consortium.chaincode import ChaincodeDoor
from edgemark.party.settings import PartySettings
from edgemark.party.station import Station
from edgemark.settings.section import Section
from edgemark.settings.settings import Settings
from edgemark.transport.asking.http import HttpClient
from edgemark_chaincode.clock import NOW

CURSORS = "cursors"  # folder of a home


@dataclass(frozen=True)
class ConsortiumStation(Station):
    """Everything a shell of a party on a consortium ledger uses, opened once.

    It has no clock of its own: time is each chaincode's, see `now`.

    Attributes:
        gateway: client of the settings' ledger, channel and identity.
    """

    SECTIONS: ClassVar[tuple[type[Section], ...]] = (LedgerSettings, *chainless.SECTIONS)

    gateway: GatewayClient

    @classmethod
    def open(cls, settings: Settings, clock: Callable[[], int] | None = None) -> Self:
        """Open keys, identity, connection and the journal of what is submitted.

        Args:
            settings: of the party.
            clock: for a party that has deadlines of its own; see `now`.

        Raises:
            RefusedInput: no such identity, profile or channel; or another process of this home
                submits as the same identity.
        """
        return cls._open(settings, KeyStore.of(settings), clock, submits=True)

    @classmethod
    def look(cls, settings: Settings) -> Self:
        """The same to look only: nothing is locked, nothing is made but keys; raises as `open`."""
        return cls._open(settings, KeyStore.of(settings), None, submits=False)

    @classmethod
    def _open(
        cls,
        settings: Settings,
        keys: KeyStore,
        clock: Callable[[], int] | None,
        *,
        submits: bool,
    ) -> Self:
        access = open_ledger(settings.of(LedgerSettings), settings.home)
        client = HttpClient(timeout_s=settings.of(PartySettings).request_timeout_s)
        gateway = connect(access, submits=submits)  # last: of a start that fails, no lock stays
        return cls(settings=settings, keys=keys, client=client, clock=clock, gateway=gateway)

    def close(self) -> None:
        """Streams end; what waits for its turn is not sent any more."""
        super().close()
        close_gateway(self.gateway)

    def door(self, chaincode: str, retries: int = 0) -> ChaincodeDoor:
        """A chaincode of the channel.

        Args:
            chaincode: its name.
            retries: new proposals that may follow a conflict with others.
        """
        return ChaincodeDoor(self.gateway, chaincode, self.home / CURSORS, retries)

    def now(self, chaincode: str) -> int:
        """What time it is by the organisations' clocks that a chaincode goes by, Unix seconds.

        Raises:
            ChaincodeRefused: it has no clocks.
        """
        return int(self.door(chaincode).evaluate(NOW))


def connect(access: LedgerAccess, *, submits: bool, waits: Waits = WAITS) -> GatewayClient:
    """A client with the journal of its identity, which `close_gateway` closes too.

    Args:
        access: ledger and identity.
        submits: whether it may; then nobody else with this home does meanwhile.
        waits: longest times of calls that are given none.
    """
    return GatewayClient(access.peers, access.new_desk(waits, submits=submits))


def close_gateway(gateway: GatewayClient) -> None:
    """Close a client, and the journal of what it submitted."""
    gateway.close()
    gateway.desk.close()
