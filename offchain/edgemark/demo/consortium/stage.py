"""A stage with a consortium ledger: identities of its organisations, their chaincode and clocks.

Nothing here knows a system: it says which chaincode is deployed, and who comes to the ledger.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from edgemark.demo.actor import Actor
from edgemark.demo.consortium.ledgers import DevelopmentStaged, StagedLedger, staged_ledger
from edgemark.demo.stage import Stage
from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.identities.layout import ADMIN, msp_of
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.lifecycle.administrator import Administrator
from edgemark.ledger.fabric.lifecycle.deploying import deploy
from edgemark.ledger.fabric.lifecycle.hosting import Hosts, draft_hosts, stop_hosts
from edgemark.ledger.fabric.opening import open_ledger
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.ledger.fabric.settings import DEVELOPMENT, PROFILE, LedgerSettings
from edgemark.ledger.fabric.wire.definitions import ChaincodeDefinition
from edgemark.party.consortium.chaincode import ChaincodeDoor
from edgemark.party.consortium.clock import OrganisationClock
from edgemark.party.consortium.clocks import stop_clocks, tick_for
from edgemark.party.consortium.station import ConsortiumStation
from edgemark.settings.loading import load_settings
from edgemark.transport.ports import hold_ports

CLOCK = {"edgemark.clock": "true"}


@dataclass
class ConsortiumStage(Stage[Actor]):
    """A stage whose parties are members of organisations on one ledger.

    Args:
        kind: of the ledger, "development" or "fabric".
        clock_s: seconds between two ticks of each organisation's clock.
    """

    SECTIONS = ConsortiumStation.SECTIONS

    kind: str = DEVELOPMENT
    clock_s: float = 2.0
    _ledger: StagedLedger | None = None
    _held: ExitStack = field(default_factory=ExitStack)
    _ends: threading.Event = field(default_factory=threading.Event)

    def draft_cast(self) -> list[Actor]:
        """Nobody runs beside ledger, chaincode and clocks, unless a system says so."""
        return []

    # --- what there is -------------------------------------------------------------------------

    @property
    def ledger(self) -> StagedLedger:
        """The ledger.

        Raises:
            RefusedInput: there is none yet.
        """
        if self._ledger is None:
            raise RefusedInput("is not set", who="stage", needed="`set`")
        return self._ledger

    @property
    def development(self) -> DevelopmentStaged | None:
        """The development ledger; None where it is another."""
        return self.ledger if isinstance(self.ledger, DevelopmentStaged) else None

    def identity(self, msp_id: str, user: str) -> Path:
        """The folder `msp` of somebody of an organisation."""
        return msp_of(self.ledger.organisation(msp_id).path, user)

    def ledger_settings(self, msp_id: str, user: str) -> dict[str, object]:
        """[ledger] of somebody."""
        return {
            "ledger.kind": PROFILE,
            "ledger.channel": self.ledger.channel,
            "ledger.msp_id": msp_id,
            "ledger.msp_folder": self.identity(msp_id, user),
            "ledger.profile": profile_path(self.ledger.folder, msp_id),
        }

    # --- the play ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Start the ledger."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ledger = staged_ledger(self.kind, self.folder)
        self._ledger.start()

    def close(self) -> None:
        """End clocks, chaincode and ledger, and close what was opened here."""
        self._ends.set()
        self._held.close()
        super().close()
        if self._ledger is not None:
            stop_clocks(self._ledger.folder)
            stop_hosts(self._ledger.folder)
            self._ledger.close()

    # --- for systems ---------------------------------------------------------------------------

    def issue(self, msp_id: str, name: str, attributes: Mapping[str, str]) -> None:
        """A new client of an organisation, with attributes of its certificate."""
        folder = self.ledger.organisation(msp_id)
        folder.issue(name, MemberRole.CLIENT, datetime.now(UTC), attributes)

    def enter(self, home: str, msp_id: str, user: str) -> ConsortiumStation:
        """A station of somebody, which is closed with the stage."""
        self.account_of(home)
        told = {**self.common_settings(), **self.ledger_settings(msp_id, user)}
        overrides = {**told, "home": self.folder / home}
        settings = load_settings(file=None, environ={}, overrides=overrides, sections=self.SECTIONS)
        return self._held.enter_context(ConsortiumStation.open(settings))

    def write_home(self, name: str, msp_id: str, user: str) -> Path:
        """A home of somebody who uses the command line."""
        self.account_of(name)
        self._write_home(self.folder / name, _as_text(self.ledger_settings(msp_id, user)))
        return self.folder / name

    def deploy(self, name: str, code: str, instead: Mapping[str, str] | None = None) -> None:
        """Start a chaincode's processes, one for each organisation, and bring it to the channel.

        Args:
            name: on the ledger.
            code: what runs: a name of ours, or `module:Class`.
            instead: what runs for single organisations, by MSP id.
        """
        codes = {msp_id: (instead or {}).get(msp_id, code) for msp_id in self.ledger.msp_ids}
        packages: dict[str, bytes] = {}
        for msp_id, own in codes.items():
            hosts = self._start_host(f"{name}-{msp_id.lower()}", own, msp_id)
            packages[msp_id] = hosts.package_of(msp_id)[1]
        with ExitStack() as held:
            administrators = [self._administrator(each, held) for each in codes]
            deploy(administrators, ChaincodeDefinition(name, "1"), packages)

    def start_clocks(self, chaincode: str) -> None:
        """Let the clocks of all organisations tick for a chaincode."""
        ledger = self.ledger
        if self.development is not None:
            tick_for(ledger.folder, ledger.channel, chaincode, self.clock_s)
            return
        for msp_id in ledger.msp_ids:
            name = f"clock-of-{chaincode}"
            self.issue(msp_id, name, CLOCK)
            self._run_clock(self.enter(f"{name}-{msp_id}", msp_id, name).door(chaincode))

    # --- setting -------------------------------------------------------------------------------

    def _run_clock(self, door: ChaincodeDoor) -> None:
        """Let a clock tick in a thread, until the stage is closed."""

        def run() -> None:
            clock = OrganisationClock(lambda: [door], lambda: int(time.time()))
            clock.run(self._ends, lambda: self.clock_s)

        thread = threading.Thread(target=run, name=f"clock of {door.chaincode}")
        thread.start()
        self._held.callback(thread.join)

    def _start_host(self, label: str, code: str, msp_id: str) -> Hosts:
        with hold_ports(1) as held:
            hosts = draft_hosts(self.ledger.folder, label, code, [msp_id], held.numbers)
            hosts.cwd = self.folder
        hosts.start(stays=False)
        return hosts

    def _administrator(self, msp_id: str, held: ExitStack) -> Administrator:
        told = self.ledger_settings(msp_id, ADMIN).items()
        said = {name.removeprefix("ledger."): str(each) for name, each in told}
        access = open_ledger(LedgerSettings(**said), self.folder / "administrators")
        return Administrator(held.enter_context(access.client()), access.peers)


def _as_text(settings: Mapping[str, object]) -> dict[str, object]:
    """Paths as a file of settings has them."""
    return {key: str(each) if isinstance(each, Path) else each for key, each in settings.items()}
