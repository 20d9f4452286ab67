"""`edgemark trading status|topup|close` and `edgemark buyer run`: channels that live on."""

from __future__ import annotations

import time

import click

from edgemark.amounts import Amount
from edgemark.cli.options.amounts import SOME_MTC
from edgemark.cli.options.plain_numbers import RealRange
from edgemark.cli.options.server_settings import takes_settings_of
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.begun_ids import KindOfId, Known, find_id
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.cli.trading.buying.desks import (
    look_at_channel,
    look_at_channels,
    open_desk,
    open_to_look,
)
from edgemark.cli.trading.buying.errand import end
from edgemark.cli.trading.buying.staying import Waiting
from edgemark.identifiers import Tokens
from edgemark.loop.replay import list_keys
from edgemark.party.running import serve, telling_end
from edgemark.settings.settings import Settings
from edgemark.systems.trading.buyer.agreeing import check_top_up
from edgemark.systems.trading.buyer.buyer import Buyer
from edgemark.systems.trading.buyer.money.means import bring_in_tokens
from edgemark.systems.trading.buyer.orders.shelf import Shelf
from edgemark.systems.trading.buyer.outlook import describe
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.seller.claiming import NAME as SELLER
from edgemark.systems.trading.station.station import TradingStation
from edgemark.words import count

CHANNEL: KindOfId[ChannelId] = KindOfId("channel", 64, parse_channel_id)
COLUMNS = ("channel", "phase", "deposit", "signed", "left", "waits_for")
MOST_S = 366 * 86_400

timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=RealRange(0, 10.0 * MOST_S),
    help="Seconds at most; else as long as it takes.",
)


def find_channel(settings: Settings, typed: str) -> ChannelId:
    """The channel of this home that somebody typed, whole or begun.

    Raises:
        IdUnknown, IdAmbiguous: none of this home begins so, or several do.
        ChannelUnknown: this home never bought in it.
    """
    known = Known("this home", lambda: [each.hex() for each in look_at_channels(settings.home)])
    found = find_id(CHANNEL, typed, known)
    look_at_channel(settings.home, found)
    return found


@click.command("status")
@takes_settings
@click.argument("channel", required=False)
def status(invocation: Invocation, channel: str | None) -> int:
    """Print one channel in which this home buys, or all; its buyer may be at work.

    It says what is awaited, what was signed and paid, and when the deposit is used up. Channels in
    which this home sells are named; what stands of them on chain `edgemark trading channels` lists.
    """
    settings = invocation.settings()
    if channel is not None:
        found = find_channel(settings, channel)
        wrong = [str(path) for path in Shelf(settings.home).wrong(found)]
        invocation.show(describe(look_at_channel(settings.home, found), wrong=wrong))
        return Exit.DONE
    rows = [describe(state) for state in look_at_channels(settings.home).values()]
    sold = [key.hex() for key in list_keys(settings.home, SELLER)]
    if invocation.as_json:
        invocation.show({"channels": rows, "sold": sold})
        return Exit.DONE
    if rows or not sold:
        click.echo(in_columns(rows, COLUMNS))
    if sold:
        click.echo(f"This home sells in {count(len(sold), 'channel')}: {', '.join(sold)}")
        click.echo("Their money and deadlines: `edgemark trading channels`.")
    return Exit.DONE


@click.command("topup")
@spends()
@click.argument("channel")
@click.argument("amount", type=SOME_MTC)
@timeout_option
def top_up(spending: Spending, channel: str, amount: Tokens, timeout_s: float | None) -> int:
    """Add AMOUNT MTC to the deposit of CHANNEL, and wait until the chain has it.

    Service counts what is confirmed; what is not used comes back at the end.
    """
    invocation = spending.invocation
    settings = invocation.settings()
    found = find_channel(settings, channel)
    if spending.is_dry:
        with open_to_look(spending) as station:
            check_top_up(look_at_channel(settings.home, found), station.head().block)
            _, price = spending.rehearse(station, lambda each: bring_in_tokens(each, amount))
            spending.show_dry(price, {"channel": found.hex(), "adds": Amount(amount)})
        return Exit.DONE
    with open_desk(spending) as desk:
        check_top_up(desk.state(found), desk.station.head().block)
        later = (f"The top-up locks {Amount(amount)} more; what is not used comes back.",)
        _, price = spending.rehearse(
            desk.station, lambda each: bring_in_tokens(each, amount), later
        )
        spending.agree(price)
        wanted = desk.top_up(found, amount)
        waiting = Waiting(desk, found, _ends_at(timeout_s), invocation.as_json)
        state = waiting.until(lambda each: each.deposit >= wanted or each.is_finished)
    invocation.show(describe(state))
    return Exit.DONE


@click.command("close")
@spends()
@click.argument("channel")
@click.option("--wait/--no-wait", default=True, help="Stay until it has ended on chain.")
@timeout_option
def close(spending: Spending, channel: str, *, wait: bool, timeout_s: float | None) -> int:
    """Ask for nothing more in CHANNEL: its seller bills what is left, and ends it.

    A seller that does not is waited for; then this home closes it at what it signed.
    """
    invocation = spending.invocation
    found = find_channel(invocation.settings(), channel)
    if spending.is_dry:
        with open_to_look(spending) as station:
            spending.show_dry(spending.rehearse(station, _nothing)[1], {"channel": found.hex()})
        return Exit.DONE
    with open_desk(spending) as desk:
        later = ("Its seller ends it, and pays for that; where it does not, closing takes gas.",)
        spending.agree(spending.rehearse(desk.station, _nothing, later)[1])
        waiting = Waiting(desk, found, _ends_at(timeout_s), invocation.as_json)
        if wait:
            state = end(desk, waiting)
        else:
            desk.stop(found)
            state = desk.state(found)
        wrong = [str(path) for path in desk.shelf.wrong(found)]
    invocation.show(describe(state, wrong=wrong))
    return Exit.DONE


@click.group(cls=NamingGroup)
def buyer() -> None:
    """A buyer: stays with the channels in which this home buys."""


@buyer.command("run")
@takes_settings_of(TradingStation.SECTIONS, "buyer")
def run_buyer(invocation: Invocation) -> None:
    """Sign bills, take answers, see channels to their end; until interrupted.

    Other commands of this home ask it for what they want meanwhile. Options count for this run;
    `edgemark config set NAME VALUE` keeps a setting for all.
    """
    settings = invocation.settings()
    with telling_end("buyer"), TradingStation.open(settings) as station:
        serve(station, Buyer)


def _nothing(_: TradingStation) -> None:
    """Nothing has to be sent now."""


def _ends_at(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s
