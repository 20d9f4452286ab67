"""Hardhat's development chain: a program of Node.js, with a settings file instead of arguments."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from edgemark.ledger.evm.development.node import (
    MNEMONIC,
    ChainOptions,
    DevelopmentNode,
    folders_around,
)
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.launching.ports import LOOPBACK
from edgemark.ledger.launching.program import ToolMissing

NPM_PROGRAM = Path("node_modules/hardhat/internal/cli/bootstrap.js")
BALANCE_WEI = 10**22  # of each account; as many as Anvil gives
MS = 1000


class HardhatNode(DevelopmentNode):
    """A running Hardhat node."""

    KIND: ClassVar[str] = "hardhat"
    LISTENING: ClassVar[re.Pattern[bytes]] = re.compile(rb"server at http://[0-9.]+:([0-9]+)")

    @classmethod
    def command(cls, folder: Path, options: ChainOptions) -> list[str]:
        """Node.js, Hardhat and its arguments; the settings file goes into the folder.

        Raises:
            ToolMissing: not installed.
        """
        node, program = find_hardhat()
        settings = folder / "hardhat.config.js"
        settings.write_text(f"module.exports = {json.dumps(write_settings(options), indent=2)};\n")
        words = [str(node), str(program), "--config", str(settings), "node"]
        # Without a host name it listens on every interface.
        return [*words, "--hostname", LOOPBACK, "--port", str(options.port)]

    @classmethod
    def environment(cls, folder: Path) -> Mapping[str, str]:
        """Its own files stay in the chain's folder, and it reports nothing to anybody."""
        own = {f"XDG_{kind}_HOME": str(folder / "own") for kind in ("CONFIG", "DATA", "CACHE")}
        return {**os.environ, **own, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "NO_COLOR": "1"}

    def settle_in(self, chain: EvmChain) -> None:
        """Stop it from writing every request into its log, which would grow without end."""
        chain.rpc("hardhat_setLoggingEnabled", False)

    @classmethod
    def working_folder(cls) -> Path:
        """Where it was installed: it refuses to run from elsewhere."""
        return find_hardhat()[1].parents[4]


def write_settings(options: ChainOptions) -> dict[str, Any]:
    """The settings of a chain as Hardhat wants them."""
    network: dict[str, Any] = {
        "chainId": options.chain_id,
        "hardfork": options.hardfork,
        # A block for each transaction would push chain time ahead of the clock by a second each.
        "allowBlocksWithSameTimestamp": True,
        "mining": {
            "auto": options.block_time_s is None,
            "interval": 0 if options.block_time_s is None else round(options.block_time_s * MS),
        },
        "accounts": {
            "mnemonic": MNEMONIC,
            "count": options.accounts,
            "accountsBalance": str(BALANCE_WEI),
        },
    }
    if options.base_fee_wei is not None:
        network["initialBaseFeePerGas"] = options.base_fee_wei
    return {"networks": {"hardhat": network}}


def find_hardhat(start: Path | None = None) -> tuple[Path, Path]:
    """Node.js, and Hardhat in the `node_modules` of this or a surrounding folder.

    Args:
        start: where to begin to look; by default the working folder, then this package's, which
            is in a checkout.

    Raises:
        ToolMissing: one of them is nowhere.
    """
    node = shutil.which("node")
    if node is None:
        raise ToolMissing(
            "node is not installed",
            who="development chain",
            needed="Node.js 20 or newer on PATH",
            remedy="Install Node.js, or use the other kind of chain: --chain anvil",
        )
    for folder in folders_around(start):
        program = folder / NPM_PROGRAM
        if program.is_file():
            return Path(node).absolute(), program
    raise ToolMissing(
        "hardhat is not installed",
        who="development chain",
        needed="the npm package hardhat 2 in node_modules of this or a surrounding folder",
        remedy="In the checkout: make setup. Elsewhere: npm install hardhat@2",
    )
