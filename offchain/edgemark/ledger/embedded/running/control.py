"""What only the owner of a ledger's folder may ask of its process: over a socket in that folder.

A line of JSON each way: `{"ask": NAME, ...}`, then `{"told": ...}` or `{"error": ...}`, with the
facts of the error. The folder is its owner's alone, and so is the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from edgemark.errors import EdgemarkError, LedgerUnavailable, RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE
from edgemark.ledger.fabric.faults import LedgerSilent
from edgemark.logs import get_logger
from edgemark.seam import place_of

MAX_LINE_BYTES = 1024 * 1024
ASK_S = 5.0
LONG_S = 600.0  # verify, snapshot and revert of a large ledger

Told = Mapping[str, Any]
Does = Callable[[Mapping[str, Any]], Awaitable[Told]]
FAMILIES = {"refused": RefusedInput, "unavailable": LedgerUnavailable, "damaged": Unrecoverable}

_log = get_logger("ledger.control")


class ControlServer:
    """Answers what is asked over the socket of a folder.

    Args:
        path: of the socket; what lies there is replaced.
        does: what can be asked, by name.
    """

    def __init__(self, path: Path, does: Mapping[str, Does]) -> None:
        self._path = path
        self._does = does
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX)
        with _short(self._path) as short:
            listening.bind(short)
        self._path.chmod(OWNER_ONLY_FILE)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listening, limit=MAX_LINE_BYTES
        )

    async def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            try:
                answer = await self._answer(await reader.readuntil())
            except asyncio.LimitOverrunError:
                answer = {"error": _too_long().as_dict(), "family": "refused"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            does = self._does[asked["ask"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            refused = RefusedInput("is no question", who="ledger", needed=", ".join(self._does))
            return {"error": refused.as_dict(), "family": "refused"}
        try:
            return {"told": dict(await does(asked))}
        except EdgemarkError as error:
            family = next((name for name, of in FAMILIES.items() if isinstance(error, of)), "")
            return {"error": error.as_dict(), "family": family}
        except Exception as error:  # noqa: BLE001 - the ledger goes on; the log says what it was
            _log.error("control failed", kind=type(error).__name__, place=place_of(error))
            remedy = "See its log, in its folder."
            failed = Unrecoverable("failed", who="ledger", had=type(error).__name__, remedy=remedy)
            return {"error": failed.as_dict(), "family": "damaged"}


def ask_ledger(path: Path, what: str, *, limit_s: float = ASK_S, **facts: object) -> dict[str, Any]:
    """Ask the process of a folder; blocks.

    Args:
        path: of its socket.
        what: is asked.
        limit_s: seconds to wait.
        facts: that belong to it.

    Raises:
        LedgerSilent: nobody answers.
        RefusedInput, LedgerUnavailable, Unrecoverable: what it answers.
    """
    line = json.dumps({"ask": what, **facts}).encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise _too_long()
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(limit_s)
            with _short(path) as short:
                asking.connect(short)
            asking.sendall(line)
            with asking.makefile("rb") as file:
                answer = json.loads(file.readline(MAX_LINE_BYTES))
    except (OSError, ValueError) as error:
        remedy = "See whether it runs: `edgemark ledger status`."
        raise LedgerSilent("does not answer", who=path, had=str(error), remedy=remedy) from error
    if "error" in answer:
        error_family = FAMILIES.get(answer.get("family", ""), RefusedInput)
        words = {name: answer["error"].get(name) for name in ("who", "had", "needed")}
        remedy = answer["error"].get("remedy") or ""
        raise error_family(answer["error"]["what"], **words, remedy=remedy)
    told: dict[str, Any] = answer["told"]
    return told


def _too_long() -> RefusedInput:
    needed = f"a line of at most {MAX_LINE_BYTES} bytes"
    return RefusedInput("question is too long", who="ledger", needed=needed)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of the socket that is short enough for the system (108 bytes), however deep it is."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
