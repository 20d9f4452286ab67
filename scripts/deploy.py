"""Puts the contracts on the network that ape is connected to, and writes the manifest.

ape run deploy --network ethereum:local:foundry
ape run deploy --network http://127.0.0.1:8545 --manifest edgemark.json
ape run deploy --network http://127.0.0.1:8545 --systems trading
ape run deploy --network http://127.0.0.1:8545 --identities
"""

from dataclasses import fields, replace
from pathlib import Path
from typing import get_type_hints

import click
from ape import accounts
from ape.cli import ConnectedProviderCommand, account_option
from ape.contracts import ContractContainer
from ape.exceptions import ContractLogicError
from ethpm_types import ContractType
from rich.console import Console

from edgemark.amounts import parse_tokens, write_tokens
from edgemark.cli.terminal.invocation import lay_out, read_settings
from edgemark.deployment.deployment import Made, calls_after, deploy_by, measure_block_s
from edgemark.deployment.settings import ChainSettings
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Tokens, parse_address
from edgemark.identity.records import Staking
from edgemark.ledger.evm.contract.interface import (
    explain_revert,
    load_bytecode,
    load_interface,
)
from edgemark.ledger.evm.development.node import DEV_CHAIN_ID
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.evm.contracts import DEFAULT_STAKING, BaseContracts, DidContracts
from edgemark.resolver.settings import IdentitySettings, manifest_of_identities
from edgemark.systems.outsourcing.station import contracts as outsourcing
from edgemark.systems.trading.station import contracts as trading
from edgemark.token.plans import read_plans


def list_systems():
    """By name; each stands on the base, and on nothing of another one."""
    return {"outsourcing": groups_of_outsourcing, "trading": groups_of_trading}


def list_decided():
    """Defaults of what is decided for each system, behind what its options begin with."""
    return {
        "": outsourcing.DEFAULT_LIMITS,
        "offer-": trading.DEFAULT_OFFER_LIMITS,
        "channel-": trading.DEFAULT_LIMITS,
        "controller-": trading.DEFAULT_BONDING,
        "tower-": trading.DEFAULT_WATCHING,
    }


def amount_option(name, default):
    """An option in MTC, which is read where its refusal is told."""
    shown = write_tokens(default)
    return click.option(name, metavar="MTC", default=shown, show_default=True)


def decided_options(command):
    """One option for each value of each system; amounts in MTC, times in seconds."""
    for prefix, defaults in list_decided().items():
        kinds = get_type_hints(type(defaults))
        for name, value in vars(defaults).items():
            option = option_of(prefix, name)
            if kinds[name] is Tokens:
                command = amount_option(option, value)(command)
            else:
                seconds = click.option(option, type=int, default=value, show_default=True)
                command = seconds(command)
    return command


def option_of(prefix, name):
    """Of a value; `seconds` is what a number is anyway."""
    return f"--{prefix}{name.removesuffix('_seconds').replace('_', '-')}"


def decided_by(options, prefix):
    """The values of one part, as the options have them."""
    defaults = list_decided()[prefix]
    kinds, values = get_type_hints(type(defaults)), {}
    for part in fields(defaults):
        option = option_of(prefix, part.name)
        value = options[option.removeprefix("--").replace("-", "_")]
        is_amount = kinds[part.name] is Tokens
        values[part.name] = parse_tokens(value, who=option) if is_amount else value
    return type(defaults)(**values)


def read_systems(_context, _parameter, text):
    """The systems of a list with commas between them, each once."""
    known = list_systems()
    names = dict.fromkeys(each.strip() for each in text.split(","))
    if wrong := [name for name in names if name not in known]:
        raise click.BadParameter(f"{wrong[0]!r} is no system: {', '.join(known)}")
    return tuple(name for name in known if name in names)


