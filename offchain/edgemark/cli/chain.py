"""`edgemark chain up|down|fund`: a development chain on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console

from edgemark.amounts import Amount
from edgemark.cli.catalogue import GROUPS
from edgemark.cli.options.amounts import MTC
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.spending.price import price_of
from edgemark.cli.systems import OF_SYSTEMS
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.demo.evm.network import Wanted, network_up
from edgemark.deployment.deployment import Deployment
from edgemark.deployment.settings import ChainSettings
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Tokens, parse_address
from edgemark.ledger.evm.development.faucet import FAUCET, open_faucet
from edgemark.ledger.evm.development.launching import (
    DEFAULT_BLOCK_TIME_S,
    DEFAULT_KIND,
    DEFAULT_PORT,
    KINDS,
    chain_down,
    chain_up,
    check_wished,
)
from edgemark.ledger.evm.development.node import ChainOptions, dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.rehearsed_lane import RehearsedLane
from edgemark.token.metacoin import MetaCoin

GAS_WEI = 10**18  # one coin: thousands of transactions
NETWORKS = {name: network for system in OF_SYSTEMS for name, network in system.NETWORKS.items()}

F = TypeVar("F", bound=Callable[..., Any])


def takes_networks(command: F) -> F:
    """An option for each kind of servers that a chain may come up with."""
    for name, network in NETWORKS.items():
        command = click.option(
            f"--with-{name}",
            name.replace("-", "_"),
            type=WholeRange(network.least, network.most),
            help=network.summary,
        )(command)
    return command


@click.group(cls=NamingGroup)
def chain() -> None:
    """A development chain on this machine (one block a second)."""


@chain.command("up")
@takes_settings
@click.option("--port", type=WholeRange(0, 65535), help="0: a free one.  [default: 8545]")
@click.option("--block-time", type=WholeRange(1, 60), help="Seconds.  [default: 1]")
@click.option(
    "--chain", "kind", type=click.Choice(list(KINDS)), default=DEFAULT_KIND, show_default=True
)
@takes_networks
def up(
    invocation: Invocation,
    port: int | None,
    block_time: int | None,
    kind: str,
    **servers: int | None,
) -> None:
    """Start the chain; it goes on until `edgemark chain down`. One that runs is found again.

    With servers it comes with its contracts, everybody registered, and a home from which they can
    be asked. It is for development: its keys are public, its tokens worth nothing, and what a
    network of before left in this home is removed.
    """
    home = invocation.settings().home
    asked = {name: count for name, count in servers.items() if count is not None}
    if len(asked) > 1:
        needed = "servers of one kind"
        raise RefusedInput("too many kinds", who="chain up", had=", ".join(asked), needed=needed)
    for name, count in asked.items():
        wanted = Wanted(
            place=NETWORKS[name].place,
            name=name,
            servers=count,
            home=home.absolute(),
            kind=kind,
            port=port,
            block_time_s=block_time,
        )
        bring_up(invocation, wanted)
        return
    folder = home / "chain"
    check_wished(folder, {"port": port or None, "block_time_s": block_time})
    options = ChainOptions(
        DEFAULT_PORT if port is None else port, block_time_s=block_time or DEFAULT_BLOCK_TIME_S
    )
    node = chain_up(folder, options, kind)
    facts = {"url": node.url, "pid": node.pid, "chain": node.KIND}
    invocation.show(facts, f"chain is up at {node.url}")


def bring_up(invocation: Invocation, wanted: Wanted) -> None:
    """Bring a network up, or find it, and print what there is and what to type next."""
    console = Console(stderr=True)
    with console.status("starting ...") as status:
        told = network_up(wanted, lambda doing: status.update(f"{doing} ..."))
    commands = [shlex.join(["edgemark", *words]) for words in told["commands"]]
    commands.append(shlex.join(["edgemark", "chain", "down", "--home", str(wanted.home)]))
    lines = [
        f"chain is up at {told['url']}: for development only, its keys are public",
        f"{told['servers']} serve on this machine, from homes in {told['network']}",
        f"a home with gas and tokens: {told['device']}",
        "",
        "Try:",
        *(f"  {command}" for command in commands),
    ]
    invocation.show({**told, "commands": commands}, "\n".join(lines))


@chain.command("down")
@takes_settings
def down(invocation: Invocation) -> None:
    """Stop the chain that `up` started from this home, and its servers."""
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


def _parse_payee(text: str) -> Address:
    """An account that can be given something.

    Raises:
        RefusedInput: no address, or the one of nobody, which no token can be given to.
    """
    payee = parse_address(text, who="account")
    if not int(payee, 16):
        needed = "an account that somebody has a key of"
        raise RefusedInput("is nobody's account", who="chain fund", had=payee, needed=needed)
    return payee


@chain.command("fund")
@spends()
@click.argument("accounts", nargs=-1, required=True)
@click.option("--mtc", type=MTC, default="10000", show_default=True, help="For each account.")
def fund(spending: Spending, accounts: tuple[str, ...], mtc: Tokens) -> None:
    """Give ACCOUNTS coin for gas and MTC, on a development chain.

    They come from the public development account, which has the community's tokens where
    `ape run deploy` used it.
    """
    settings = spending.invocation.settings()
    payees = [_parse_payee(account) for account in accounts]
    wanted = settings.of(ChainSettings)
    node = EvmChain(wanted.url, chain_id=wanted.id or None, confirmations=0).connect()
    file = wanted.manifest_file(settings.home, node.chain_id)
    manifest = Deployment.load(file, GROUPS, node.chain_id)
    token = MetaCoin(node, manifest.contract("MetaCoin"))

    def give(lane: TransactionLane) -> None:
        lane.transfer_many([(payee, GAS_WEI) for payee in payees])
        if mtc:
            lane.send_many([token.transfer(payee, mtc) for payee in payees])

    rehearsed = RehearsedLane(node, SecretKey(dev_key(0)))
    give(rehearsed)
    price = price_of(rehearsed.sum_up(), manifest, rehearsed.address)
    if spending.is_dry:
        spending.show_dry(price)
        return
    spending.agree(price)
    folder = settings.home / "chain"
    folder.mkdir(parents=True, exist_ok=True)
    with open_faucet(node, folder / FAUCET) as lane:
        give(lane)
    spending.invocation.show({payee: Amount(mtc) for payee in payees})
