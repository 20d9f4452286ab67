"""A ledger of a stage's own: the development ledger, or a network of Fabric's own programs."""

from __future__ import annotations

import os
import signal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.running.making import make_ledger
from edgemark.ledger.embedded.running.place import Place
from edgemark.ledger.embedded.running.process import Running, ledger_down, ledger_up
from edgemark.ledger.fabric import settings
from edgemark.ledger.fabric.identities.layout import list_organisations, msp_id_of
from edgemark.ledger.fabric.network.network import network_down, network_up
from edgemark.ledger.fabric.network.plan import Plan
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, FOLDERS
from edgemark.ledger.fabric.wire.names import DEFAULT_CHANNEL
from edgemark.transport.ports import hold_ports

ORGANISATIONS = 2


@dataclass
class StagedLedger(Closing, ABC):
    """A ledger that the stage starts and ends.

    Args:
        home: whose folder it stands in.
    """

    home: Path

    @property
    @abstractmethod
    def folder(self) -> Path:
        """With `crypto-config` and `profiles`."""

    @abstractmethod
    def start(self) -> None:
        """Bring it up; what it has kept is there again."""

    @property
    def channel(self) -> str:
        """That everybody is on."""
        return DEFAULT_CHANNEL

    @property
    def msp_ids(self) -> list[str]:
        """Of its organisations, in order."""
        return [msp_id_of(number) for number in range(1, ORGANISATIONS + 1)]

    def organisation(self, msp_id: str) -> OrganisationFolder:
        """The folder of one of them.

        Raises:
            RefusedInput: it is none of them.
        """
        found = next(list_organisations(self.folder, msp_id), None)
        if found is None:
            needed = " or ".join(self.msp_ids)
            raise RefusedInput("is no organisation of the stage", who=msp_id[:64], needed=needed)
        return OrganisationFolder(found, msp_id)


@dataclass
class DevelopmentStaged(StagedLedger):
    """The development ledger, in a process of its own."""

    _running: Running | None = None

    @property
    def folder(self) -> Path:
        """As `edgemark ledger` has it."""
        return self.home / FOLDERS[DEVELOPMENT]

    def start(self) -> None:
        """Make it, unless it is there, and serve it."""
        make_ledger(Place(self.folder), ORGANISATIONS, None)
        self._running = ledger_up(self.folder)

    def kill(self) -> int:
        """End its process at once, without a word to it; the number that it had.

        Raises:
            RefusedInput: it does not run.
        """
        if self._running is None:
            raise RefusedInput("does not run", who="ledger of the stage", needed="a start")
        pid = self._running.program.pid
        os.kill(pid, signal.SIGKILL)
        self._running.program.close()
        self._running = None
        return pid

    def close(self) -> None:
        """End its process."""
        ledger_down(self.folder)


@dataclass
class FabricStaged(StagedLedger):
    """A network of Fabric's own programs, which end with this process."""

    @property
    def folder(self) -> Path:
        """As `edgemark fabric` has it."""
        return self.home / FOLDERS[FABRIC]

    def start(self) -> None:
        """Make it, unless it is there, and bring up what does not run."""
        plan = Plan(organisations=ORGANISATIONS, channels=(self.channel,))
        with hold_ports(plan.port_count) as held:
            network_up(self.folder, plan, held.numbers)

    def close(self) -> None:
        """End all of its programs."""
        network_down(self.folder)


def staged_ledger(kind: str, home: Path) -> StagedLedger:
    """The ledger of a kind, which does not run yet.

    Raises:
        RefusedInput: no such kind can be started.
    """
    match kind:
        case settings.DEVELOPMENT:
            return DevelopmentStaged(home)
        case settings.FABRIC:
            return FabricStaged(home)
        case _:
            needed = f"{DEVELOPMENT} or {FABRIC}"
            raise RefusedInput("is none that can be started", who=kind[:64], needed=needed)