@click.command(cls=ConnectedProviderCommand)
@account_option(prompt=None)
@click.option(
    "--systems",
    metavar="NAMES",
    default=lambda: ",".join(list_systems()),
    show_default="all",
    callback=read_systems,
    help="Which, with commas between them.",
)
@click.option("--judge", "judges", multiple=True, metavar="ADDRESS", help="Four or more.")
@click.option("--pool", metavar="ADDRESS", help="Receives what nobody else is owed.")
@click.option("--guardian", metavar="ADDRESS", help="May stop new work. [default: the account]")
@click.option("--holder", metavar="ADDRESS", help="Owns the supply but the incentives.")
@click.option(
    "--allocations",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON file of the four parts of the supply, as in a manifest.",
)
@amount_option("--min-stake", DEFAULT_STAKING.min_stake)
@click.option("--unbonding", type=int, default=0, help="Seconds. [default: the longest job]")
@click.option("--pause", type=int, default=DEFAULT_STAKING.pause_seconds, show_default=True)
@click.option("--identities", is_flag=True, help="The registry of identities, and nothing else.")
@click.option("--manifest", type=click.Path(path_type=Path, dir_okay=False), help="Where to write.")
@decided_options
def cli(provider, account, judges, pool, manifest, **options):
    """Deploy MetaCoin, anchor, registry and the contracts of each system; write where they are.

    What vests at once goes to its beneficiary in the same run. On a development chain the account,
    the judges and the pool default to test accounts. With trading comes the registry of identities;
    with --identities it comes alone, with a manifest of its own: any chain has it, also one that
    has nothing else.
    """
    console = Console()
    try:
        if options["identities"]:
            account, groups = choose_account(provider, account), (DidContracts(),)
        else:
            needed = {"pool": pool}
            if "outsourcing" in options["systems"]:
                needed = {"judges": judges, **needed}
            account = choose_accounts(console, provider, account, needed)
            groups = groups_of(account.address, needed, options)
        settings = read_settings(None, {})
        chain = EvmChain(provider.http_uri, chain_id=provider.chain_id)
        block_s = measure_block_s(chain)
        for group in groups:
            group.check_pace(settings.of(ChainSettings).confirmations, block_s)
        rows = [("contract", "address", "gas")]
        deployment = deploy_by(maker(account, rows), provider.chain_id, groups)
        if "Allocations" in deployment.contracts:
            rows.append(("Allocations", deployment.contracts["Allocations"], "with MetaCoin"))
        deployment.verify(chain)
        release_what_vests_at_once(account, deployment)
        click.echo(lay_out(rows))  # whole, however narrow the terminal is
        save(console, deployment, provider, manifest, settings)
    except EdgemarkError as error:
        raise click.ClickException(str(error)) from error


def groups_of(account, chosen, options):
    """What the options say, with the account where they name nobody."""
    plans = options["allocations"]
    least = parse_tokens(options["min_stake"], who="--min-stake")
    base = BaseContracts(
        holder=parse_address(options["holder"] or account, who="holder"),
        pool=parse_address(chosen["pool"], who="pool"),
        allocations=read_plans(plans) if plans else (),
        staking=Staking(least, options["unbonding"], options["pause"]),
    )
    guardian = parse_address(options["guardian"] or account, who="guardian")
    groups = [base]
    for name, groups_of_system in list_systems().items():
        if name in options["systems"]:
            groups += groups_of_system(base, guardian, chosen, options)
    return tuple(groups)


def groups_of_outsourcing(base, guardian, chosen, options):
    """Judges and settlement."""
    judges = tuple(parse_address(judge, who="judge") for judge in chosen["judges"])
    limits = decided_by(options, "")
    return [outsourcing.OutsourcingContracts(judges, base.pool, guardian, limits)]


def groups_of_trading(base, guardian, _chosen, options):
    """Templates, offers, escrow, evidence, controllers, towers; and identities."""
    _, contracts = trading.draft_contracts(
        base,
        guardian,
        limits=decided_by(options, "channel-"),
        bonding=decided_by(options, "controller-"),
        watching=decided_by(options, "tower-"),
        offers=decided_by(options, "offer-"),
    )
    return [DidContracts(), contracts]


