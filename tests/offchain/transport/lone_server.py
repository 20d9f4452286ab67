"""A server in a process of its own, so that its memory can be measured from outside.

Run: `python -m tests.offchain.transport.lone_server FOLDER [planted]`; it prints its port, and ends
with its standard input. Planted, it holds every body in memory, as it was.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.offchain.transport.known_cards import KnownCards

from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.transport.limits import MIB, ServerLimits
from edgemark.transport.serving import reception
from edgemark.transport.serving.bodies import Body, Spool
from edgemark.transport.serving.routes import Head, Request, Response, Route
from edgemark.transport.serving.server import HttpServer
from edgemark.transport.tls import TlsKey

LIMITS = ServerLimits(
    most_sockets=32, loaded_bytes=10 * MIB, spool_bytes=64 * MIB, spool_bytes_of_known=32 * MIB
)
ASKED_BYTES = 4 * MIB
GIVEN_BYTES = 8 * MIB  # more than the system's own buffers of a connection take
MOST_BYTES = 64 * MIB
CARD = "payer's card"
ROOT = Path(__file__).resolve().parents[3]


class PlantedSpool(Spool):
    """Every body waits in memory."""

    def open(self, account: str, length: int, name: str = "", **_: bool) -> Body:  # noqa: ARG002
        return Body(length)


def admit(head: Head) -> int:
    """Only some functions were asked for."""
    if not head.params["hash"].startswith("asked"):
        raise RefusedInput("function was not asked for", who="function store")
    return ASKED_BYTES


def make_server(folder: Path, *, planted: bool = False) -> HttpServer:
    """Takes functions that were asked for, gives long answers, tells what it holds."""

    def take(request: Request) -> Response:
        return Response(body=b"%d" % len(request.body))

    def give(request: Request) -> Response:
        return Response(body=bytes(GIVEN_BYTES))

    def tell(request: Request) -> Response:
        desk = server.reception
        facts = {
            "spool": desk.spool.held_bytes,
            "memory": desk.memory.held,
            "in": desk.bytes_in,
            "out": desk.outgoing.held_bytes,
        }
        return Response(body=json.dumps(facts).encode())

    routes = [
        Route("PUT", "/v1/functions/{hash}", take, MOST_BYTES, None if planted else admit),
        Route("POST", "/v1/answers", give, 4096),
        Route("GET", "/held", tell, 0),
    ]
    known = {CARD: "payer"}
    server = HttpServer(
        routes, TlsKey.generate(), limits=LIMITS, door=KnownCards(known), spool=folder
    )
    return server


class LoneProcess(Closing):
    """A process that prints its port and the pin of its key, and ends with its standard input.

    Args:
        words: the module that it runs, and what it is told.
    """

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", *words]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"https://127.0.0.1:{self.port}"
        self.pin = bytes.fromhex(self._process.stdout.readline().strip())
        self.lines = self._process.stdout
        self._before = read_memory(self._process.pid, "VmRSS")

    def __enter__(self) -> Self:
        return self

    def close(self) -> None:
        """End it."""
        self._process.communicate("", timeout=30)

    def grown(self) -> int:
        """How far it grew above what it began with, at its largest, bytes."""
        return read_memory(self._process.pid, "VmHWM") - self._before


def read_memory(pid: int, what: str) -> int:
    """Of a process, bytes: VmRSS is what it holds now, VmHWM the most that it ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024


class LoneServer(LoneProcess):
    """The process.

    Args:
        folder: of its spool.
        planted: see above.
    """

    def __init__(self, folder: Path, *, planted: bool = False) -> None:
        super().__init__(__name__, str(folder), *(["planted"] * planted))


def main() -> None:
    """Serve until standard input ends."""
    planted = "planted" in sys.argv
    vars(reception)["Spool"] = PlantedSpool if planted else Spool
    with make_server(Path(sys.argv[1]), planted=planted) as server:
        sys.stdout.write(f"{server.port}\n{server._tls.pin.hex()}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
