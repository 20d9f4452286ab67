"""`edgemark ledger clock run`: the clock of an organisation, for all its chaincodes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from edgemark.cli.ledger.asking.choosing import chooses_ledger, open_chosen
from edgemark.cli.options.plain_numbers import RealRange
from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.running.place import Place
from edgemark.ledger.fabric.client.asking import REAL, Desk
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import read_attributes
from edgemark.ledger.fabric.identities.signing import parse_identity
from edgemark.ledger.fabric.lifecycle.administrator import Administrator
from edgemark.ledger.fabric.opening import LedgerAccess
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.logs import get_logger
from edgemark.party.consortium.chaincode import ChaincodeDoor
from edgemark.party.consortium.clock import OrganisationClock, has_clocks
from edgemark.party.consortium.clocks import LONGEST_S, SHORTEST_S, Ticking, advance_of
from edgemark.party.running import heed_signals, telling_end
from edgemark_chaincode.clock import ATTRIBUTE, ATTRIBUTE_VALUE, CLOCK_S

_log = get_logger("clock")


@dataclass
class Doors(Closing):
    """Doors to chaincodes of any channel, by one identity with one journal.

    Attributes:
        access: ledger and identity.
        advance_s: seconds by which this clock is ahead of its machine's, as it is now.
    """

    access: LedgerAccess
    advance_s: Callable[[], int]
    _desk: Desk | None = None
    _clients: dict[str, GatewayClient] = field(default_factory=dict)

    def open(self, channel: str, chaincode: str) -> ChaincodeDoor:
        """A door; its channel is dialled once."""
        if channel not in self._clients:
            desk = replace(self._own_desk(), channel=channel)
            self._clients[channel] = GatewayClient(self.access.peers, desk)
        return ChaincodeDoor(self._clients[channel], chaincode, self.access.home)

    def find(self, channel: str) -> tuple[tuple[str, str], ...]:
        """Chaincodes of a channel that have clocks.

        Raises:
            LedgerUnavailable: the ledger does not say.
        """
        client = self.open(channel, LIFECYCLE).client
        names = [each.name for each in Administrator(client, ()).definitions()]
        return tuple((channel, each) for each in names if has_clocks(client, each))

    def close(self) -> None:
        """Close everything."""
        for client in self._clients.values():
            client.close()
        if self._desk is not None:
            self._desk.close()

    def read_time(self) -> int:
        """Unix seconds."""
        return self._time_ns() // 10**9

    def _own_desk(self) -> Desk:
        if self._desk is None:
            self._desk = self.access.new_desk(clocks=replace(REAL, time_ns=self._time_ns))
        return self._desk

    def _time_ns(self) -> int:
        return time.time_ns() + self.advance_s() * 10**9


@click.group(cls=NamingGroup)
def clock() -> None:
    """Time that no client chooses: each organisation writes what its clock says."""


@clock.command("run")
@chooses_ledger
@click.option(
    "--chaincode",
    "chaincodes",
    multiple=True,
    metavar="NAME",
    help="That it ticks for; may be given again.  [default: all of the channel with clocks]",
)
@click.option(
    "--every",
    "period_s",
    type=RealRange(SHORTEST_S, LONGEST_S),
    help=f"Seconds between ticks.  [default: {CLOCK_S:g}]",
)
@click.option(
    "--of",
    "of_ledger",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of a development ledger: tick for what is deployed there, and end with it.",
)
def run_clock(
    invocation: Invocation,
    chaincodes: tuple[str, ...],
    period_s: float | None,
    of_ledger: Path | None,
) -> None:
    """Write what time it is, until interrupted.

    It ticks for every chaincode with deadlines that it is told. Its identity has the attribute
    `edgemark.clock`; each organisation runs one of its own. Without a tick of most of them, time
    stands still: what has a deadline is refused or stays open.
    """
    if of_ledger is not None:
        check_ledger(of_ledger)
    access = open_chosen(invocation)
    check_may_tick(access.signer.identity)
    doors = Doors(access, lambda: 0 if of_ledger is None else advance_of(of_ledger))

    def ticking() -> Ticking:
        had = Ticking() if of_ledger is None else Ticking.load(of_ledger)
        named = tuple((access.settings.channel, each) for each in chaincodes)
        return Ticking((*named, *had.chaincodes), period_s or had.period_s)

    def open_all() -> Sequence[ChaincodeDoor]:
        chosen = ticking().chaincodes
        if not chosen and of_ledger is None:
            chosen = doors.find(access.settings.channel)
        return [doors.open(*each) for each in chosen]

    over = EndsWithLedger(of_ledger)
    asked = heed_signals(over.set)
    _log.info("ticking", organisation=access.settings.msp_id, every_s=ticking().period_s)
    with telling_end("clock"), doors:
        OrganisationClock(open_all, doors.read_time).run(over, lambda: ticking().period_s)
    _log.info("stopped", reason=asked[0] if asked else "the ledger was taken down")


def check_ledger(folder: Path) -> None:
    """Check that a folder is that of a ledger that is up.

    Raises:
        RefusedInput: it is not.
    """
    if not Place(folder).note.exists():
        raise RefusedInput(
            "has no development ledger that is up",
            who=f"--of {folder}",
            needed="the folder `ledger` of a home where `edgemark ledger up` was called",
        )


def check_may_tick(identity: bytes) -> None:
    """Check that an identity is of a clock: each of its ticks would be refused otherwise.

    Raises:
        IdentityRefused: its certificate has not the attribute.
    """
    msp_id, certificate = parse_identity(identity)
    had = read_attributes(certificate, msp_id).get(ATTRIBUTE)
    if had != ATTRIBUTE_VALUE:
        raise IdentityRefused(
            "is of no clock",
            who=f"certificate of {msp_id}",
            had=had,
            needed=f"the attribute {ATTRIBUTE}={ATTRIBUTE_VALUE}",
            remedy=f"`edgemark ledger identity issue NAME --attribute {ATTRIBUTE}={ATTRIBUTE_VALUE}"
            "`, and name its folder `msp` by --msp-folder.",
        )


class EndsWithLedger(threading.Event):
    """Set when somebody says so, or when a ledger was taken down.

    Args:
        ledger: its folder; None for none.
    """

    def __init__(self, ledger: Path | None) -> None:
        super().__init__()
        self._note = None if ledger is None else Place(ledger).note

    def is_set(self) -> bool:
        """Whether it is over."""
        return super().is_set() or (self._note is not None and not self._note.exists())
