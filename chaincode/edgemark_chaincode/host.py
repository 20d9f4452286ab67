"""Starts the chaincode of a name as a service: `python -m edgemark_chaincode.host NAME`.

NAME is a chaincode of ours (`trading`) or `module:Class` of the user's own. What else it needs
comes from options, or from the variables that chaincodes of Fabric are given:

| variable | what it is |
|---|---|
| `CHAINCODE_ID` (or `CORE_CHAINCODE_ID_NAME`) | package id, `LABEL:HASH` |
| `CHAINCODE_SERVER_ADDRESS` | HOST:PORT to listen on; port 0 for a free one |
| `CHAINCODE_TLS_DISABLED` | `true` or `false`; without it, TLS where there is a key |
| `CHAINCODE_TLS_KEY`, `CHAINCODE_TLS_CERT` | files, PEM; others must not read the key |
| `CHAINCODE_CLIENT_CA_CERT` | file, PEM: peers show a certificate of it |
| `CORE_CHAINCODE_LOGGING_LEVEL` | `debug`, `info`, `warning`, `error` |

When it listens, it writes one line of JSON to its standard output: `{"address": "HOST:PORT", ...}`.
SIGTERM or SIGINT end it: no new call begins, those that run are answered. A call that goes on for
longer is cut off; the log has where it stood.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import importlib
import inspect
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from types import FrameType

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark_chaincode.reloading import run_reloading, tether_to, watched_folders
from edgemark_chaincode.shim.interface import Chaincode
from edgemark_chaincode.shim.limits import LEAVE_S
from edgemark_chaincode.shim.server import ChaincodeServer, ServerTls

LOG = logging.getLogger("edgemark.chaincode")
MAX_PEM_BYTES = 256 * 1024
MAX_PACKAGE_ID = 256  # characters
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class HostSettings:
    """How a chaincode is run.

    Attributes:
        chaincode: its name, or `module:Class`.
        package_id: under which peers know it.
        address: HOST:PORT; port 0 for a free one.
        tls_key, tls_certificate: files, PEM; None without TLS.
        client_roots: file, PEM; None: whoever connects is served.
        level: of the log, one of LEVELS.
    """

    chaincode: str
    package_id: str
    address: str
    tls_key: Path | None = None
    tls_certificate: Path | None = None
    client_roots: Path | None = None
    level: str = "info"

    def __post_init__(self) -> None:
        if not 1 <= len(self.package_id) <= MAX_PACKAGE_ID or not self.package_id.isprintable():
            raise RefusedInput(
                "is missing or none",
                who="package id",
                had=ascii(self.package_id[:80]),
                needed=f"LABEL:HASH, at most {MAX_PACKAGE_ID} characters",
                remedy="Set CHAINCODE_ID to what the peer said when the package was installed.",
            )
        host, _, port = self.address.rpartition(":")
        if not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
            raise RefusedInput(
                "is no address",
                who=ascii(self.address[:80]),
                needed="HOST:PORT",
                remedy="Set CHAINCODE_SERVER_ADDRESS.",
            )
        if self.level not in LEVELS:
            who, needed = f"level {self.level[:20]!a}", ", ".join(LEVELS)
            raise RefusedInput("is not known", who=who, needed=needed)
        if (self.tls_key is None) != (self.tls_certificate is None):
            raise RefusedInput("stand together", who="key and certificate of TLS")
        if self.client_roots is not None and self.tls_key is None:
            raise RefusedInput("needs TLS", who="CA of peers", needed="key and certificate")

    def command(self) -> list[str]:
        """Command line of a process that runs it, without the interpreter."""
        line = ["-m", "edgemark_chaincode.host", self.chaincode, "--package-id", self.package_id]
        line += ["--address", self.address, "--level", self.level]
        for option, path in (
            ("--tls-key", self.tls_key),
            ("--tls-certificate", self.tls_certificate),
            ("--client-roots", self.client_roots),
        ):
            line += [option, str(path)] if path is not None else []
        return line


def own_names() -> list[str]:
    """Names of the chaincodes of ours."""
    return sorted(each.parent.name for each in Path(__file__).parent.glob("*/contract.py"))


def find_chaincode(name: str) -> Chaincode:
    """A new object of the chaincode of a name.

    Args:
        name: of a chaincode of ours, or `module:Class`.

    Raises:
        RefusedInput: there is none, or it cannot be imported or made.
    """
    module_name, _, class_name = name.partition(":")
    if not class_name and name in own_names():
        module_name = f"edgemark_chaincode.{name}.contract"
    elif not class_name:
        raise _no_chaincode(name, f"one of ours ({', '.join(own_names())}), or MODULE:CLASS")
    try:
        module = importlib.import_module(module_name)
        if class_name and not hasattr(module, class_name):
            raise _no_chaincode(name, " or ".join(_classes(module)) or "a class of Chaincode there")
        kind = getattr(module, class_name) if class_name else _only_chaincode(module)
        if not (inspect.isclass(kind) and issubclass(kind, Chaincode)):
            raise _no_chaincode(name, "a class derived from shim.interface.Chaincode")
        made: Chaincode = kind()
    except EdgemarkError:
        raise
    except Exception as fault:
        words = f"{type(fault).__name__}: {fault}"
        raise RefusedInput("cannot be made", who=f"chaincode {name[:128]}", had=words) from fault
    return made


def run(settings: HostSettings, *, reload: bool = False) -> int:
    """Run a chaincode until SIGTERM or SIGINT; the exit code.

    Args:
        settings: how.
        reload: restart it when its sources change, in a process of its own.

    Raises:
        RefusedInput: see `find_chaincode` and `ChaincodeServer.start`.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    if reload:
        return run_reloading(
            lambda parent: [sys.executable, *settings.command(), "--tethered", str(parent)],
            watched_folders(settings.chaincode),
        )
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(settings))
    return 0


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop, which takes less of the processor; Python's own where there is none."""
    try:
        loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    except ImportError:  # a machine for which nobody builds it
        return asyncio.new_event_loop()
    return loop


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    try:
        given = make_parser().parse_args(arguments)
        if given.check:
            find_chaincode(given.chaincode)
            return 0
        settings = read_settings(given, os.environ)
        if given.tethered:
            tether_to(given.tethered)
        return run(settings, reload=given.reload)
    except EdgemarkError as fault:
        sys.stderr.write(f"{fault}\n")
        return 2


