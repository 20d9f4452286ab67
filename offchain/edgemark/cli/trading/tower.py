"""`edgemark tower`: who watches channels for their sellers, and answers for it with a bond."""

from __future__ import annotations

import click

from edgemark.amounts import Amount
from edgemark.cli.options.amounts import MTC
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.options.server_settings import takes_settings_of
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.identifiers import Address, Moment, Timestamp, Tokens, parse_address
from edgemark.party.evm.opening import open_station
from edgemark.party.running import serve, telling_end
from edgemark.systems.trading.station.contracts import WATCHTOWER
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower import bonding
from edgemark.systems.trading.tower.tower import Tower

DAY_S = 86_400
MOST_DAYS = 730  # of a lock


@click.group(cls=NamingGroup)
def tower() -> None:
    """A tower: holds states of channels, and brings them where their sellers do not."""


@tower.command("run")
@takes_settings_of(TradingStation.SECTIONS, "tower")
def run_tower(invocation: Invocation) -> None:
    """Register (unless done), serve until interrupted.

    It takes channels once `bond` and `publish` were called. Options count for this run; `edgemark
    config set NAME VALUE` keeps a setting for all.
    """
    settings = invocation.settings()
    with telling_end("tower"):
        serve(open_station(TradingStation, settings, WATCHTOWER), Tower)


@tower.command("bond")
@spends()
@click.argument("amount", type=MTC)
def bond(spending: Spending, amount: Tokens) -> None:
    """Lock AMOUNT MTC more; 0 renews.

    Of a bond, covers of channels are set aside. It ends any retirement.
    """

    def act(station: TradingStation) -> None:
        bonding.provide_bond(station, amount)

    spending.carry_out(TradingStation, act, lambda station, _: _tell(station, station.address))


@tower.command("publish")
@spends()
@click.option("--least-bond", type=MTC, required=True, help="Of a channel that it watches.")
@click.option("--retainer", type=MTC, required=True, help="For a channel, before its receipt.")
@click.option(
    "--days",
    type=WholeRange(1, MOST_DAYS),
    help="For which it watches; else as long as its bond lets it.",
)
def publish(spending: Spending, least_bond: Tokens, retainer: Tokens, days: int | None) -> None:
    """Say on chain on which terms this tower watches from now on."""

    def act(station: TradingStation) -> Timestamp:
        return bonding.publish_terms(station, least_bond, retainer, DAY_S * (days or 0))

    spending.carry_out(TradingStation, act, lambda station, _: _tell(station, station.address))


@tower.command("retire")
@spends()
def retire(spending: Spending) -> None:
    """Cover no new channels; what is covered stays watched."""
    spending.carry_out(
        TradingStation, bonding.retire, lambda station, _: _tell(station, station.address)
    )


@tower.command("release")
@spends()
@click.argument("account", required=False)
def release(spending: Spending, account: str | None) -> None:
    """Give a bond back to its tower.

    To ACCOUNT, by default this one, once it retired and covers nothing; anyone may do it.
    """
    named = parse_address(account, who="tower") if account else None

    def act(station: TradingStation) -> Tokens:
        return bonding.release_bond(station, named or station.address)

    def tell(station: TradingStation, amount: Tokens) -> dict[str, object]:
        return {"tower": named or station.address, "released": Amount(amount)}

    spending.carry_out(TradingStation, act, tell)


@tower.command("show")
@takes_settings
@click.argument("account", required=False)
def show(invocation: Invocation, account: str | None) -> None:
    """Print the terms and the bond of ACCOUNT, by default this one."""
    with TradingStation.look(invocation.settings(), may_make=account is not None) as station:
        named = parse_address(account, who="tower") if account else station.address
        invocation.show(_tell(station, named))


def _tell(station: TradingStation, account: Address) -> dict[str, object]:
    bonded, terms = station.towers.bond_of(account), station.towers.terms_of(account)
    return {
        "tower": account,
        "takes_channels": station.towers.is_watching(account),
        "bonded": Amount(bonded.amount),
        "covered": Amount(bonded.covered),
        "bond_expires_at": Moment(bonded.expires_at) if bonded.expires_at else None,
        "retired": bonded.is_retired,
        "least_bond": Amount(terms.least_bond),
        "retainer": Amount(terms.retainer),
        "watches_until": Moment(terms.until) if terms.until else None,
    }
