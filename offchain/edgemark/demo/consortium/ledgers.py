"""A ledger of a stage's own: the development ledger, or a network of Fabric's own programs."""

from __future__ import annotations

import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.running.making import make_ledger
from edgemark.ledger.embedded.running.place import Place
from edgemark.ledger.embedded.running.process import Running, ledger_down, ledger_up
from edgemark.ledger.fabric.identities.layout import list_organisations, msp_id_of
from edgemark.ledger.fabric.network.network import FabricNetwork, network_down, network_up
from edgemark.ledger.fabric.network.plan import Plan
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC
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
        """The folder of one of them."""
        return OrganisationFolder(next(list_organisations(self.folder, msp_id)), msp_id)


@dataclass
class DevelopmentStaged(StagedLedger):
    """The development ledger, in a process of its own."""

    _running: Running | None = None

    @property
    def folder(self) -> Path:
        """As `edgemark ledger` has it."""
        return self.home / "ledger"

    def start(self) -> None:
        """Make it, unless it is there, and serve it."""
        make_ledger(Place(self.folder), ORGANISATIONS, None)
        self._running = ledger_up(self.folder, self._command)

    def kill(self) -> int:
        """End its process at once, without a word to it; the number that it had."""
        if self._running is None:
            raise LookupError("the ledger does not run")
        pid = self._running.program.pid
        os.kill(pid, signal.SIGKILL)
        self._running.program.close()
        self._running = None
        return pid

    def close(self) -> None:
        """End its process."""
        ledger_down(self.folder)

    def _command(self, folder: Path) -> Sequence[str]:
        words = [sys.executable, "-m", "edgemark", "ledger", "serve"]
        return [*words, "--home", str(folder.parent), "--log-level", "info"]


@dataclass
class FabricStaged(StagedLedger):
    """A network of Fabric's own programs, which end with this process."""

    _network: FabricNetwork | None = None

    @property
    def folder(self) -> Path:
        """As `edgemark fabric` has it."""
        return self.home / "fabric"

    def start(self) -> None:
        """Make it, unless it is there, and bring up what does not run."""
        plan = Plan(organisations=ORGANISATIONS, channels=(self.channel,))
        with hold_ports(plan.port_count) as held:
            self._network = network_up(self.folder, plan, held.numbers)

    def close(self) -> None:
        """End all of its programs."""
        network_down(self.folder)


def staged_ledger(kind: str, home: Path) -> StagedLedger:
    """The ledger of a kind, which does not run yet.

    Raises:
        RefusedInput: no such kind can be started.
    """
    match kind:
        case "development":
            return DevelopmentStaged(home)
        case "fabric":
            return FabricStaged(home)
        case _:
            needed = f"{DEVELOPMENT} or {FABRIC}"
            raise RefusedInput("is none that can be started", who=kind[:64], needed=needed)
