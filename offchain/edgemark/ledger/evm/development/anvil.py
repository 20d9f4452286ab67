"""Foundry's development chain, Anvil: one native program."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from edgemark.ledger.evm.development.node import (
    MNEMONIC,
    ChainOptions,
    DevelopmentNode,
    folders_around,
)
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.launching.ports import LOOPBACK
from edgemark.ledger.launching.program import ToolMissing

STATES = "states"  # of the folder of a chain: what old blocks left, while it runs
MOST_STATES = 500  # as many again are in memory
NPM_BINARY = Path("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")


@dataclass(frozen=True)
class AnvilOptions(ChainOptions):
    """What only Anvil can do.

    Args:
        state: file to load at the start and save at the end; None keeps nothing.
        extra: further arguments.
    """

    state: Path | None = None
    extra: Sequence[str] = ()


class AnvilNode(DevelopmentNode):
    """A running Anvil; started with `ChainOptions` or `AnvilOptions`."""

    KIND: ClassVar[str] = "anvil"
    LISTENING: ClassVar[re.Pattern[bytes]] = re.compile(rb"Listening on [0-9.]+:([0-9]+)")

    @classmethod
    def command(cls, folder: Path, options: ChainOptions) -> list[str]:
        """Anvil and its arguments.

        Raises:
            ToolMissing: not installed.
        """
        words = [str(find_anvil()), "--host", LOOPBACK, "--port", str(options.port)]
        words += ["--chain-id", str(options.chain_id), "--hardfork", options.hardfork]
        words += ["--accounts", str(options.accounts), "--mnemonic", MNEMONIC]
        # Its own choice would be the user's home folder, without bound and for ever.
        shutil.rmtree(folder / STATES, ignore_errors=True)
        words += ["--cache-path", str(folder / STATES)]
        words += ["--max-persisted-states", str(MOST_STATES)]
        if options.block_time_s is not None:
            words += ["--block-time", str(options.block_time_s)]
        if options.base_fee_wei is not None:
            words += ["--base-fee", str(options.base_fee_wei)]
        if isinstance(options, AnvilOptions):
            if options.state is not None:
                words += ["--state", str(options.state)]
            words += options.extra
        return words

    def settle_in(self, chain: EvmChain) -> None:
        """Stop it from writing every request into its log, which would grow without end."""
        chain.rpc("anvil_setLoggingEnabled", False)

    def close(self) -> None:
        """End the process; what it kept of old blocks goes with it."""
        super().close()
        shutil.rmtree(self.folder / STATES, ignore_errors=True)


def find_anvil(start: Path | None = None) -> Path:
    """The native Anvil: on PATH, or in the `node_modules` of this or a surrounding folder.

    Args:
        start: where to begin to look; by default the working folder, then this package's, which
            is in a checkout.

    Raises:
        ToolMissing: nowhere.
    """
    on_path = shutil.which("anvil")
    if on_path is not None:
        return Path(on_path).absolute()
    for folder in folders_around(start):
        program = folder / NPM_BINARY
        if os.access(program, os.X_OK):
            return program
    raise ToolMissing(
        "anvil is not installed",
        who="development chain",
        needed="the program anvil on PATH or below node_modules",
        remedy="In the checkout: make setup. Elsewhere: npm install @foundry-rs/anvil",
    )
