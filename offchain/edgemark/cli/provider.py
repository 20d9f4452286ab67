"""`edgemark provider`: an organisation that runs servers."""

from __future__ import annotations

import click

from edgemark.amounts import Amount
from edgemark.cli.options.amounts import MTC
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.stations import RegistryStation
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.identifiers import Moment, Timestamp, Tokens, parse_address
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
from edgemark.party.evm.station import EvmStation
from edgemark.words import show_duration


@click.group(cls=NamingGroup)
def provider() -> None:
    """An organisation: it registers once, brings its stake, and admits its servers."""


@provider.command("register")
@spends()
@click.argument("name")
def register(spending: Spending, name: str) -> None:
    """Register this home's account as the organisation NAME.

    A name stays what it is.
    """

    def tell(station: EvmStation, changed: bool) -> dict[str, object]:
        return {"provider": provider_of(station), "name": name, "changed": changed}

    spending.carry_out(RegistryStation, lambda station: join_as_provider(station, name), tell)


@provider.command("admit")
@spends()
@click.argument("account")
def admit(spending: Spending, account: str) -> None:
    """Let ACCOUNT register as a server of this organisation.

    One that was dismissed before takes new work only after the deployment's pause.
    """
    admitted = parse_address(account, who="account")

    def tell(station: EvmStation, changed: bool) -> dict[str, object]:
        organisation = provider_of(station)
        counts_from = Moment(station.registry.admitted_from(organisation, admitted))
        facts = {"provider": organisation, "admitted": admitted, "counts_from": counts_from}
        return {**facts, "changed": changed}

    spending.carry_out(RegistryStation, lambda station: admit_server(station, admitted), tell)


@provider.command("dismiss")
@spends()
@click.argument("account")
def dismiss(spending: Spending, account: str) -> None:
    """Let ACCOUNT take no new work; it ends what it has."""
    dismissed = parse_address(account, who="account")

    def tell(station: EvmStation, _: None) -> dict[str, object]:
        return {"provider": provider_of(station), "dismissed": dismissed}

    spending.carry_out(RegistryStation, lambda station: dismiss_server(station, dismissed), tell)


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
@spends()
@click.argument("amount", type=MTC, required=False)
def stake(spending: Spending, amount: Tokens | None) -> None:
    """Lock AMOUNT MTC more (default: what is missing); 0 renews.

    It ends any unbonding. A stake that has counted before and stopped counts again after the
    deployment's pause.
    """

    def act(station: EvmStation) -> None:
        held = held_stake(station, provider_of(station))
        missing = max(0, station.registry.min_stake() - held)
        provide_stake(station, missing if amount is None else amount)

    def tell(station: EvmStation, _: None) -> dict[str, object]:
        organisation, registry = provider_of(station), station.registry
        return {
            "provider": organisation,
            "counts": Amount(registry.active_stake(organisation)),
            "counts_from": Moment(registry.stake_of(organisation).counts_from),
        }

    def tell_later(station: EvmStation) -> list[str]:
        unbonding_s = station.deployment.group(BaseContracts).staking.unbonding_seconds
        after = f"{show_duration(unbonding_s)} after `edgemark provider unstake`"
        return [f"A stake can come back earlier, {after}."]

    spending.carry_out(RegistryStation, act, tell, tell_later)


@provider.command("unstake")
@spends()
def leave(spending: Spending) -> None:
    """Take no new work for the stake.

    `release` gives it back after the unbonding time.
    """

    def tell(station: EvmStation, free_at: Timestamp) -> dict[str, object]:
        return {"provider": provider_of(station), "free_at": Moment(free_at)}

    spending.carry_out(RegistryStation, unstake, tell)


@provider.command("release")
@spends()
@click.argument("organisation", required=False)
def release(spending: Spending, organisation: str | None) -> None:
    """Give the stake back when its time has come.

    To ORGANISATION, by default this one; anyone may do it.
    """
    named = parse_address(organisation, who="provider") if organisation else None

    def act(station: EvmStation) -> Tokens:
        return release_stake(station, named or provider_of(station))

    def tell(station: EvmStation, amount: Tokens) -> dict[str, object]:
        return {"provider": named or provider_of(station), "released": Amount(amount)}

    spending.carry_out(RegistryStation, act, tell)
