"""Chaincode processes of a ledger: one an organisation, at the same place after every start."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import wait_until

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.lifecycle.hosting import (
    FOLDER,
    NOTE,
    Hosts,
    draft_hosts,
    find_hosts,
    list_hosts,
    remove_hosts,
    start_hosts,
    stop_hosts,
)
from edgemark.ledger.fabric.lifecycle.swapping import swap_hosts
from edgemark.ledger.launching.notes import NoteDamaged, read_note, write_note
from edgemark.ledger.launching.ports import PortInUse
from edgemark.ledger.launching.program import KnownProcess, ProgramDied
from edgemark.transport.ports import hold_ports

pytestmark = pytest.mark.processes

SHELF = "tests.offchain.ledger.embedded.shelf_chaincode:Shelf"
BOTH = ("Org1MSP", "Org2MSP")
# Soon after it listens, a call of it blocks its loop, as `time.sleep` in a chaincode does, and
# hears of no signal either, as C code that does not come back.
BLOCKING = """
import asyncio, signal, sys, time
from edgemark_chaincode.shim.interface import Chaincode

def block():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    print("blocks", flush=True)
    time.sleep(600)

class Blocker(Chaincode):
    def __init__(self):
        if "--check" not in sys.argv:
            asyncio.get_running_loop().call_later(0.1, block)
    async def init(self, stub): ...
    async def invoke(self, stub): ...
"""
FICKLE = """
import sys
from edgemark_chaincode.shim.interface import Chaincode
assert "--check" in sys.argv, "I cannot any more"
class Fickle(Chaincode):
    async def init(self, stub): ...
    async def invoke(self, stub): ...
"""


def draft(folder: Path, code: str = SHELF, name: str = "shelf") -> Hosts:
    with hold_ports(2) as held:
        return draft_hosts(folder, name, code, BOTH, held.numbers)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_hosts(tmp_path)


def takes_strangers(address: str, tls: Path) -> list[bool]:
    """Whether a process speaks with who has no TLS, who shows no certificate, and its own like."""
    host, port = address.split(":")
    blind, alike = (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(2))
    for each in (blind, alike):
        each.check_hostname, each.verify_mode = False, ssl.CERT_NONE
        each.set_alpn_protocols(["h2"])
    alike.load_cert_chain(tls / "host.pem", tls / "host-key.pem")
    taken = []
    for context in (None, blind, alike):
        with socket.create_connection((host, int(port)), timeout=5) as plain:
            try:
                speaking = plain if context is None else context.wrap_socket(plain)
                speaking.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5))
                taken.append(bool(speaking.recv(1)))
            except OSError:
                taken.append(False)
    return taken


def test_hosts__started_found_killed_and_started_again__have_the_same_packages(
    folder: Path,
) -> None:
    hosts = draft(folder)
    hosts.start()
    assert hosts.is_running
    ids = [hosts.package_of(each)[0].package_id for each in BOTH]
    assert len(set(ids)) == 2, "each has a place of its own"
    for msp_id, package_id in zip(BOTH, ids, strict=True):
        said = json.loads((folder / FOLDER / "shelf" / f"{msp_id}.log").read_bytes())
        assert (said["address"], said["package_id"]) == (hosts.address_of(msp_id), package_id)
    assert takes_strangers(hosts.address_of(BOTH[0]), hosts.place / "tls") == [False] * 3
    found = find_hosts(folder, "shelf")
    assert found == hosts
    first = hosts.programs["Org1MSP"]
    os.kill(first.pid, signal.SIGKILL)
    wait_until("its end", lambda: not first.is_running)
    assert not hosts.is_running
    assert start_hosts(folder) == []
    (again,) = list_hosts(folder)
    assert again.is_running
    assert again.programs["Org2MSP"] == hosts.programs["Org2MSP"], "who ran runs on"
    assert [again.package_of(each)[0].package_id for each in BOTH] == ids
    assert (stop_hosts(folder), stop_hosts(folder)) == (1, 0)
    assert not again.is_running
    assert draft(folder).ports == hosts.ports, "those of before keep their ports"
    remove_hosts(folder)
    assert list_hosts(folder) == []


def test_start__of_code_that_is_nowhere__tells_why_and_leaves_nothing_to_start(
    folder: Path,
) -> None:
    with pytest.raises(ProgramDied, match="ended at the start") as died:
        draft(folder, "nowhere").start()
    assert "nowhere" in str(died.value.had)
    assert list_hosts(folder) == []


def test_swap_hosts__where_the_new_ones_cannot_be__leaves_those_of_before_and_says_so(
    folder: Path,
) -> None:
    hosts = draft(folder)
    hosts.start(reload=True)
    with hold_ports(3) as held, socket.create_server(("127.0.0.1", 0)) as taken:
        ports = (*held.numbers[:2], taken.getsockname()[1])
        with pytest.raises(PortInUse, match=rf"by process {os.getpid()} \(") as refused:
            swap_hosts(folder, "shelf", SHELF, (*BOTH, "Org3MSP"), ports)
    assert "of Org3MSP" in str(refused.value)
    found = find_hosts(folder, "shelf")
    assert found == hosts, "nothing was ended for it"
    assert hosts.is_running
    (folder / "fickle.py").write_text(FICKLE)
    with pytest.raises(ProgramDied, match="I cannot any more") as died:
        swap_hosts(folder, "shelf", "fickle:Fickle", BOTH, (1, 1), folder)
    assert "Those that ran before run again." in str(died.value)
    found = find_hosts(folder, "shelf")
    assert found is not None
    assert (found.ports, found.reload, found.is_running) == (hosts.ports, True, True)
    assert found.programs != hosts.programs


def test_start_hosts__where_a_place_is_taken__starts_all_others_and_says_by_whom(
    folder: Path,
) -> None:
    hosts = draft(folder)
    hosts.start()
    stop_hosts(folder)
    with socket.create_server(("127.0.0.1", hosts.ports["Org1MSP"])):
        (failure,) = start_hosts(folder)
    assert isinstance(failure, PortInUse)
    assert f"by process {os.getpid()} (" in str(failure)
    assert "of Org1MSP" in str(failure)
    found = find_hosts(folder, "shelf")
    assert found is not None
    assert (found.is_off("Org1MSP"), found.is_off("Org2MSP")) == (True, False)


def blocked(folder: Path, *, reload: bool) -> Hosts:
    """A process of a chaincode that is in a call which blocks."""
    (folder / "blocker.py").write_text(BLOCKING)
    with hold_ports(1) as held:
        hosts = draft_hosts(folder, "goods", "blocker:Blocker", BOTH[:1], held.numbers, folder)
    hosts.start(reload=reload)
    wait_until_it_blocks(hosts)
    return hosts


def wait_until_it_blocks(hosts: Hosts) -> None:
    log = hosts.place / "Org1MSP.log"
    wait_until("the call that blocks", lambda: b"blocks" in log.read_bytes())


@pytest.mark.parametrize("reload", [False, True])
def test_a_call_that_blocks__outlives_neither_the_next_start_nor_the_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, reload: bool
) -> None:
    monkeypatch.setattr(KnownProcess, "STOP_S", 0.3)  # less than it takes to leave by itself
    hosts = blocked(folder, reload=reload)
    if not reload:  # as of one whose starter died before it wrote it down
        write_note(hosts.place / NOTE, {**(read_note(hosts.place / NOTE) or {}), "programs": {}})
    again = swap_hosts(folder, "goods", "blocker:Blocker", BOTH[:1], (1,), folder, reload=reload)
    assert (again.ports, again.is_running) == (hosts.ports, True)
    wait_until_it_blocks(again)
    assert stop_hosts(folder) == 1
    assert again.find_strays(again.ports) == []
    assert again.find_taken(again.ports) == {}


def test_a_call_that_blocks__ends_with_who_runs_it_in_the_foreground_by_force_too(
    folder: Path,
) -> None:
    (folder / "blocker.py").write_text(BLOCKING)
    starting = """
