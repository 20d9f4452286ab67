"""Chaincode processes of a ledger: one an organisation, at the same place after every start."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
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
    swap_hosts,
)
from edgemark.ledger.launching.notes import NoteDamaged, write_note
from edgemark.ledger.launching.ports import PortInUse
from edgemark.ledger.launching.program import ProgramDied
from edgemark.transport.ports import hold_ports

pytestmark = pytest.mark.processes

SHELF = "tests.offchain.ledger.embedded.shelf_chaincode:Shelf"
BOTH = ("Org1MSP", "Org2MSP")


def draft(folder: Path, code: str = SHELF, name: str = "shelf") -> Hosts:
    with hold_ports(2) as held:
        return draft_hosts(folder, name, code, BOTH, held.numbers)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_hosts(tmp_path)


def takes_strangers(address: str) -> list[bool]:
    """Whether a process speaks with who has no TLS, and with who shows no certificate."""
    host, port = address.split(":")
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    blind.set_alpn_protocols(["h2"])
    taken = []
    for context in (None, blind):
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
    assert takes_strangers(hosts.address_of(BOTH[0])) == [False, False]
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


def test_swap_hosts__whose_port_is_taken__has_those_of_before_again(folder: Path) -> None:
    hosts = draft(folder)
    hosts.start(reload=True)
    with hold_ports(3) as held, socket.create_server(("127.0.0.1", 0)) as taken:
        ports = (*held.numbers[:2], taken.getsockname()[1])
        with pytest.raises(PortInUse):
            swap_hosts(folder, "shelf", SHELF, (*BOTH, "Org3MSP"), ports)
    found = find_hosts(folder, "shelf")
    assert found is not None
    assert (found.ports, found.reload, found.is_running) == (hosts.ports, True, True)
    assert found.programs != hosts.programs


def test_start_hosts__where_one_cannot__starts_the_others_and_says_why(folder: Path) -> None:
    hosts = draft(folder)
    hosts.start()
    other = draft(folder, name="other")
    other.start()
    stop_hosts(folder)
    with socket.create_server(("127.0.0.1", hosts.ports["Org1MSP"])):
        (failure,) = start_hosts(folder)
    assert isinstance(failure, PortInUse)
    assert other.address_of("Org1MSP") != hosts.address_of("Org1MSP")
    found = find_hosts(folder, "other")
    assert found is not None
    assert found.is_running


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
