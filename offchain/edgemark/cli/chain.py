"""`edgemark chain up|down|fund`: a development chain on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.cli.account import parse_tokens
from edgemark.cli.catalogue import GROUPS
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment
from edgemark.deployment.settings import ChainSettings
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.development.launching import (
    DEFAULT_KIND,
    KINDS,
    chain_down,
    chain_up,
    check_wished,
)
from edgemark.ledger.evm.development.node import ChainOptions, dev_key
from edgemark.ledger.evm.faults import OtherChainsFile
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.token.metacoin import MetaCoin

PORT = 8545
BLOCK_TIME_S = 1
GAS_WEI = 10**18  # one coin: thousands of transactions


@click.group(cls=NamingGroup)
def chain() -> None:
    """A development chain on this machine (one block a second)."""


@chain.command("up")
@takes_settings
@click.option("--port", type=click.IntRange(0, 65535), help="0: a free one.  [default: 8545]")
@click.option("--block-time", type=click.IntRange(1, 60), help="Seconds.  [default: 1]")
@click.option(
    "--chain", "kind", type=click.Choice(list(KINDS)), default=DEFAULT_KIND, show_default=True
)
def up(invocation: Invocation, port: int | None, block_time: int | None, kind: str) -> None:
    """Start the chain; it goes on until `edgemark chain down`. One that runs is found again."""
    folder = invocation.settings().home / "chain"
    check_wished(folder, {"port": port or None, "block_time_s": block_time})
    options = ChainOptions(PORT if port is None else port, block_time_s=block_time or BLOCK_TIME_S)
    node = chain_up(folder, options, kind)
    facts = {"url": node.url, "pid": node.pid, "chain": node.KIND}
    invocation.show(facts, f"chain is up at {node.url}")


@chain.command("down")
@takes_settings
def down(invocation: Invocation) -> None:
    """Stop the chain that `up` started from this home folder."""
    stopped = chain_down(invocation.settings().home / "chain")
    invocation.show({"stopped": stopped}, "chain is down" if stopped else "no chain was up")


@chain.command("verify")
@takes_settings
def verify(invocation: Invocation) -> None:
    """Compare the contracts on the chain with manifest and own code.

    Works on any chain. It says which contract is another one, with both hashes.
    """
    settings = invocation.settings()
    wanted = settings.of(ChainSettings)
    node = EvmChain(wanted.url, chain_id=wanted.id or None).connect()
    file = wanted.manifest_file(settings.home, node.chain_id)
    manifest = Deployment.load(file, GROUPS, node.chain_id)
    manifest.verify(node)
    facts = {
        name: {"address": manifest.contracts[name], **origin.as_dict()}
        for name, origin in manifest.origins.items()
    }
    lines = [
        f"ok  {name:<20} {fact['address']}  code {str(fact['code_hash'])[:18]}  "
        f"solc {fact['compiler']}  block {fact['block']}"
        for name, fact in facts.items()
    ]
    invocation.show(facts, "\n".join(lines))


@chain.command("fund")
@takes_settings
@click.argument("accounts", nargs=-1, required=True)
@click.option("--mtc", default="10000", show_default=True, help="MTC for each account.")
def fund(invocation: Invocation, accounts: tuple[str, ...], mtc: str) -> None:
    """Give ACCOUNTS coin for gas and MTC, on a development chain.

    They come from the public development account, which has the community's tokens where
    `ape run deploy` used it.
    """
    settings = invocation.settings()
    payees = [parse_address(account, who="account") for account in accounts]
    amount = parse_tokens(mtc)
    wanted = settings.of(ChainSettings)
    node = EvmChain(wanted.url, chain_id=wanted.id or None, confirmations=0).connect()
    file = wanted.manifest_file(settings.home, node.chain_id)
    manifest = Deployment.load(file, GROUPS, node.chain_id)
    token = MetaCoin(node, manifest.contract("MetaCoin"))
    folder = settings.home / "chain"
    folder.mkdir(parents=True, exist_ok=True)
    with open_faucet(node, folder / "faucet.journal") as lane:
        lane.transfer_many([(payee, GAS_WEI) for payee in payees])
        if amount:
            lane.send_many([token.transfer(payee, amount) for payee in payees])
    invocation.show({payee: f"{mtc} MTC" for payee in payees})


def open_faucet(node: EvmChain, path: Path) -> TransactionLane:
    """The lane of the public development account.

    What it has sent on a chain that is gone is of no use to anybody: such a file is begun anew.
    """
    try:
        return TransactionLane(node, SecretKey(dev_key(0)), path)
    except OtherChainsFile:
        path.unlink()
        return TransactionLane(node, SecretKey(dev_key(0)), path)
