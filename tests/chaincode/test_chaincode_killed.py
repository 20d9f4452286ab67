"""A72 for the chaincode: its process dies by `kill -9` at each step of a call, and between calls.

Whoever runs it starts it again, at the same address and under the same package id. The client makes
the call of a name until it has an outcome: each counter is added to exactly once.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.chaincode.mortal_counters import DEATH, STEPS
from tests.offchain.ledger.embedded.served import ORG1, ORG2, development_ledger, fabric_ledger
from tests.offchain.ledger.fabric.client.counters import NAME, access, count_blocks
from tests.stage.forks import ENVIRONMENT, ROOT, Forked
from tests.waiting import wait_until

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.opening import FOLDERS
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC
from edgemark.ledger.fabric.wire.codes import Code

pytestmark = [pytest.mark.processes, pytest.mark.lasts(8)]

HOST = "edgemark_chaincode.host"
CODE = "tests.chaincode.mortal_counters:MortalCounters"
IDLE = "idle"
DEATHS = [(step, msp_id) for step in (*STEPS, IDLE) for msp_id in (ORG1, ORG2)]
SEED = int(os.environ.get("EDGEMARK_SOAK_SEED", "7"))
LONGEST_S = 120.0  # until a call has an outcome


class MortalProcess:
    """The chaincode's process of one organisation; whoever runs it starts it again when it died."""

    def __init__(self, folder: Path, msp_id: str) -> None:
        self.deaths = 0
        self._fate = folder / f"{msp_id}.death"
        self._said = folder / f"{msp_id}.said"
        self._words: list[str] = []
        self._process: Forked | None = None
        self._ended = threading.Event()
        self._runner = threading.Thread(target=self._run)

    def begin(self, package_id: str, address: str) -> None:
        """Start it, told by a deployment who it is."""
        self._words = [CODE, "--package-id", package_id, "--address", address, "--level", "error"]
        self._start()
        wait_until("it listens", lambda: self._said.exists() and bool(self._said.read_text()))
        self._runner.start()

    def doom(self, step: str) -> None:
        """Let it die at a step of the next call; now, where it is idle."""
        if step == IDLE:
            assert self._process is not None
            self._process.kill()
        else:
            self._fate.write_text(step)

    def close(self) -> None:
        self._ended.set()
        self._runner.join()
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def _start(self) -> None:
        paths = f"{ENVIRONMENT['PYTHONPATH']}:{ROOT / 'chaincode'}"
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, DEATH: str(self._fate)}
        said = self._said
        self._process = Forked(HOST, self._words, environ=environ, out=said, error=said)

    def _run(self) -> None:
        while not self._ended.wait(0.01):
            assert self._process is not None
            if self._process.poll() is not None:
                assert self._process.poll() == -9, self._said.read_text()[-2000:]
                self.deaths += 1
                self._start()


@contextmanager
def _world(home: Path, kind: str) -> Iterator[dict[str, MortalProcess]]:
    begins = development_ledger if kind == DEVELOPMENT else fabric_ledger
    processes = {msp_id: MortalProcess(home, msp_id) for msp_id in (ORG1, ORG2)}
    with begins(home / FOLDERS[kind]) as ledger:
        try:
            ledger.deploy(NAME, {msp_id: each.begin for msp_id, each in processes.items()})
            yield processes
        finally:
            for each in processes.values():
                each.close()


def _add(client: GatewayClient, key: str) -> Outcome:
    """Typed again, under its name, until the ledger says what became of it."""
    until = time.monotonic() + LONGEST_S
    while True:
        try:
            return client.submit(NAME, "add", key, name=key, wait_s=30)
        except EdgemarkError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("kind", "counters"),
    [
        (DEVELOPMENT, 20),
        pytest.param(DEVELOPMENT, 100, marks=pytest.mark.soak),
        pytest.param(FABRIC, 12, marks=pytest.mark.fabric),
    ],
)
def test_a72_chaincode_killed_at_each_step__counts_each_once(
    tmp_path: Path, kind: str, counters: int
) -> None:
    with _world(tmp_path, kind) as processes, access(tmp_path).client() as client:
        for number in range(counters):
            step, msp_id = DEATHS[number % len(DEATHS)]
            before = processes[msp_id].deaths
            processes[msp_id].doom(step)
            outcome = _add(client, f"c{number}")
            assert outcome.code is Code.VALID
            wait_until("its death", lambda p=processes[msp_id], n=before: p.deaths > n)
        assert sum(each.deaths for each in processes.values()) == counters
        _check_counted(client, counters)


def test_a72_chaincode_killed_under_many_calls__counts_each_once(tmp_path: Path) -> None:
    draw, counters = random.Random(SEED), 20
    with _world(tmp_path, DEVELOPMENT) as processes, access(tmp_path).client() as client:
        with ThreadPoolExecutor(4) as pool:
            ends = [pool.submit(_add, client, f"c{number}") for number in range(counters)]
            for _ in range(3):
                time.sleep(draw.uniform(0, 0.1))
                processes[draw.choice((ORG1, ORG2))].doom(IDLE)
            assert {each.result().code for each in ends} == {Code.VALID}
        _check_counted(client, counters)


def _check_counted(client: GatewayClient, counters: int) -> None:
    counted = count_blocks(client)
    for number in range(counters):
        assert client.evaluate(NAME, "get", f"c{number}") == b"1"
        assert counted[f"c{number}"] == 1
