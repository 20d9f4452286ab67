"""`edgemark provider`: an organisation that runs servers."""

from __future__ import annotations

import click

from edgemark.cli.account import parse_tokens
from edgemark.cli.stations import RegistryStation
from edgemark.cli.terminal.facts import Amount, Moment
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.identifiers import parse_address
from edgemark.party.evm.contracts import BaseContracts
from edgemark.party.evm.joining import join_as_provider
from edgemark.party.evm.membership import (
    admit_server,
    dismiss_server,
    held_stake,
    provide_stake,
    provider_of,
    release_stake,
    unstake,
)


@click.group(cls=NamingGroup)
def provider() -> None:
    """An organisation: it registers once, brings its stake, and admits its servers."""


@provider.command("register")
@takes_settings
@click.argument("name")
def register(invocation: Invocation, name: str) -> None:
    """Register this home's account as the organisation NAME.

    A name stays what it is.
    """
    with RegistryStation.open(invocation.settings()) as station:
        changed = join_as_provider(station, name)
        organisation = provider_of(station)
    invocation.show({"provider": organisation, "name": name, "changed": changed})


@provider.command("admit")
@takes_settings
@click.argument("account")
def admit(invocation: Invocation, account: str) -> None:
    """Let ACCOUNT register as a server of this organisation.

    One that was dismissed before takes new work only after the deployment's pause.
    """
    admitted = parse_address(account, who="account")
    with RegistryStation.open(invocation.settings()) as station:
        changed = admit_server(station, admitted)
        organisation = provider_of(station)
        counts_from = station.registry.admitted_from(organisation, admitted)
    facts = {"provider": organisation, "admitted": admitted, "counts_from": Moment(counts_from)}
    invocation.show({**facts, "changed": changed})


@provider.command("dismiss")
@takes_settings
@click.argument("account")
def dismiss(invocation: Invocation, account: str) -> None:
    """Let ACCOUNT take no new work; it ends what it has."""
    dismissed = parse_address(account, who="account")
    with RegistryStation.open(invocation.settings()) as station:
        dismiss_server(station, dismissed)
        organisation = provider_of(station)
    invocation.show({"provider": organisation, "dismissed": dismissed})


@provider.command("show")
@takes_settings
def show(invocation: Invocation) -> None:
    """Print what this organisation has at stake, and what it needs."""
    with RegistryStation.look(invocation.settings()) as station:
        organisation, registry = provider_of(station), station.registry
        held = registry.stake_of(organisation)
        unbonding_s = station.deployment.group(BaseContracts).staking.unbonding_seconds
        facts = {
            "provider": organisation,
            "staked": Amount(held.amount),
            "counts": Amount(registry.active_stake(organisation)),
            "needed": Amount(registry.min_stake()),
            "counts_from": Moment(held.counts_from),
            "renew_before": Moment(max(0, held.expires_at - unbonding_s)),
            "free_at": Moment(held.free_at),
        }
    invocation.show(facts)


@provider.command("stake")
@takes_settings
@click.argument("amount", required=False)
def stake(invocation: Invocation, amount: str | None) -> None:
    """Lock AMOUNT MTC more (default: what is missing); 0 renews.

    It ends any unbonding. A stake that has counted before and stopped counts again after the
    deployment's pause.
    """
    with RegistryStation.open(invocation.settings()) as station:
        organisation, registry = provider_of(station), station.registry
        missing = max(0, registry.min_stake() - held_stake(station, organisation))
        provide_stake(station, missing if amount is None else parse_tokens(amount))
        staked = registry.active_stake(organisation)
        counts_from = registry.stake_of(organisation).counts_from
    facts = {
        "provider": organisation,
        "counts": Amount(staked),
        "counts_from": Moment(counts_from),
    }
    invocation.show(facts)


@provider.command("unstake")
@takes_settings
def leave(invocation: Invocation) -> None:
    """Take no new work for the stake.

    `release` gives it back after the unbonding time.
    """
    with RegistryStation.open(invocation.settings()) as station:
        free_at = unstake(station)
        organisation = provider_of(station)
    invocation.show({"provider": organisation, "free_at": Moment(free_at)})


@provider.command("release")
@takes_settings
@click.argument("organisation", required=False)
def release(invocation: Invocation, organisation: str | None) -> None:
    """Give the stake back when its time has come.

    To ORGANISATION, by default this one; anyone may do it.
    """
    with RegistryStation.open(invocation.settings()) as station:
        named = parse_address(organisation, who="provider") if organisation else None
        owner = named or provider_of(station)
        amount = release_stake(station, owner)
    invocation.show({"provider": owner, "released": Amount(amount)})
