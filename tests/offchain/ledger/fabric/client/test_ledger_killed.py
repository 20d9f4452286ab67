"""A ledger that dies by `kill -9` again and again, under a client that goes on.

The development ledger is one process; of Fabric's programs the client's peer, the orderer and the
other organisation's peer die in turn.

Nothing that was reported committed is missing afterwards, no counter is added to twice, and a
listener hears each event once.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.embedded.served import ORG1, ORG2, LedgerWorld, fabric_ledger
from tests.offchain.ledger.fabric.client.counters import NAME, Counters, access, count_blocks
from tests.stage.forks import ENVIRONMENT, Forked
from tests.waiting import wait_until

from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.making import make_ledger
from edgemark.ledger.embedded.running.place import Place, Served
from edgemark.ledger.embedded.running.process import ledger_status
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import Checkpoint
from edgemark.ledger.fabric.network.network import find_network, network_down, network_up
from edgemark.ledger.fabric.network.plan import Plan
from edgemark.ledger.fabric.opening import FOLDERS
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC
from edgemark.transport.ports import hold_ports

pytestmark = [pytest.mark.processes, pytest.mark.lasts(12)]

SEED = int(os.environ.get("EDGEMARK_SOAK_SEED", "7"))


class LedgerProcess:
    """`edgemark ledger serve` of a home, killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._process: Forked | None = None

    def start(self) -> None:
        said = self.home / "said"
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), **ENVIRONMENT}
        words = ["ledger", "serve", "--home", str(self.home), "--log-level", "warning"]
        self._process = Forked("edgemark", words, environ=environ, out=said, error=said)
        folder = self.home / "ledger"
        wait_until("the ledger", lambda: ledger_status(folder) is not None)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        assert self._process.wait(30) == -9


class FabricNodes:
    """The nodes of a network of Fabric's own programs: each kill is of the next one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._next = cycle(("peer0.org1.example.com", "orderer", "peer0.org2.example.com"))

    def kill(self) -> None:
        network = find_network(self.folder)
        assert network is not None
        begins = next(self._next)
        (name,) = (each for each in network.programs if each.startswith(begins))
        program = network.programs[name]
        os.kill(program.pid, signal.SIGKILL)
        wait_until(f"end of {name}", lambda: not program.is_running)

    def start(self) -> None:
        network_up(self.folder, Plan(), ())


@contextmanager
def _fabric_world(home: Path) -> Iterator[tuple[LedgerWorld, FabricNodes]]:
    folder = home / FOLDERS[FABRIC]
    with fabric_ledger(folder) as world:
        try:
            world.deploy(NAME, {ORG1: Counters(), ORG2: Counters()})
            yield world, FabricNodes(folder)
        finally:
            network_down(folder)


@contextmanager
def _development_world(home: Path) -> Iterator[tuple[LedgerWorld, LedgerProcess]]:
    """A ledger in a process of its own, at ports that stay, and a chaincode in this one."""
    with hold_ports(3) as held:
        ports = dict(zip((ORG1, ORG2, "OrdererMSP"), held.numbers, strict=True))
    make_ledger(Place(home / "ledger"), 2, Served(metrics_port=-1, ports=ports))
    process = LedgerProcess(home)
    process.start()
    known = Organisations.open(home / "ledger")
    world = LedgerWorld({**known.peers, known.orderer.msp_id: known.orderer}, ports)
    try:
        world.deploy(NAME, {ORG1: Counters(), ORG2: Counters()})
        yield world, process
    finally:
        process.kill()
        world.close()


WORLDS: Mapping[str, Callable[[Path], Any]] = {
    DEVELOPMENT: _development_world,
    FABRIC: _fabric_world,
}


@pytest.mark.parametrize(
    ("kind", "counters", "kills"),
    [
        (DEVELOPMENT, 20, 3),
        pytest.param(DEVELOPMENT, 1_000, 40, marks=pytest.mark.soak),
        pytest.param(FABRIC, 40, 6, marks=pytest.mark.fabric),
    ],
)
def test_a72_a_ledger_killed_again_and_again__loses_nothing_and_counts_once(
    tmp_path: Path, kind: str, counters: int, kills: int
) -> None:
    draw = random.Random(SEED)
    with WORLDS[kind](tmp_path) as (_, process), access(tmp_path).client() as client:
        checkpoints, heard = CheckpointFile(tmp_path / "checkpoint"), list[str]()
        checkpoints.write(Checkpoint(client.height()))

        def listen() -> None:
            client.listen(NAME, lambda each: heard.append(each.event.payload.decode()), checkpoints)

        listener = threading.Thread(target=listen)
        listener.start()
        begun = threading.Semaphore(0)

        def add(number: int) -> tuple[str, int]:
            begun.release()
            done = client.submit(NAME, "add", f"c{number}", name=f"c{number}", wait_s=120)
            return done.transaction_id, done.block

        with ThreadPoolExecutor(2) as pool:
            ends = [pool.submit(add, number) for number in range(counters)]
            for _ in range(kills):
                for _ in range(counters // (kills + 1)):
                    begun.acquire()
                threading.Event().wait(draw.uniform(0, 0.05))
                process.kill()
                process.start()
            told = [each.result() for each in ends]
        wait_until("all events", lambda: len(heard) >= counters)
        counted = count_blocks(client)
        for number, (transaction_id, block) in enumerate(told):
            assert client.evaluate(NAME, "get", f"c{number}") == b"1"
            assert counted[f"c{number}"] == 1
            assert client.commit_status(transaction_id, wait_s=10)[1] == block
        client.close()
        listener.join()
        assert sorted(heard) == sorted(f"c{number}" for number in range(counters))
