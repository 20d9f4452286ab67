"""A consortium ledger for benchmarks: processes of its own, two organisations, chaincodes on it.

Everything is brought up as users do, by the commands: `edgemark ledger up` or `edgemark fabric up`,
then `edgemark ledger chaincode deploy`. Other people's shims run from `tests/stage/fabric_peers`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.stage.fabric_peers.running import chaincode_processes, start_chaincode

from edgemark.ledger.fabric.identities.layout import find_msp
from edgemark.ledger.fabric.opening import LedgerAccess, open_ledger
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.packages.making import package_of
from edgemark.ledger.fabric.settings import FABRIC, LedgerSettings
from edgemark.transport.ports import hold_ports

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 120.0


@dataclass
class LedgerGround:
    """A ledger that runs.

    Attributes:
        kind: development or fabric.
        home: folder of the home that it belongs to.
        started: processes of other people's chaincode.
    """

    kind: str
    home: Path
    started: list[subprocess.Popen[bytes]]

    @property
    def group(self) -> str:
        """The commands that start and end it."""
        return "fabric" if self.kind == FABRIC else "ledger"

    def run(self, *words: str) -> Any:
        """What a command of ours answers.

        Raises:
            subprocess.CalledProcessError: it failed; its words went to standard error.
        """
        command = [sys.executable, "-m", "edgemark", *words, "--home", str(self.home), "--json"]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, check=True, timeout=LIMIT_S
        )
        return json.loads(done.stdout)

    def deploy(self, name: str, *words: str) -> None:
        """Deploy a chaincode of ours, a process for each organisation."""
        self.run("ledger", "chaincode", "deploy", name, "--ledger", self.kind, *words)

    def deploy_of_others(self, name: str, kind: str) -> None:
        """Deploy a chaincode on another shim: one process, which both organisations ask."""
        with hold_ports(1) as held:
            address = f"127.0.0.1:{held.numbers[0]}"
        package, raw = package_of(name, Connection(address))
        path = self.home / f"{name}.tar.gz"
        path.write_bytes(raw)
        start_chaincode(kind, package.package_id, address, self.started)
        self.deploy(name, "--package", str(path))

    def access(self, user: str = "User1", msp_id: str = "Org1MSP") -> LedgerAccess:
        """The ledger as a user of an organisation speaks to it."""
        settings = LedgerSettings(kind=self.kind, msp_id=msp_id)
        if user != "User1":
            folder = self.home / ("fabric" if self.kind == FABRIC else "ledger")
            settings = replace(settings, msp_folder=str(find_msp(folder, msp_id, user)))
        return open_ledger(settings, self.home)


@contextmanager
def ledger_ground(kind: str, home: Path, more: Sequence[str] = ()) -> Iterator[LedgerGround]:
    """A ledger of two organisations; it ends, and all its chaincode, at the end.

    Args:
        kind: development or fabric.
        home: folder of its home.
        more: words for the command that starts it.
    """
    with chaincode_processes() as started:
        ground = LedgerGround(kind, home, started)
        ground.run(ground.group, "up", "--orgs", "2", *more)
        try:
            yield ground
        finally:
            ground.run(ground.group, "down")
