"""`edgemark controller`: who issues the credentials of channels, and its bond."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.amounts import Amount
from edgemark.cli.options.amounts import MTC
from edgemark.cli.options.server_settings import takes_settings_of
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.cli.trading.template import FILE
from edgemark.files import read_limited
from edgemark.identifiers import Address, Moment, Timestamp, Tokens, parse_address
from edgemark.party.running import serve, telling_end
from edgemark.systems.trading.contract.evidence.controllers import Bond
from edgemark.systems.trading.controller import bonding
from edgemark.systems.trading.controller.controller import Controller
from edgemark.systems.trading.credentials.kept import FORM, KeptSettlement, read_kept
from edgemark.systems.trading.station.station import TradingStation
from edgemark.words import show_duration


@click.group(cls=NamingGroup)
def controller() -> None:
    """A controller: issues the credentials of channels that name it."""


@controller.command("run")
@takes_settings_of(bonding.ControllerStation.SECTIONS, "controller")
def run_controller(invocation: Invocation) -> None:
    """Register and bond (unless done), serve until interrupted.

    Options count for this run; `edgemark config set NAME VALUE` keeps a setting for all.
    """
    settings = invocation.settings()
    with telling_end("controller"):
        serve(bonding.open_controller(settings), Controller)


@controller.command("bond")
@spends()
@click.argument("amount", type=MTC, required=False)
def bond(spending: Spending, amount: Tokens | None) -> None:
    """Lock AMOUNT MTC more (default: what is missing); 0 renews.

    It ends any unbonding.
    """

    def act(station: TradingStation) -> None:
        found = station.controllers.bond_of(station.address)
        missing = max(0, station.controllers.bonding().min_bond - bonding.held(station, found))
        bonding.provide_bond(station, Tokens(missing) if amount is None else amount)

    def tell_later(station: TradingStation) -> list[str]:
        after = show_duration(station.controllers.bonding().unbonding_seconds)
        return [f"A bond can come back {after} after `edgemark controller unbond`."]

    spending.carry_out(TradingStation, act, _tell_bond, tell_later)


@controller.command("unbond")
@spends()
def unbond(spending: Spending) -> None:
    """Leave: parties that ask the chain name this controller no more.

    `release` gives the bond back after the unbonding time; until then it answers for whatever this
    controller ever signed.
    """

    def tell(station: TradingStation, free_at: Timestamp) -> dict[str, object]:
        return {"controller": station.address, "free_at": Moment(free_at)}

    spending.carry_out(TradingStation, bonding.unbond, tell)


@controller.command("release")
@spends()
@click.argument("account", required=False)
def release(spending: Spending, account: str | None) -> None:
    """Give a bond back when its time has come.

    To ACCOUNT, by default this one; anyone may do it.
    """
    named = parse_address(account, who="controller") if account else None

    def act(station: TradingStation) -> Tokens:
        return bonding.release_bond(station, named or station.address)

    def tell(station: TradingStation, amount: Tokens) -> dict[str, object]:
        return {"controller": named or station.address, "released": Amount(amount)}

    spending.carry_out(TradingStation, act, tell)


@controller.command("convict")
@spends()
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
def convict(spending: Spending, first: Path, second: Path) -> None:
    """Take a bond by two credentials of one index.

    The bond of the controller that signed both goes to the pool.

    FIRST and SECOND are settlement credentials as parties keep them. Anyone may do it, and gains
    nothing by it.
    """
    files = _read(first), _read(second)

    def act(station: TradingStation) -> Address:
        return bonding.convict(station, *files)

    def tell(station: TradingStation, convicted: Address) -> dict[str, object]:
        taken_at = station.controllers.bond_of(convicted).convicted_at
        said = files[0].said
        facts = {"controller": convicted, "channel": said.channel.hex()}
        return {**facts, "index": said.voucher.index, "convicted_at": Moment(taken_at)}

    spending.carry_out(TradingStation, act, tell)


def _tell_bond(station: TradingStation, _: object) -> dict[str, object]:
    found: Bond = station.controllers.bond_of(station.address)
    return {
        "controller": station.address,
        "bonded": Amount(found.amount),
        "in_standing": station.controllers.is_in_standing(station.address),
        "expires_at": Moment(found.expires_at),
    }


def _read(path: Path) -> KeptSettlement:
    return read_kept(read_limited(path, FORM.most))
