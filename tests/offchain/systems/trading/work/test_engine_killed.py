"""kill -9 of an engine at its writes: what left it stands, and nothing is metered twice."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.offchain.systems.trading.work.work_cast import (
    CHANNELS,
    entry,
    order_run,
    write_list,
)

from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import read_catalogue
from edgemark.systems.trading.work.messages import NOTHING_USED, Answer, Reading, Usage

pytestmark = pytest.mark.lasts(8)
ROOT = Path(__file__).resolve().parents[5]
SCRIPT = Path(__file__).with_name("killed_engine.py")
# Of some 40 places: around parts of an order, its record, an output, an answer, a reading.
PLACES = [1, 6, 10, 17, 23, 30]


def play(folder: Path, place: int) -> tuple[int, list[str]]:
    """What became of the process, and what left it."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), str(place)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'offchain'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode, done.stdout.split("\n")[:-1]


def read(lines: list[str]) -> tuple[list[Answer], list[Reading]]:
    parsed = [line.split() for line in lines]
    answers = [Answer.from_bytes(bytes.fromhex(raw)) for kind, raw in parsed if kind == "answer"]
    readings = [Reading.from_bytes(bytes.fromhex(raw)) for kind, raw in parsed if kind == "reading"]
    return answers, readings


@pytest.mark.parametrize("place", PLACES)
def test_t8_what_left_an_engine_that_was_killed__stands(tmp_path: Path, place: int) -> None:
    code, before = play(tmp_path, place)
    assert code == -signal.SIGKILL
    code, after = play(tmp_path, 0)
    assert code == 0
    answers, readings = read(after)
    told_answers, told_readings = read(before)
    assert answers[: len(told_answers)] == told_answers
    used = [reading.used for reading in (*told_readings, *readings)]
    assert not any(now.is_below(was) for was, now in itertools.pairwise(used))
    total = sum((answer.used for answer in answers), NOTHING_USED)
    last = readings[-1]
    assert (last.used, last.answered) == (total, 3)
    assert (total.units, total.octets) == (2 * 3 * 45, sum_of_octets(answers))


def sum_of_octets(answers: list[Answer]) -> int:
    return 2 * 3 * 4 * 17 + len(b"data") + sum(answer.output_bytes for answer in answers)


TELLING = """
import sys
from pathlib import Path
from tests.offchain.systems.trading.work.work_cast import CHANNELS, order_run
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import read_catalogue
folder = Path(sys.argv[1])
engine = Engine(folder / "engine", read_catalogue(folder / "programs.json"))
order = order_run({each.name: each.id for each in engine.status().programs}["spins"], b"")
engine.take(order, b"")
while True:
    engine.wait(order.id, 0.1)
    interval = engine._spool.meter.accounts[CHANNELS[0]].reading
    number = 1 if interval is None else interval.interval + 1
    print(engine.readings({CHANNELS[0]: number})[CHANNELS[0]].to_bytes().hex(), flush=True)
"""


def test_a_run_that_was_killed_midway__is_run_anew_and_counts_once(tmp_path: Path) -> None:
    script = "i=0; while [ $i -lt 700000 ]; do i=$((i+1)); done; echo done"
    (tmp_path / "programs.json").write_bytes(write_list(entry("spins", script)))
    process = subprocess.Popen(
        [sys.executable, "-c", TELLING, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'offchain'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = NOTHING_USED
    deadline = time.monotonic() + 30
    while told.cpu_us < 100_000 and time.monotonic() < deadline:
        told = Reading.from_bytes(bytes.fromhex(process.stdout.readline())).used
    process.kill()
    process.communicate()
    assert told.cpu_us >= 100_000
    with Engine(tmp_path / "engine", read_catalogue(tmp_path / "programs.json")) as engine:
        order = order_run({each.name: each.id for each in engine.status().programs}["spins"], b"")
        assert engine.wait(order.id, 30)
        found = engine.answer(order.id)
        assert found is not None
        answer, output = found
        last = engine._spool.meter.accounts[CHANNELS[0]].reading
        assert last is not None
        reading = engine.readings({CHANNELS[0]: last.interval + 1})[CHANNELS[0]]
    assert output == b"done\n"
    assert not answer.used.is_below(Usage(cpu_us=told.cpu_us))
    assert reading.used == answer.used
    assert reading.answered == 1