async def _serve(settings: HostSettings) -> None:
    chaincode = find_chaincode(settings.chaincode)
    tls = _read_tls(settings)
    server = ChaincodeServer(chaincode, settings.package_id, settings.address, tls)
    ending = asyncio.Event()
    _heed_signals(asyncio.get_running_loop(), ending)
    address = await server.start()
    if tls is None and not address.startswith(("127.", "localhost:", "[::1]:")):
        LOG.warning("%s has no TLS: whoever reaches it can call the chaincode", address)
    said = {"address": address, "chaincode": settings.chaincode, "package_id": settings.package_id}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    await ending.wait()
    LOG.info("%s ends", settings.chaincode)
    await server.stop()


def _heed_signals(loop: asyncio.AbstractEventLoop, ending: asyncio.Event) -> None:
    """Have SIGTERM and SIGINT end this process, also while a call blocks its loop.

    Not `loop.add_signal_handler`: it is heard by the loop alone. In time the process leaves in any
    case, and its log has where each thread of it stood.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        faulthandler.dump_traceback_later(LEAVE_S, exit=True)
        loop.call_soon_threadsafe(ending.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _read_tls(settings: HostSettings) -> ServerTls | None:
    if settings.tls_key is None or settings.tls_certificate is None:
        return None
    if settings.tls_key.is_file() and settings.tls_key.stat().st_mode & 0o077:
        remedy = f"chmod 600 {quote(str(settings.tls_key))}"
        raise RefusedInput("can be read by others", who=f"key {settings.tls_key}", remedy=remedy)
    roots = settings.client_roots
    return ServerTls(
        key=_read_pem(settings.tls_key),
        certificate=_read_pem(settings.tls_certificate),
        client_roots=None if roots is None else _read_pem(roots),
    )


def _read_pem(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_PEM_BYTES + 1)
    except OSError as fault:
        why = fault.strerror
        raise RefusedInput("cannot be read", who=f"file {path}", had=why) from fault
    if len(raw) > MAX_PEM_BYTES or b"-----BEGIN " not in raw:
        raise RefusedInput("is no PEM", who=f"file {path}", needed=f"<= {MAX_PEM_BYTES} bytes")
    return raw


def _only_chaincode(module: object) -> object:
    own = _classes(module)
    if len(own) != 1:
        name = getattr(module, "__name__", "")
        raise _no_chaincode(name, f"one class derived from Chaincode, not {len(own)}")
    return next(iter(own.values()))


def _classes(module: object) -> dict[str, object]:
    """Chaincodes that a module has of its own, by name."""
    return {
        name: each
        for name, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Chaincode) and each.__module__ == getattr(module, "__name__", "")
    }


def _no_chaincode(name: str, needed: str) -> RefusedInput:
    return RefusedInput("is not known", who=f"chaincode {name[:128]!a}", needed=needed)


def read_settings(given: argparse.Namespace, environment: Mapping[str, str]) -> HostSettings:
    """What a command line and, where it is silent, an environment say.

    Args:
        given: as `make_parser` reads it.
        environment: variables of the process.

    Raises:
        RefusedInput: something is missing or wrong.
    """

    def path_of(option: Path | None, variable: str) -> Path | None:
        named = environment.get(variable, "")
        return option or (Path(named) if named else None)

    key = path_of(given.tls_key, "CHAINCODE_TLS_KEY")
    disabled = environment.get("CHAINCODE_TLS_DISABLED", "false" if key else "true").lower()
    if disabled not in ("true", "false"):
        who = "CHAINCODE_TLS_DISABLED"
        had, needed = ascii(disabled[:20]), "true or false"
        raise RefusedInput("has no such value", who=who, had=had, needed=needed)
    if disabled == "false" and key is None:
        needed = "CHAINCODE_TLS_KEY and CHAINCODE_TLS_CERT"
        raise RefusedInput("is on without a key", who="TLS", needed=needed)
    with_tls = disabled == "false" or given.tls_key is not None
    named = environment.get("CHAINCODE_ID") or environment.get("CORE_CHAINCODE_ID_NAME", "")
    level = environment.get("CORE_CHAINCODE_LOGGING_LEVEL", "info")
    certificate = path_of(given.tls_certificate, "CHAINCODE_TLS_CERT")
    roots = path_of(given.client_roots, "CHAINCODE_CLIENT_CA_CERT")
    return HostSettings(
        chaincode=given.chaincode,
        package_id=given.package_id or named,
        address=given.address or environment.get("CHAINCODE_SERVER_ADDRESS", ""),
        tls_key=key if with_tls else None,
        tls_certificate=certificate if with_tls else None,
        client_roots=roots if with_tls else None,
        level=(given.level or level).lower(),
    )


def make_parser() -> argparse.ArgumentParser:
    """Reads the program's command line."""
    parser = argparse.ArgumentParser(
        prog="python -m edgemark_chaincode.host", description="Run a chaincode as a service."
    )
    parser.add_argument("chaincode", help="name of a chaincode of ours, or MODULE:CLASS")
    parser.add_argument("--package-id", help="LABEL:HASH (CHAINCODE_ID)")
    parser.add_argument("--address", help="HOST:PORT (CHAINCODE_SERVER_ADDRESS)")
    parser.add_argument("--tls-key", type=Path, help="PEM (CHAINCODE_TLS_KEY)")
    parser.add_argument("--tls-certificate", type=Path, help="PEM (CHAINCODE_TLS_CERT)")
    parser.add_argument("--client-roots", type=Path, help="PEM (CHAINCODE_CLIENT_CA_CERT)")
    parser.add_argument("--level", help=f"of the log: {', '.join(LEVELS)}")
    parser.add_argument("--reload", action="store_true", help="restart it when sources change")
    parser.add_argument("--check", action="store_true", help="only see that it can be made")
    parser.add_argument("--tethered", type=int, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