import sys, time; from pathlib import Path
from edgemark.ledger.fabric.lifecycle.hosting import draft_hosts
folder, port = Path(sys.argv[1]), int(sys.argv[2])
hosts = draft_hosts(folder, "goods", "blocker:Blocker", ["Org1MSP"], [port], folder)
hosts.start(reload=True, stays=False)
time.sleep(600)
"""
    with hold_ports(1) as held:
        words = [sys.executable, "-c", starting, str(folder), str(held.numbers[0])]
    log = folder / FOLDER / "goods" / "Org1MSP.log"
    with subprocess.Popen(words) as starter:
        wait_until("the call that blocks", lambda: log.exists() and b"blocks" in log.read_bytes())
        starter.kill()
    found = find_hosts(folder, "goods")
    assert found is not None
    wait_until("the end of all of it", lambda: found.find_strays(found.ports) == [])


def test_draft_hosts__of_no_name_or_too_few_ports__is_refused(tmp_path: Path) -> None:
    for name in ("", "../up", "a/b"):
        with pytest.raises(RefusedInput, match="label"):
            draft_hosts(tmp_path, name, SHELF, BOTH, (1, 2))
    with pytest.raises(RefusedInput, match="too few ports"):
        draft_hosts(tmp_path, "shelf", SHELF, BOTH, (1,))


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"code": SHELF, "cwd": "/", "ports": [], "programs": {}},
        {"code": SHELF, "cwd": "/", "ports": {"Org1MSP": "x"}, "programs": {}},
        {"code": SHELF, "cwd": "/", "ports": {"Org1MSP": 1}, "programs": {"Org1MSP": {}}},
    ],
)
def test_f9_find_hosts__a_note_of_no_chaincode__is_refused(
    tmp_path: Path, facts: dict[str, object]
) -> None:
    place = tmp_path / FOLDER / "shelf"
    place.mkdir(parents=True)
    write_note(place / NOTE, facts)
    with pytest.raises(NoteDamaged):
        find_hosts(tmp_path, "shelf")
