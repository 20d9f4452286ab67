"""One server on a stage: its home, its keys, its process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Address, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Role
from edgemark.transport.ports import HeldPorts, hold_ports

NO_TOKENS = Tokens(0)
STOP_LIMIT_S = 10.0
LAST_WORDS = 400  # characters of the log of a server that ended


@dataclass
class Actor:
    """One server of one provider.

    Attributes:
        name: "node 3".
        home: its folder; its provider's stands beside it.
        place: the port where it listens, which nobody else gets.
        module: what `python -m` runs.
        words: its arguments.
        tokens: in its wallet before the curtain rises.
        settings: of its own, beside the stage's.
        process: while it runs.
    """

    name: str
    role: Role
    home: Path
    account: Address
    provider: Address
    place: HeldPorts
    module: str
    words: list[str]
    tokens: Tokens = NO_TOKENS
    settings: Mapping[str, object] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def draft(folder: Path, kind: str, number: int, role: Role) -> Actor:
        """A server that `edgemark KIND run` starts, with keys for it and for its provider.

        Args:
            folder: of the stage.
            kind: "node".
            number: among those of its kind, from 1.
            role: in which it registers.
        """
        home = folder / f"{kind}-{number}"
        return Actor(
            name=f"{kind} {number}",
            role=role,
            home=home,
            account=KeyStore.open(home / "keys").account.address,
            provider=KeyStore.open(provider_home(home) / "keys").account.address,
            place=hold_ports(1),
            module="edgemark",
            words=[kind, "run", "--home", str(home)],
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.place.numbers[0]

    @property
    def provider_key(self) -> SecretKey:
        """Each server has a provider of its own, with a key of its own."""
        return KeyStore.open(provider_home(self.home) / "keys").account

    @property
    def log(self) -> Path:
        """What its processes wrote."""
        return self.home / "log.jsonl"

    @property
    def listens(self) -> bool:
        """Does anybody take connections at its port?"""
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self, environ: Mapping[str, str] | None = None) -> None:
        """Start it as a process of its own.

        Args:
            environ: variables beside this process's.
        """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", self.module, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environ or {})},
            )

    def ask_to_leave(self) -> None:
        """Tell it to end; see `end`."""
        if self.process is not None:
            self.process.terminate()

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
            Unrecoverable: it ended, or it is late; with its last words.
        """
        ended = self.process is None or self.process.poll() is not None
        if ended or time.monotonic() > deadline:
            raise Unrecoverable(
                "server ended" if ended else "server did not start in time",
                who=self.name,
                had=self.log.read_text()[-LAST_WORDS:],
                remedy=f"The whole log is {self.log}.",
            )


def provider_home(home: Path) -> Path:
    """Where the provider of the server with this home keeps its things."""
    return home.with_name(f"provider-of-{home.name}")
