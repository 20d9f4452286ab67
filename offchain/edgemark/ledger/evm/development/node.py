"""A development chain: a node that we start and stop, listening on this machine only.

What every kind of node gives, whichever program it is: loopback only, ready when it answers, ended
with the process that started it unless it is asked to stay, and a typed error for a port in use, a
missing program and a program that ends at the start.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from edgemark.closing import Closing
from edgemark.errors import LedgerUnavailable, RefusedInput, Unrecoverable
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.process import end_process, is_running, start_ticks, tether

LOOPBACK = "127.0.0.1"
DEV_CHAIN_ID = 31337
START_S = 30.0  # until a silent chain counts as failed; Anvil needs 0.1 s, Hardhat 1 to 5 s
STOP_S = 10.0  # seconds to save its state after SIGTERM
LOG_LINES = 15
TRACE_LINE = "at "  # of a stack trace of Node.js: says nothing to a user
MNEMONIC = "test test test test test test test test test test test junk"  # public, worthless


class ToolMissing(Unrecoverable):
    """The program that runs the chain is not installed."""


class PortInUse(RefusedInput):
    """Something else listens on the port."""


class ChainDied(Unrecoverable):
    """The chain's program ended, or never answered."""


@dataclass(frozen=True)
class ChainOptions:
    """What chain to start.

    Args:
        port: 1 .. 65535, or 0 for a free one.
        chain_id: > 0.
        block_time_s: seconds between blocks; None makes one for each transaction.
        hardfork: rules of the chain.
        base_fee_wei: base fee of the first block; None for the program's own.
        accounts: funded accounts of the public development mnemonic.
    """

    port: int = 0
    chain_id: int = DEV_CHAIN_ID
    block_time_s: float | None = 1
    hardfork: str = "prague"
    base_fee_wei: int | None = None
    accounts: int = 10


@dataclass
class DevelopmentNode(Closing):
    """A running development chain. Use as a context manager: leaving ends it.

    Args:
        folder: its files.
        port: where it listens.
        pid: its process.
        started: start of that process in kernel ticks, which tells it from a later one.
        child: handle of the process when this process started it.
    """

    KIND: ClassVar[str]
    LISTENING: ClassVar[re.Pattern[bytes]]  # its log's line that names the port

    folder: Path
    port: int
    pid: int
    started: int
    child: subprocess.Popen[bytes] | None = None

    @classmethod
    @abstractmethod
    def command(cls, folder: Path, options: ChainOptions) -> list[str]:
        """The program, by absolute path, and its arguments; may write files into the folder.

        Raises:
            ToolMissing: not installed.
        """

    @classmethod
    def environment(cls, folder: Path) -> Mapping[str, str]:  # noqa: ARG003 - for other kinds
        """Environment of the program."""
        return os.environ

    @classmethod
    def working_folder(cls) -> Path | None:
        """Where the program runs; None for here."""
        return None

    def settle_in(self, chain: EvmChain) -> None:
        """What remains to be told to the node when it answers for the first time."""

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        """What the program printed."""
        return self.folder / f"{self.KIND}.log"

    @property
    def is_running(self) -> bool:
        """Does the process live?"""
        if self.child is not None:
            return self.child.poll() is None
        return is_running(self.pid, self.started)

    @classmethod
    def start(
        cls, folder: Path, options: ChainOptions | None = None, *, stays: bool = False
    ) -> Self:
        """Start a chain and wait until it answers.

        Args:
            folder: for its files; made when missing.
            options: what chain; the defaults when None.
            stays: it outlives this process; else the kernel ends it when this process ends.

        Raises:
            ToolMissing: not installed.
            PortInUse: the port is taken.
            ChainDied: it ended at the start; with its last words.
        """
        wanted = options or ChainOptions()
        check_port_free(wanted.port)
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        command = cls.command(folder, wanted)
        with (folder / f"{cls.KIND}.log").open("wb") as out:
            child = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
                command if stays else tether(command),
                cwd=cls.working_folder(),
                env=cls.environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        node = cls(folder, wanted.port, child.pid, start_ticks(child.pid) or 0, child)
        try:
            node._wait_until_it_answers(wanted.chain_id)
        except BaseException:
            node.close()
            raise
        return node

    def close(self) -> None:
        """End the process, letting it save its state; does nothing when it has ended."""
        end_process(self.pid, lambda: self.is_running, STOP_S)

    def _wait_until_it_answers(self, chain_id: int) -> None:
        deadline = time.monotonic() + START_S
        while True:
            if not self.is_running:
                raise self._died("ended at the start")
            heard = self.LISTENING.search(self.log.read_bytes())
            try:
                if heard is not None:
                    self.port = int(heard[1])  # its own choice when port 0 was asked for
                    chain = EvmChain(self.url, chain_id=chain_id, attempts=1, timeout_s=2)
                    self.settle_in(chain.connect())
                    return
            except LedgerUnavailable as error:
                if time.monotonic() > deadline:
                    raise self._died(f"did not answer within {START_S} s") from error
            if time.monotonic() > deadline:
                raise self._died(f"did not listen within {START_S} s")
            time.sleep(0.02)

    def _died(self, what: str) -> ChainDied:
        lines = map(str.strip, self.log.read_text(errors="replace").splitlines())
        told = [line for line in lines if line and not line.startswith(TRACE_LINE)]
        words = " | ".join(told[-LOG_LINES:])
        return ChainDied(what, who=self.KIND, had=words[-1000:], remedy=f"See {self.log}.")


def folders_around(start: Path | None = None) -> Iterator[Path]:
    """A folder and all that it lies in; by default the working folder, then this package's."""
    for folder in (start,) if start else (Path.cwd(), Path(__file__).parent):
        here = folder.resolve()
        yield from (here, *here.parents)


def dev_key(index: int) -> bytes:
    """Private key of a funded development account; public knowledge, for local chains only.

    Args:
        index: 0 .. accounts - 1.
    """
    from eth_account.hdaccount import (  # noqa: PLC0415 - heavy, for development only
        key_from_seed,
        seed_from_mnemonic,
    )

    seed = seed_from_mnemonic(MNEMONIC, "")
    return bytes(key_from_seed(seed, f"m/44'/60'/0'/0/{index}"))


def check_port_free(port: int) -> None:
    """Refuse a port that is taken, before anything is started.

    Raises:
        PortInUse: something listens there.
    """
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
