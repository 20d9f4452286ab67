"""One party on a stage: its home, its keys, its process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from edgemark.demo.patience import BUSY, NotInTime
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Address
from edgemark.identity.keys import KeyStore
from edgemark.process import tether
from edgemark.settings.loading import without_settings
from edgemark.transport.ports import HeldPorts, hold_ports

STOP_LIMIT_S = 10.0
LAST_WORDS = 400  # characters of the log of a server that ended


@dataclass
class Actor:
    """One party that runs as a process of its own.

    Attributes:
        name: "node 3".
        home: its folder.
        account: of its keys.
        module: what `python -m` runs.
        words: its arguments.
        place: the port where it listens, which nobody else gets; None when it serves nothing.
        settings: of its own, beside the stage's.
        process: while it runs.
    """

    name: str
    home: Path
    account: Address
    module: str
    words: list[str]
    place: HeldPorts | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def draft(
        cls, folder: Path, kind: str, number: int, *, listens: bool = True, **more: Any
    ) -> Self:
        """A party that `edgemark KIND run` starts, with keys of its own.

        Args:
            folder: of the stage.
            kind: "node".
            number: among those of its kind, from 1.
            listens: whether it serves at a port.
            more: attributes that its class has beside an actor's, or instead of those above.
        """
        home = folder / f"{kind}-{number}"
        facts: dict[str, Any] = {
            "name": f"{kind} {number}",
            "home": home,
            "account": KeyStore.open(home / "keys").account.address,
            "module": "edgemark",
            "words": [kind, "run", "--home", str(home)],
            "place": hold_ports(1) if listens else None,
        }
        return cls(**{**facts, **more})

    @property
    def port(self) -> int:
        """Where it listens.

        Raises:
            LookupError: it serves nothing.
        """
        if self.place is None:
            raise LookupError(f"{self.name} listens at no port")
        return self.place.numbers[0]

    @property
    def log(self) -> Path:
        """What its processes wrote."""
        return self.home / "log.jsonl"

    @property
    def runs(self) -> bool:
        """Was it started, and has it not ended?"""
        return self.process is not None and self.process.poll() is None

    @property
    def listens(self) -> bool:
        """Does anybody take connections at its port?"""
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self, environ: Mapping[str, str] | None = None) -> None:
        """Start it as a process of its own, which ends with this one.

        Args:
            environ: variables beside this process's, whose settings are not handed on.
        """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                tether([sys.executable, "-m", self.module, *self.words]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**without_settings(os.environ), **(environ or {})},
            )

    def ask_to_leave(self) -> None:
        """Tell it to end; see `end`."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End it at once, without a word to it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def end(self) -> None:
        """Wait for it to leave; kill it when it does not."""
        if self.process is None:
            return
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def check_alive(self, deadline: float) -> None:
        """Check that it runs, and that there is time left.

        Args:
            deadline: monotonic seconds until it has to be there.

        Raises:
            Unrecoverable: it ended; with its last words.
            NotInTime: it is late.
        """
        if self.runs and time.monotonic() <= deadline:
            return
        kind, what, first = Unrecoverable, "server ended", ""
        if self.runs:
            kind, what, first = NotInTime, "server did not start in time", f"{BUSY} "
        raise kind(
            what,
            who=self.name,
            had=self.log.read_text(errors="replace")[-LAST_WORDS:],
            remedy=f"{first}The whole log is {self.log}.",
        )
