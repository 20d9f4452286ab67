"""A72: whoever dies and whatever is cut off, each counter is added to exactly once.

The client dies by `kill -9` before and after each of its five steps, and goes on by the names it
gave; connections are cut at random; the planted client, which gives no names, counts twice.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.served import (
    ORG1,
    ORG2,
    LedgerWorld,
    development_ledger,
    fabric_ledger,
)
from tests.offchain.ledger.evm.reading.cuttable_proxy import CuttableProxy
from tests.offchain.ledger.fabric.client.counters import (
    NAME,
    Counters,
    access,
    asking,
    count_blocks,
)
from tests.offchain.ledger.fabric.client.counting_client import STEPS
from tests.stage.forks import ENVIRONMENT, Forked
from tests.waiting import wait_until

from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import ChaincodeEvent, Checkpoint
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, FOLDERS

pytestmark = [pytest.mark.processes, pytest.mark.lasts(15)]

CLIENT = "tests.offchain.ledger.fabric.client.counting_client"
KILLS = [(step, when) for step in range(STEPS) for when in ("before", "after")]
SEED = int(os.environ.get("EDGEMARK_SOAK_SEED", "7"))


@pytest.fixture(
    scope="module",
    params=[DEVELOPMENT, pytest.param(FABRIC, marks=pytest.mark.fabric)],
)
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    ledger = development_ledger if request.param == DEVELOPMENT else fabric_ledger
    with ledger(folder / FOLDERS[request.param]) as running:
        _deploy(running)
        yield folder


def _deploy(running: LedgerWorld) -> None:
    running.deploy(NAME, {ORG1: Counters(), ORG2: Counters()})


def _run(home: Path, journal: Path, *words: object) -> int:
    """A client's process, to its end; its journal lies in a folder of its own."""
    journal.mkdir(exist_ok=True)
    for name in FOLDERS.values():
        if (home / name).exists() and not (journal / name).exists():
            (journal / name).symlink_to(home / name)
    environ = {"PATH": os.environ["PATH"], "HOME": str(journal), **ENVIRONMENT}
    environ["PYTHONPATH"] += f":{Path(ENVIRONMENT['PYTHONPATH'].split(':')[1]) / 'chaincode'}"
    said = journal / "said"
    told = [str(journal), *map(str, words)]
    status = Forked(CLIENT, told, environ=environ, out=said, error=said).wait(120)
    assert status in (0, -9), said.read_text()[-2000:]
    return status


def _kill_and_count(home: Path, journal: Path, count: int) -> None:
    for number in range(count):
        step, when = KILLS[number % len(KILLS)]
        first = max(0, number - 1)
        assert _run(home, journal, first, number, step, when) == -9
    assert _run(home, journal, count - 1, count, -1, "after") == 0
    with asking(home) as client:
        counted = count_blocks(client)
        for number in range(count + 1):
            assert client.evaluate(NAME, "get", f"c{number}") == b"1", number
            assert counted[f"c{number}"] == 1


def test_a72_a_client_killed_at_each_step__counts_each_once(home: Path, tmp_path: Path) -> None:
    _kill_and_count(home, tmp_path / "client", len(KILLS))


@pytest.mark.soak
def test_a72_a_thousand_counters__are_counted_once_each(tmp_path: Path) -> None:
    with development_ledger(tmp_path / "ledger") as running:
        _deploy(running)
        _kill_and_count(tmp_path, tmp_path / "client", 1_000)


def test_a72_a_client_without_a_journal__counts_twice(tmp_path: Path) -> None:
    """The mistake planted: a new proposal after a lost answer."""
    with development_ledger(tmp_path / "ledger") as running:
        _deploy(running)
        journal = tmp_path / "client"
        assert _run(tmp_path, journal, 0, 0, 2, "after", "forgetful") == -9
        assert _run(tmp_path, journal, 0, 0, -1, "after", "forgetful") == 0
        with asking(tmp_path) as client:
            assert client.evaluate(NAME, "get", "c0") == b"2"


def test_a72_connections_cut_at_random__count_each_once__and_tell_each_event_once(
    tmp_path: Path,
) -> None:
    count = 20
    with development_ledger(tmp_path / "ledger") as running:
        _deploy(running)
        opened = access(tmp_path)
        proxy = CuttableProxy(int(opened.peers[0].target.rpartition(":")[2]))
        address = replace(opened.peers[0], target=f"localhost:{proxy.port}")
        told: list[str] = []
        checkpoints = CheckpointFile(tmp_path / "checkpoint")
        with opened.client() as direct, proxy:
            checkpoints.write(Checkpoint(direct.height()))
            client = GatewayClient([address], direct.desk)
            listener = threading.Thread(
                target=client.listen,
                args=(NAME, lambda each: told.append(_key_of(each)), checkpoints),
                kwargs={"wait_s": 60},
            )
            listener.start()
            ended = threading.Event()
            cutter = threading.Thread(target=_cut, args=(proxy, ended, random.Random(SEED)))
            cutter.start()
            outcomes = _add_all(client, count)
            ended.set()
            cutter.join()
            wait_until("all events", lambda: len(told) >= count)
            client.close()
            listener.join()
            counted = count_blocks(direct)
            for number, outcome in enumerate(outcomes):
                assert direct.evaluate(NAME, "get", f"d{number}") == b"1"
                assert counted[f"d{number}"] == 1
                code, block = direct.commit_status(outcome.transaction_id)
                assert (code, block) == (outcome.code, outcome.block)
    assert sorted(told) == sorted(f"d{number}" for number in range(count))


def _add_all(client: GatewayClient, count: int) -> list[Outcome]:
    def add(number: int) -> Outcome:
        return client.submit(NAME, "add", f"d{number}", name=f"d{number}", wait_s=60)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(add, range(count)))


def _key_of(event: ChaincodeEvent) -> str:
    return event.event.payload.decode()


def _cut(proxy: CuttableProxy, ended: threading.Event, draw: random.Random) -> None:
    while not ended.wait(draw.uniform(0.02, 0.3)):
        proxy.cut()
        proxy.restore()
