"""The same calls to two processes of one chaincode, whose machines are as unlike as can be."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from fabric_protos.peer.chaincode_pb2 import ChaincodeInput
from tests.chaincode.scripted_peer import PACKAGE_ID, SECONDS, ScriptedPeer, connected
from tests.waiting import LIMIT_S

ROOT = Path(__file__).resolve().parents[2]
# What an organisation's machine may have otherwise than another's.
MACHINES: tuple[Mapping[str, str], ...] = (
    {"LC_ALL": "C", "LANG": "C", "TZ": "UTC", "PYTHONHASHSEED": "1", "PYTHONUTF8": "0"},
    {
        "LC_ALL": "C.UTF-8",
        "LANG": "tr_TR.UTF-8",
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "4242",
        "PYTHONOPTIMIZE": "1",
    },
)
Said = tuple[bytes, ...]  # the answer, and before it each question, byte by byte
WORDS = [
    "",
    "a",
    "b",
    "zz",
    "I",
    "\u0131",
    "\u00df",
    "\u2603",
    "\x00",
    "\U0010ffff",
    "e\u0301",
    "9" * 40,
]


@contextmanager
def host_of(chaincode: str, machine: Mapping[str, str]) -> Iterator[str]:
    """The address of a process that runs the chaincode on such a machine."""
    environment = {**os.environ, **machine, "PYTHONPATH": str(ROOT), "CHAINCODE_ID": PACKAGE_ID}
    command = [sys.executable, "-m", "edgemark_chaincode.host", chaincode]
    process = subprocess.Popen(
        [*command, "--address", "127.0.0.1:0", "--level", "error"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["address"]
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT_S)


@asynccontextmanager
async def peer_at(address: str) -> AsyncIterator[ScriptedPeer]:
    async with connected(address) as peer:
        await peer.shake_hands()
        peer.listen()
        yield peer


async def say(peer: ScriptedPeer, call: Any) -> Said:
    """All that the chaincode sends for a call."""
    before = len(peer.asked)
    future = await peer.begin(call)
    await peer.end_of(future)
    asked = [each.SerializeToString(deterministic=True) for each in peer.asked[before:]]
    return (*asked, future.result().SerializeToString(deterministic=True))


async def find_differences(peers: Sequence[ScriptedPeer], calls: Sequence[Any]) -> list[Any]:
    """The calls to which the processes say different things."""
    found = []
    for call in calls:
        said = [await say(peer, call) for peer in peers]
        if any(each != said[0] for each in said):
            found.append(call)
    return found


def compare(chaincode: str, make_calls: Callable[[ScriptedPeer], Sequence[Any]]) -> Sequence[bytes]:
    """Functions whose calls two processes answer differently, one for each such call."""

    async def run(addresses: Sequence[str]) -> Sequence[bytes]:
        async with AsyncExitStack() as stack:
            peers = [await stack.enter_async_context(peer_at(each)) for each in addresses]
            found = await find_differences(peers, make_calls(peers[0]))
            assert len(peers[0].state) > 5
            assert found or peers[0].state == peers[1].state
            return [ChaincodeInput.FromString(call.payload).args[0] for call in found]

    with ExitStack() as stack:
        addresses = [stack.enter_context(host_of(chaincode, machine)) for machine in MACHINES]
        return asyncio.run(run(addresses))


def calls_of_goods(peer: ScriptedPeer, chance: Random, count: int, clock: bytes) -> list[Any]:
    """Calls at random: of each function, with right, wrong and strange arguments.

    Args:
        peer: that makes them.
        chance: seeded.
        count: of calls.
        clock: who may tick.
    """
    return [
        peer.make_call(*given, creator=clock if is_tick else None, seconds=SECONDS + position)
        for position, (is_tick, given) in enumerate(random_calls(chance, count))
    ]


def random_calls(chance: Random, count: int) -> Iterator[tuple[bool, list[bytes | str]]]:
    """Whether a clock calls, and the arguments."""

    def word() -> str:
        return chance.choice(WORDS) if chance.random() < 0.3 else f"g{chance.randrange(20)}"

    def number() -> str:
        return str(chance.choice([0, 1, 7, 2**96 - 1, 2**96, -1, chance.randrange(10**6)]))

    arguments = {
        "make": lambda: [word(), number(), word()],
        "mark": lambda: [word(), *(word() for _ in range(chance.randrange(6)))],
        "move": lambda: [word(), chance.choice(["Org1MSP", "Org2MSP"])],
        "forget": lambda: [word()],
        "list": lambda: [word(), word()],
        "of": lambda: [chance.choice(["Org1MSP", "Org2MSP", word()])],
        "before": lambda: [number()],
        "fail": lambda: [chance.choice(["key", "value", "other"])],
        "clock/tick": lambda: [str(SECONDS + chance.randrange(-5, 5))],
        "clock/now": list,
        "unheard of": lambda: [word()],
    }
    for _ in range(count):
        name = chance.choice(list(arguments))
        given: list[bytes | str] = [name, *arguments[name]()]
        if chance.random() < 0.03:
            given[chance.randrange(len(given))] = chance.randbytes(9)
        yield name == "clock/tick", given
