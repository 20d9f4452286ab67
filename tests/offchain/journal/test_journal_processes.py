"""Real processes on one journal: one at a time, and `kill -9` loses nothing acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgemark.journal.journal import Journal, JournalInUse

pytestmark = pytest.mark.processes

APPEND_FOR_EVER = """
import os, sys
from pathlib import Path
from edgemark.journal.journal import Journal
with Journal.open(Path(sys.argv[1])) as journal:
    os.write(1, b"%d\\n" % journal.count)
    while True:
        number = journal.count + 1
        length = (number * 977 % 4096) * (900 if number % 8 == 0 else 1)
        journal.append(b"%d:" % number + bytes([number % 251]) * length)
        os.write(1, b"%d\\n" % number)
"""


def record(number: int) -> bytes:
    """What the appending process writes as its `number`-th record: each eighth in many pieces."""
    length = (number * 977 % 4096) * (900 if number % 8 == 0 else 1)
    return b"%d:" % number + bytes([number % 251]) * length


@contextmanager
def appending(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that appends until it is killed; it tells each record that is durable."""
    child = subprocess.Popen(
        [sys.executable, "-c", APPEND_FOR_EVER, str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def test_kill_while_appending__every_acknowledged_record_is_there(tmp_path: Path) -> None:
    path = tmp_path / "j"
    kept = 0
    for wanted in (1, 7, 23, 40):
        with appending(path) as child:
            assert child.stdout is not None
            assert int(child.stdout.readline()) == kept
            for _ in range(wanted):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
            told = [int(line) for line in child.stdout.read().split()]
            acknowledged = told[-1] if told else kept + wanted
        with Journal.open(path) as journal:
            records = list(journal.records())
        assert acknowledged <= len(records) <= acknowledged + 1
        assert records == [record(number) for number in range(1, len(records) + 1)]
        kept = len(records)


def test_open__another_process_holds_it__is_refused_until_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with appending(path) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(JournalInUse) as refused:
            Journal.open(path)
        assert refused.value.had == f"process {child.pid}"
    with Journal.open(path) as journal:
        journal.append(b"mine now")