def release_what_vests_at_once(account, deployment):
    """So that there are tokens to use; anyone may do it."""
    for call in calls_after(deployment):
        contract = compiled("Allocations").at(call.contract.address)
        getattr(contract, call.function)(*call.args, sender=account)


def choose_account(provider, account):
    """A test account on a development chain; elsewhere it has to be named."""
    if account is None and (provider.network.is_dev or provider.chain_id == DEV_CHAIN_ID):
        return accounts.test_accounts[0]
    if account is None:
        raise click.UsageError("--account: needed on a chain that is no test chain")
    return account


def choose_accounts(console, provider, account, needed):
    """Fill in test accounts on a development chain; elsewhere everything has to be named.

    Args:
        console: told whose keys everybody knows.
        provider: of the chain.
        account: that deploys, where it is named.
        needed: `pool`, and `judges` where there are any; gets what was not named.

    Returns:
        The account that deploys.
    """
    least = outsourcing.MIN_JUDGES
    if provider.network.is_dev or provider.chain_id == DEV_CHAIN_ID:
        if "judges" in needed and not needed["judges"]:
            needed["judges"] = [each.address for each in accounts.test_accounts[1 : 1 + least]]
            console.print(f"judges: test accounts 1 to {least}, whose keys everybody knows")
        if not needed["pool"]:
            needed["pool"] = accounts.test_accounts[1 + least].address
            console.print(f"pool: test account {1 + least}")
        return account or accounts.test_accounts[0]
    named = {"account": account, **needed}
    if missing := [f"--{name.removesuffix('s')}" for name, value in named.items() if not value]:
        raise click.UsageError(f"{', '.join(missing)}: needed on a chain that is no test chain")
    return account


def compiled(name):
    """A contract as `make contracts` compiled it: ape would compile it anew, here and now."""
    return ContractContainer(
        ContractType(
            contractName=name,
            abi=load_interface(name).abi,
            deploymentBytecode={"bytecode": f"0x{load_bytecode(name).hex()}"},
        )
    )


def maker(account, rows):
    """Deploys a contract of the project from the account and notes it in the rows of a table."""

    def make(name, *args):
        try:
            made = account.deploy(compiled(name), *args)
        except ContractLogicError as error:
            raise refusal_of(name, error) from error
        receipt = made.creation_metadata.receipt
        rows.append((name, receipt.contract_address, f"{receipt.gas_used:,}"))
        return Made(parse_address(receipt.contract_address), receipt.block_number)

    return make


def refusal_of(name, error):
    """What a constructor refused, where ape shows the bare bytes of the error."""
    try:
        data = bytes.fromhex(error.revert_message.removeprefix("0x"))
    except ValueError:
        return ContractRefused(name, "constructor", error.revert_message, {})
    return ContractRefused(name, "constructor", *explain_revert(data, load_interface(name)))


def save(console, deployment, provider, manifest, settings):
    """Write the manifest, unless nobody could use it."""
    if manifest is None and getattr(provider, "process", None) is not None:
        console.print("no manifest: this chain ends with the command (--manifest writes one)")
        return
    chain_id = deployment.chain_id
    path = manifest or settings.of(ChainSettings).manifest_file(settings.home, chain_id)
    alone = deployment.has(DidContracts) and len(deployment.groups) == 1
    if manifest is None and alone:
        path = settings.of(IdentitySettings).manifest_among(settings, chain_id)
    deployment.save(path)
    console.print(f"manifest: {path}", soft_wrap=True)
    if manifest is None and deployment.has(DidContracts) and not alone:
        path = manifest_of_identities(settings.home, chain_id)  # where they are looked for
        only = (deployment.group(DidContracts),)
        replace(deployment, groups=only).save(path)
        console.print(f"manifest of identities: {path}", soft_wrap=True)
