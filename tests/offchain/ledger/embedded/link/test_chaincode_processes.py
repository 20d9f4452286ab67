"""Chaincode as processes of the operating system: killed, restarted, and of another's shim."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.endorsing_world import (
    CHANNEL,
    ORG1,
    World,
    endorsing,
    package_id_of,
)
from tests.waiting import LIMIT_S

from edgemark.ledger.embedded.simulation.faults import ChaincodeEnded
from edgemark.ledger.fabric.wire.read_write_sets import Read, Version, Write, parse_results

pytestmark = [pytest.mark.processes, pytest.mark.lasts(8)]

OURS = """
import asyncio, sys
from edgemark_chaincode.shim.interface import Chaincode, success

class Sleeper(Chaincode):
    async def init(self, stub):
        return success()

    async def invoke(self, stub):
        name, rest = stub.get_function_and_parameters()
        if name == "hang":
            await stub.put_state("k", b"v")
            print("hanging", flush=True)
            await asyncio.Event().wait()
        return success(await stub.get_state(rest[0]))
"""
THEIRS = """
import sys
from fabric_chaincode_python.fabric_shim import server
from fabric_chaincode_python.fabric_shim.interfaces import Chaincode
from fabric_chaincode_python.fabric_shim.response import success, error

class Shelf(Chaincode):
    async def init(self, stub):
        return success(b"")

    async def invoke(self, stub):
        name, rest = stub.get_function_and_parameters()
        if name == "put":
            await stub.put_state(rest[0], rest[1].encode())
            return success(b"kept")
        if name == "get":
            return success(await stub.get_state(rest[0]))
        if name == "who":
            return success(stub.get_creator()["mspid"].encode())
        return error("unknown function " + name)

server.start(Shelf, cc_id=sys.argv[1], address=sys.argv[2])
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def process_of(*arguments: str, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": str(path)}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def know(world: World, name: str, port: int) -> None:
    world.know(name, f"127.0.0.1:{port}", connection={"dial_timeout_s": LIMIT_S})
    world.channels[CHANNEL].define(name, {ORG1: package_id_of(name)})


def test_a_process_killed_in_a_transaction__fails_it__and_its_successor_is_dialled(
    made_organisations: Path, tmp_path: Path
) -> None:
    (tmp_path / "sleeping.py").write_text(OURS)
    port = free_port()
    host = ("-m", "edgemark_chaincode.host", "sleeping:Sleeper")
    options = ("--package-id", package_id_of("shelf"), "--address", f"127.0.0.1:{port}")

    async def play() -> None:
        async with endorsing(made_organisations) as world:
            know(world, "shelf", port)
            world.channels[CHANNEL].put("shelf", "k", b"there")
            with process_of(*host, *options, path=tmp_path) as process:
                task = asyncio.create_task(world.endorse("shelf", "hang"))
                assert process.stdout is not None
                readline = process.stdout.readline
                while b"hanging" not in (line := await asyncio.to_thread(readline)):
                    assert line, "the process ended"
                process.send_signal(signal.SIGKILL)
                with pytest.raises(ChaincodeEnded, match="chaincode stream terminated"):
                    await task
            with process_of(*host, *options, path=tmp_path):
                found = await world.endorse("shelf", "get", "k")
                assert found.simulated.response == b"there"

    asyncio.run(play())


def test_another_s_shim__unchanged__reads_and_writes(
    made_organisations: Path, tmp_path: Path
) -> None:
    script = tmp_path / "theirs.py"
    script.write_text(THEIRS)
    port = free_port()

    async def play() -> None:
        async with endorsing(made_organisations) as world:
            know(world, "shelf", port)
            arguments = (str(script), package_id_of("shelf"), f"127.0.0.1:{port}")
            with process_of(*arguments, path=tmp_path):
                endorsed = await world.endorse("shelf", "put", "k", "v")
                assert endorsed.simulated.response == b"kept"
                held = {each.namespace: each for each in parse_results(endorsed.simulated.results)}
                assert held["shelf"].writes == (Write("k", b"v"),)
                world.channels[CHANNEL].commit(endorsed.simulated.results)
                endorsed = await world.endorse("shelf", "get", "k")
                assert endorsed.simulated.response == b"v"
                held = {each.namespace: each for each in parse_results(endorsed.simulated.results)}
                assert held["shelf"].reads == (Read("k", Version(2, 0)),)
                assert (await world.endorse("shelf", "who")).simulated.response == b"Org1MSP"
                refused = (await world.endorse("shelf", "other")).simulated
                assert (refused.status, refused.message) == (500, "unknown function other")

    asyncio.run(play())
