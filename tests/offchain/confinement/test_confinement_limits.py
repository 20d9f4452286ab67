"""How a confined program ends that takes more than it may, and what it is said to have taken."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.offchain.confinement.confined_scripts import LIMITS, PYTHON, run_script

from edgemark.confinement.limits import End, Limits, LimitsWrong
from edgemark.confinement.running import OWN_RIGHTS, WAYS
from edgemark.confinement.watching import Taken

SHORT = replace(LIMITS, cpu_s=1, wall_s=1)
US = 1_000_000
pytestmark = pytest.mark.lasts(8)
BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""


def marked(mark: str) -> list[int]:
    """Processes of the whole machine in whose arguments this stands."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in words:
                found.append(int(folder.name))
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_program__answers_and_is_metered(way: str) -> None:
    began = time.monotonic()
    outcome = run_script("cat; exit 0", way, b"what it is given")
    elapsed_us = (time.monotonic() - began) * US
    assert (outcome.end, outcome.status) == (End.FINISHED, 0)
    assert outcome.output == b"what it is given"
    assert 0 < outcome.cpu_us < outcome.wall_us <= elapsed_us


@pytest.mark.parametrize("way", WAYS)
def test_another_exit_status_and_a_signal__are_told(way: str) -> None:
    ended = run_script("echo said; exit 7", way)
    assert (ended.end, ended.status, ended.output) == (End.EXITED, 7, b"said\n")
    killed = run_script("kill -SEGV $$", way)
    assert (killed.end, killed.status) == (End.KILLED, 11)


@pytest.mark.parametrize("way", WAYS)
def test_a_fork_bomb__is_bounded_and_nothing_of_it_is_left(way: str) -> None:
    mark = f"bomb{os.getpid()}{way[:4]}"
    script = f"mark = '{mark}'\n{BOMB}"
    most: list[int] = []
    limits = replace(LIMITS, cpu_s=2, wall_s=1)
    outcome = run_script(
        script,
        way,
        interpreter=PYTHON,
        limits=limits,
        told=lambda taken: most.append(taken.processes),
    )
    assert outcome.end in {End.OVER_TIME, End.OVER_CPU}
    assert max(most) == limits.processes
    assert marked(mark) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_program_that_sleeps_and_ignores_every_signal__is_over_its_time(way: str) -> None:
    mark = f"deaf{os.getpid()}{way[:4]}"
    script = f": {mark}; trap '' TERM INT HUP XCPU; (setsid sleep 1000 &); sleep 1000"
    outcome = run_script(script, way, limits=SHORT)
    assert (outcome.end, outcome.status) == (End.OVER_TIME, 0)
    assert US <= outcome.wall_us < 10 * US
    assert outcome.cpu_us < US // 2  # who sleeps takes no processor time
    assert marked(mark) == []


def test_grandchildren_that_nobody_waits_for__are_metered() -> None:
    spin = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done"
    outcome = run_script(f"({spin} &); sleep 1", OWN_RIGHTS)
    alone = run_script(spin, OWN_RIGHTS)
    assert outcome.end is alone.end is End.FINISHED
    assert outcome.cpu_us > alone.cpu_us / 3


def test_all_processes_together__have_the_processor_time_of_the_limit() -> None:
    limits = replace(LIMITS, cpu_s=1, cores=2)
    outcome = run_script(
        "while :; do :; done & while :; do :; done & wait", OWN_RIGHTS, limits=limits
    )
    assert outcome.end is End.OVER_CPU
    assert outcome.cpu_us < 2.2 * US


def test_threads__count_as_processes_and_use_no_more_cores_than_listed() -> None:
    script = (
        "import os, threading, time\n"
        "print(len(os.sched_getaffinity(0)))\n"
        "def spin():\n"
        "    time.sleep(2)\n"
        "made = 0\n"
        "try:\n"
        "    for _ in range(64):\n"
        "        threading.Thread(target=spin, daemon=True).start()\n"
        "        made += 1\n"
        "except RuntimeError:\n"
        "    print(made, flush=True)\n"
        "    os._exit(3)\n"
    )
    limits = replace(LIMITS, cores=1, memory_bytes=2**29)  # stacks of threads are address space
    outcome = run_script(script, OWN_RIGHTS, interpreter=PYTHON, limits=limits)
    assert (outcome.end, outcome.status) == (End.EXITED, 3)
    cores, made = outcome.output.split()
    assert (int(cores), int(made)) == (1, LIMITS.processes - 1)


@pytest.mark.parametrize("where", ["", " > here", "; exec > here; yes"])
def test_who_writes_without_end__is_over_its_output(where: str) -> None:
    outcome = run_script(f"yes{where}", OWN_RIGHTS, limits=replace(LIMITS, cpu_s=3))
    if where == " > here":
        assert outcome.end is End.EXITED  # its own folder is full; nobody else's
        assert outcome.output == b""
    else:
        assert outcome.end is End.OVER_OUTPUT
        assert len(outcome.output) == LIMITS.output_bytes


def test_an_output_that_just_fits__is_whole() -> None:
    limits = replace(LIMITS, output_bytes=1000)
    assert run_script("printf '%1000d' 1", OWN_RIGHTS, limits=limits).end is End.FINISHED
    outcome = run_script("printf '%1001d' 1", OWN_RIGHTS, limits=limits)
    assert (outcome.end, len(outcome.output)) == (End.OVER_OUTPUT, 1000)


def test_memory__of_one_process_and_of_many() -> None:
    one = "held = [bytearray(b'x' * 2**22) for _ in range(4096)]"
    outcome = run_script(one, OWN_RIGHTS, interpreter=PYTHON)
    assert outcome.end is End.OVER_MEMORY
    many = (
        "import os, time\n"
        "for _ in range(5):\n"
        "    if os.fork() == 0:\n"
        "        held = bytearray(b'x' * 2**25)\n"
        "        time.sleep(5)\n"
        "time.sleep(5)\n"
    )
    assert run_script(many, OWN_RIGHTS, interpreter=PYTHON).end is End.OVER_MEMORY


def test_whoever_runs_it__may_stop_it_and_looks_never_fall() -> None:
    stop = threading.Event()
    seen: list[Taken] = []

    def look(taken: Taken) -> None:
        seen.append(taken)
        if taken.cpu_us > US // 4:
            stop.set()

    outcome = run_script("while :; do :; done", OWN_RIGHTS, stop=stop, told=look)
    assert outcome.end is End.STOPPED
    times = [taken.cpu_us for taken in seen]
    assert times == sorted(times)
    assert times[-1] <= outcome.cpu_us


def test_ten_megabytes__go_in_and_out() -> None:
    data = os.urandom(10 * 2**20)
    limits = replace(LIMITS, output_bytes=len(data))
    outcome = run_script("cat", OWN_RIGHTS, data, limits=limits)
    assert outcome.end is End.FINISHED
    assert outcome.output == data


@pytest.mark.parametrize(
    ("name", "value"),
    [("cpu_s", 0), ("wall_s", 3601), ("memory_bytes", 1), ("output_bytes", 2**24 + 1),
     ("processes", 0), ("open_files", 7), ("cores", 0), ("cpu_s", True), ("cpu_s", 1.5)],
)  # fmt: skip
def test_a_limit_out_of_range__is_refused(name: str, value: object) -> None:
    with pytest.raises(LimitsWrong, match=f"limit {name}"):
        replace(LIMITS, **{name: value})  # type: ignore[arg-type]
    assert isinstance(LIMITS, Limits)
