"""A development chain: a node that we start and stop, listening on this machine only.

What every kind of node gives, whichever program it is: loopback only, ready when it answers, ended
with the process that started it unless it is asked to stay, and a typed error for a port in use, a
missing program and a program that ends at the start.
"""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from edgemark.closing import Closing
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.launching.ports import LOOPBACK, check_port_free
from edgemark.ledger.launching.program import Program

DEV_CHAIN_ID = 31337
START_S = 30.0  # until a silent chain counts as failed; Anvil needs 0.1 s, Hardhat 1 to 5 s
MNEMONIC = "test test test test test test test test test test test junk"  # public, worthless


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
        program: its process and its log.
    """

    KIND: ClassVar[str]
    LISTENING: ClassVar[re.Pattern[bytes]]  # its log's line that names the port

    folder: Path
    port: int
    program: Program

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
    def is_running(self) -> bool:
        """Does the process live?"""
        return self.program.is_running

    @property
    def pid(self) -> int:
        """Number of its process."""
        return self.program.pid

    @property
    def started(self) -> int:
        """Start of its process in kernel ticks, which tells it from a later one."""
        return self.program.started

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
            ProgramDied: it ended at the start; with its last words.
        """
        wanted = options or ChainOptions()
        check_port_free(wanted.port)
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        command = cls.command(folder, wanted)
        program = Program.start(
            cls.KIND,
            folder,
            command,
            environment=cls.environment(folder),
            working_folder=cls.working_folder(),
            stays=stays,
        )
        node = cls(folder, wanted.port, program)
        try:
            program.wait_until_ready(lambda: node._answers(wanted.chain_id), START_S)
        except BaseException:
            node.close()
            raise
        return node

    def close(self) -> None:
        """End the process, letting it save its state; does nothing when it has ended."""
        self.program.close()

    def _answers(self, chain_id: int) -> bool:
        heard = self.LISTENING.search(self.program.log.read_bytes())
        if heard is None:
            return False
        self.port = int(heard[1])  # its own choice when port 0 was asked for
        chain = EvmChain(self.url, chain_id=chain_id, attempts=1, timeout_s=2)
        self.settle_in(chain.connect())
        return True


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
