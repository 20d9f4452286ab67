"""The host as a process, for that is what users of Fabric run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.chaincode.scripted_peer import PACKAGE_ID, connected
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import RefusedInput
from edgemark_chaincode.host import HostSettings, run

pytestmark = [pytest.mark.processes, pytest.mark.lasts(8)]

SOURCE = """
from edgemark_chaincode.shim.interface import Chaincode, success

class Greeter(Chaincode):
    async def init(self, stub):
        return success()

    async def invoke(self, stub):
        return success({words!r})
"""
BLOCKS = """
import asyncio, time
from edgemark_chaincode.shim.interface import Chaincode

def block():
    print("blocks", flush=True)
    time.sleep(600)

class Greeter(Chaincode):
    def __init__(self):
        asyncio.get_running_loop().call_later(0.1, block)
    async def init(self, stub): ...
    async def invoke(self, stub): ...
"""
GIVEN = {"CHAINCODE_ID": PACKAGE_ID, "CHAINCODE_SERVER_ADDRESS": "127.0.0.1:0"}


@pytest.fixture
def greeter(tmp_path: Path) -> Path:
    path = tmp_path / "greeting.py"
    path.write_text(SOURCE.format(words="good day"))
    return path


@contextmanager
def running(
    greeter: Path, *options: str, more: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The host with the greeter, and the line that it said."""
    environment = {**os.environ, **GIVEN, "PYTHONPATH": str(greeter.parent), **(more or {})}
    command = [sys.executable, "-m", "edgemark_chaincode.host", "greeting:Greeter", *options]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process, read_line(process)
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def read_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "it said nothing: " + (process.communicate(timeout=LIMIT_S)[1])
    said: dict[str, Any] = json.loads(line)
    return said


def greet(address: str) -> bytes:
    async def play() -> bytes:
        async with connected(address) as peer:
            await peer.shake_hands()
            peer.listen()
            return (await peer.call("greet")).payload

    return asyncio.run(play())


def test_a_chaincode_of_the_users_own__is_served_until_sigterm(greeter: Path) -> None:
    with running(greeter) as (process, said):
        assert said["chaincode"] == "greeting:Greeter" and said["package_id"] == PACKAGE_ID
        assert greet(said["address"]) == b"good day"
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


def test_a_port_in_use__is_refused_with_words(
    greeter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(greeter) as (_, said):
        settings = HostSettings("greeting:Greeter", PACKAGE_ID, said["address"])
        monkeypatch.syspath_prepend(greeter.parent)
        with pytest.raises(RefusedInput, match="cannot be listened on"):
            run(settings)
        assert greet(said["address"]) == b"good day"


def test_a_changed_source__restarts_it_and_a_mistake_waits_for_the_next(greeter: Path) -> None:
    with running(greeter, "--reload") as (process, said):
        assert greet(said["address"]) == b"good day"
        greeter.write_text("a mistake\n")
        assert process.stderr is not None
        assert any("waiting for a change" in line for line in process.stderr)
        greeter.write_text(SOURCE.format(words="good evening"))
        assert greet(read_line(process)["address"]) == b"good evening"
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_call_that_blocks__does_not_keep_the_process_and_the_log_has_where_it_stood(
    greeter: Path, number: signal.Signals
) -> None:
    greeter.write_text(BLOCKS)
    soon = "import sys; from edgemark_chaincode import host; host.LEAVE_S = 0.3; host.main()"
    command = [sys.executable, "-c", soon, "greeting:Greeter"]
    with subprocess.Popen(
        command,
        env={**os.environ, **GIVEN, "PYTHONPATH": str(greeter.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        read_line(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "blocks\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "greeting.py" in said
    assert " in block" in said


def test_the_end_of_a_reloading_host__by_force_ends_its_child(greeter: Path) -> None:
    with running(greeter, "--reload") as (process, said):
        process.kill()
        process.wait(LIMIT_S)
        wait_until("the child's end", lambda: not is_served(said["address"]))


def is_served(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), LIMIT_S).close()
    except OSError:
        return False
    return True
