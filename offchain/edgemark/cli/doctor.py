"""`edgemark doctor`: is everything here that Edgemark needs?"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from edgemark.cli.exits import Exit
from edgemark.cli.invocation import Invocation, takes_settings
from edgemark.crypto import kernel
from edgemark.errors import EdgemarkError
from edgemark.ledger.anvil import find_anvil
from edgemark.ledger.deployment import Deployment
from edgemark.ledger.development import DEV_CHAIN_ID
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.hardhat import find_hardhat
from edgemark.ledger.interface import load_bytecode
from edgemark.settings import Settings

LEAST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `needed` things make the command fail."""

    name: str
    fine: bool
    needed: bool
    seen: str


@click.command()
@takes_settings
def doctor(invocation: Invocation) -> int:
    """Look for everything that is needed, and say what to do about what is missing."""
    settings = invocation.settings()
    findings = [
        Finding("python", sys.version_info >= LEAST_PYTHON, True, platform.python_version()),
        Finding("field kernel", True, False, kernel.path()),
        Finding("node.js", shutil.which("node") is not None, False, shutil.which("node") or "-"),
        _try("anvil", False, lambda: str(find_anvil())),
        _try("hardhat", False, lambda: str(find_hardhat()[1])),
        _try("contract bytecode", False, _bytecode),
        _try("chain", False, lambda: _chain(settings)),
        _try("deployment", False, lambda: _deployment(settings)),
    ]
    if invocation.as_json:
        invocation.show({item.name: vars(item) for item in findings})
    else:
        for item in findings:
            mark = "ok " if item.fine else ("NO " if item.needed else "-  ")
            click.echo(f"{mark} {item.name:<18} {item.seen}")
    return Exit.DONE if all(i.fine for i in findings if i.needed) else Exit.CHECK_FAILED


def _try(name: str, needed: bool, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, needed, look())
    except EdgemarkError as error:
        return Finding(name, False, needed, str(error))


def _bytecode() -> str:
    load_bytecode("Settlement")
    return "compiled"


def _chain(settings: Settings) -> str:
    chain = EvmChain(
        settings.chain_url,
        chain_id=settings.chain_id or None,
        confirmations=settings.confirmations,
        attempts=1,
    ).connect()
    return f"{settings.chain_url}, chain id {chain.chain_id}, block {chain.head()}"


def _deployment(settings: Settings) -> str:
    manifest = settings.manifest_file(settings.chain_id or DEV_CHAIN_ID)
    return f"Settlement at {Deployment.load(manifest).contracts['Settlement']}"
