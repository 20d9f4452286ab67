"""A development chain: Anvil, started and stopped by us, listening on this machine only.

One folder holds one chain: `anvil.json` (process id, its start time, port), `anvil.log`. A chain
that `chain_up` started outlives the process that asked for it; `chain_down` ends exactly that
process and no other, even when its id was given away since.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

from edgemark.errors import LedgerUnavailable, RefusedInput, Unrecoverable
from edgemark.files import write_whole
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.process import is_running, start_ticks

LOOPBACK = "127.0.0.1"
DEV_CHAIN_ID = 31337
START_S = 20.0  # seconds until a chain that does not answer counts as failed; 0.1 s is usual
STOP_S = 10.0  # seconds to save its state after SIGTERM
LOG_LINES = 15
LISTENING = re.compile(rb"Listening on [0-9.]+:([0-9]+)")
NPM_BINARY = Path("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
MNEMONIC = "test test test test test test test test test test test junk"  # public, worthless


class AnvilNotFound(Unrecoverable):
    """Anvil is not installed."""


class PortInUse(RefusedInput):
    """Something else listens on the port."""


class AnvilDied(Unrecoverable):
    """Anvil ended, or never answered."""


@dataclass(frozen=True)
class AnvilOptions:
    """What chain to start.

    Args:
        port: 1 .. 65535, or 0 for a free one.
        chain_id: > 0.
        block_time_s: seconds between blocks; None makes one for each transaction.
        hardfork: rules of the chain.
        base_fee_wei: base fee of the first block; None for Anvil's own.
        accounts: funded accounts of the public development mnemonic.
        state: file to load at the start and save at the end; None keeps nothing.
        extra: further arguments.
    """

    port: int = 0
    chain_id: int = DEV_CHAIN_ID
    block_time_s: int | None = 1
    hardfork: str = "prague"
    base_fee_wei: int | None = None
    accounts: int = 10
    state: Path | None = None
    extra: Sequence[str] = ()

    def arguments(self) -> list[str]:
        """The command line after the program."""
        words = ["--host", LOOPBACK, "--port", str(self.port), "--chain-id", str(self.chain_id)]
        words += ["--hardfork", self.hardfork, "--accounts", str(self.accounts)]
        words += ["--mnemonic", MNEMONIC]
        if self.block_time_s is not None:
            words += ["--block-time", str(self.block_time_s)]
        if self.base_fee_wei is not None:
            words += ["--base-fee", str(self.base_fee_wei)]
        if self.state is not None:
            words += ["--state", str(self.state)]
        return [*words, *self.extra]


@dataclass
class AnvilNode:
    """A running Anvil.

    Args:
        folder: its files.
        port: where it listens.
        pid: its process.
        started: start of that process in kernel ticks, which tells it from a later one.
        child: handle of the process when this process started it.
    """

    folder: Path
    port: int
    pid: int
    started: int
    child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Does the process live?"""
        if self.child is not None:
            return self.child.poll() is None
        return is_running(self.pid, self.started)

    @classmethod
    def start(cls, folder: Path, options: AnvilOptions | None = None) -> AnvilNode:
        """Start a chain and wait until it answers.

        Raises:
            AnvilNotFound: not installed.
            PortInUse: the port is taken.
            AnvilDied: it ended at the start; with its last words.
        """
        wanted = options or AnvilOptions()
        program = find_anvil()
        folder.mkdir(parents=True, exist_ok=True)
        _check_port(wanted.port)
        log = folder / "anvil.log"
        with log.open("wb") as out:
            child = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
                [str(program), *wanted.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        node = cls(folder, wanted.port, child.pid, start_ticks(child.pid) or 0, child)
        try:
            node._wait_until_it_answers(wanted.chain_id)
        except BaseException:
            node.stop()
            raise
        return node

    def stop(self) -> None:
        """End the process, letting it save its state; does nothing when it has ended."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            if not self._wait_for_end():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                self._wait_for_end()

    def __enter__(self) -> AnvilNode:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_for_end(self) -> bool:
        deadline = time.monotonic() + STOP_S
        while self.is_running:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _wait_until_it_answers(self, chain_id: int) -> None:
        deadline = time.monotonic() + START_S
        while True:
            if not self.is_running:
                raise self._died("ended at the start")
            heard = LISTENING.search((self.folder / "anvil.log").read_bytes())
            try:
                if heard is not None:
                    self.port = int(heard[1])  # its own choice when port 0 was asked for
                    EvmChain(self.url, chain_id=chain_id, attempts=1, timeout_s=2).connect()
                    return
            except LedgerUnavailable as error:
                if time.monotonic() > deadline:
                    raise self._died(f"did not answer within {START_S} s") from error
            if time.monotonic() > deadline:
                raise self._died(f"did not listen within {START_S} s")
            time.sleep(0.02)

    def _died(self, what: str) -> AnvilDied:
        log = self.folder / "anvil.log"
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return AnvilDied(what, who="anvil", had=" | ".join(lines)[-1000:], remedy=f"See {log}.")


def find_anvil(start: Path | None = None) -> Path:
    """The native Anvil: on PATH, or in the `node_modules` of this or a surrounding folder.

    Args:
        start: where to begin to look; the working folder by default.

    Raises:
        AnvilNotFound: nowhere.
    """
    on_path = shutil.which("anvil")
    if on_path is not None:
        return Path(on_path)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        program = folder / NPM_BINARY
        if os.access(program, os.X_OK):
            return program
    raise AnvilNotFound(
        "anvil is not installed",
        who="development chain",
        needed="the program anvil on PATH or below node_modules",
        remedy="In the checkout: make setup. Elsewhere: npm install @foundry-rs/anvil",
    )


def dev_key(index: int) -> bytes:
    """Private key of a funded development account; public knowledge, for local chains only.

    Args:
        index: 0 .. accounts - 1.
    """
    seed = seed_from_mnemonic(MNEMONIC, "")
    return bytes(key_from_seed(seed, f"m/44'/60'/0'/0/{index}"))


def chain_up(folder: Path, options: AnvilOptions | None = None) -> AnvilNode:
    """Start the chain of a folder, to stay when this process ends; or find it running.

    Raises:
        AnvilNotFound, PortInUse, AnvilDied: as `AnvilNode.start`.
    """
    running = chain_status(folder)
    if running is not None:
        return running
    node = AnvilNode.start(folder, options)
    facts = {"pid": node.pid, "started": node.started, "port": node.port}
    write_whole(folder / "anvil.json", json.dumps(facts).encode())
    return node


def chain_status(folder: Path) -> AnvilNode | None:
    """The running chain of a folder, or None."""
    try:
        facts = json.loads((folder / "anvil.json").read_bytes())
        node = AnvilNode(folder, int(facts["port"]), int(facts["pid"]), int(facts["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return node if node.is_running else None


def chain_down(folder: Path) -> bool:
    """End the chain of a folder; False when none was running."""
    node = chain_status(folder)
    if node is not None:
        node.stop()
    (folder / "anvil.json").unlink(missing_ok=True)
    return node is not None


def _check_port(port: int) -> None:
    """Refuse a port that is taken, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortInUse(
                "port is in use",
                who=f"{LOOPBACK}:{port}",
                had=error.strerror,
                needed="a free port",
                remedy="Stop what listens there or choose another port.",
            ) from error
