"""A program of a folder: ready when it answers, found again by its note, ended exactly."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import wait_until

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.launching.notes import NoteDamaged, read_note, write_note
from edgemark.ledger.launching.ports import LOOPBACK, PortInUse, check_port_free
from edgemark.ledger.launching.program import KnownProcess, Program, ProgramDied
from edgemark.process import is_running

pytestmark = pytest.mark.processes

WAITING = "import sys, time; print('I am here', flush=True); time.sleep(600)"
# Its first thread ends, as at a death by force in which another has not ended yet.
HEADLESS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(0)
"""
LEAVING = "import sys; print('at my wit'); print('the disk is full'); sys.exit(3)"


def command(text: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", text]


def test_wait_until_ready__a_program_that_answers_late__is_waited_for(tmp_path: Path) -> None:
    answers = iter([False, True])

    def is_ready() -> bool:
        if not program.log.read_bytes():
            raise LedgerUnavailable("said nothing yet")
        return next(answers)

    with Program.start("waiter", tmp_path, command(WAITING)) as program:
        program.wait_until_ready(is_ready, 30.0)
        assert (program.log, program.log.read_text()) == (tmp_path / "waiter.log", "I am here\n")
        assert program.is_running
    assert not program.is_running
    program.close()  # again: nothing to do


def test_wait_until_ready__a_program_that_ends__tells_its_last_words(tmp_path: Path) -> None:
    with (
        Program.start("leaver", tmp_path, command(LEAVING)) as program,
        pytest.raises(ProgramDied, match="ended at the start") as died,
    ):
        program.wait_until_ready(lambda: False, 30.0)
    assert (died.value.who, died.value.had) == ("leaver", "the disk is full")
    assert str(tmp_path / "leaver.log") in died.value.remedy
    with Program.start("leaver", tmp_path, command("pass")):
        assert "the disk is full" in (tmp_path / "leaver.log.1").read_text()


def test_wait_until_ready__a_silent_program__counts_as_failed(tmp_path: Path) -> None:
    silence = LedgerUnavailable("nobody there")

    def is_ready() -> bool:
        raise silence

    with (
        Program.start("mute", tmp_path, command(WAITING)) as program,
        pytest.raises(ProgramDied, match="did not answer within") as died,
    ):
        program.wait_until_ready(is_ready, 0.0)
    assert died.value.__cause__ is silence


def test_start__the_environment_given__is_all_of_it(tmp_path: Path) -> None:
    telling = "import os; print(sorted(os.environ.items()), os.getcwd(), flush=True)"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = Program.start(
        "teller",
        tmp_path,
        command(telling),
        environment={"LC_ALL": "C", "ONE": "1"},
        working_folder=elsewhere,
        stays=True,
    )
    with program:
        wait_until("its word", lambda: "elsewhere" in program.log.read_text())
    assert program.log.read_text() == f"[('LC_ALL', 'C'), ('ONE', '1')] {elsewhere}\n"


def test_from_note__of_a_program_that_stays__is_the_same_and_can_be_ended(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    with Program.start("waiter", tmp_path, command(WAITING), stays=True) as program:
        write_note(path, {**program.facts, "port": 1})
        facts = read_note(path)
        assert facts is not None
        found = Program.from_note("waiter", tmp_path, facts, path)
        assert (found, found.child) == (program, None)
        assert found.is_running
        found.close()
        assert not program.is_running


def test_close__another_process_has_the_number_now__leaves_it_alone(tmp_path: Path) -> None:
    with Program.start("bystander", tmp_path, command(WAITING)) as bystander:
        before = KnownProcess(bystander.pid, bystander.started - 1)
        assert not before.is_running
        before.close()
        assert bystander.is_running


def test_from_note__that_lacks_a_number__is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoteDamaged, match="started"):
        Program.from_note("waiter", tmp_path, {"pid": 1}, tmp_path / "note.json")


def test_start__the_process_that_started_it_is_killed__it_ends_unless_it_stays(
    tmp_path: Path,
) -> None:
    starting = f"""
import sys, time; from pathlib import Path
from edgemark.ledger.launching.program import Program
for name in ("goes", "stays"):
    program = Program.start(name, Path(sys.argv[1]), {command(WAITING)!r}, stays=name == "stays")
    program.wait_until_ready(program.log.read_bytes, 30.0)
    print(program.pid, program.started, flush=True)
time.sleep(600)
"""
    starter = [sys.executable, "-c", starting, str(tmp_path)]
    with subprocess.Popen(starter, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        goes, stays = (KnownProcess(*map(int, parent.stdout.readline().split())) for _ in "12")
        with stays:
            parent.send_signal(signal.SIGKILL)
            wait_until("the end with its parent", lambda: not is_running(goes.pid, goes.started))
            assert stays.is_running


def test_is_running__of_whom_a_thread_has_not_ended__is_true(tmp_path: Path) -> None:
    with Program.start("headless", tmp_path, command(HEADLESS)) as program:
        stat = Path(f"/proc/{program.pid}/stat")
        wait_until("its first thread's end", lambda: ") Z " in stat.read_text())
        assert is_running(program.pid, program.started)
    assert not is_running(program.pid, program.started)


def test_check_port_free__a_port_in_use__is_refused_by_name() -> None:
    check_port_free(0)
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            check_port_free(port)
    assert refused.value.who == f"{LOOPBACK}:{port}"
    assert "choose another port" in refused.value.remedy


NOTING = """
import os, signal, sys; from pathlib import Path
from edgemark.ledger.launching.program import Program

def note(program):
    Path(sys.argv[1], "note").write_text(f"{program.pid} {program.started}")
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[2] == "fails":
        raise OSError("disk is full")

Program.start("waiter", Path(sys.argv[1]), %r, stays=True, note=note)
"""


@pytest.mark.parametrize("how", ["ends", "killed", "fails"])
def test_program_that_stays__begins_only_when_it_is_noted(tmp_path: Path, how: str) -> None:
    starter = [sys.executable, "-c", NOTING % command(WAITING), str(tmp_path), how]
    subprocess.run(starter, stderr=subprocess.DEVNULL, check=False)
    with KnownProcess(*map(int, (tmp_path / "note").read_text().split())) as program:
        if how == "ends":
            wait_until("its word", lambda: bool((tmp_path / "waiter.log").read_bytes()))
            assert program.is_running
        else:
            wait_until("its end", lambda: not program.is_running)
            assert (tmp_path / "waiter.log").read_bytes() == b""
