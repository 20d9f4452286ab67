"""`edgemark trading watch|watched|dismiss|compensate`: towers of the channels of a home."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.begun_ids import KindOfId, Known, find_id
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.errors import RefusedInput
from edgemark.files import find_holder
from edgemark.identifiers import Moment, Tokens, parse_address
from edgemark.loop.replay import list_keys
from edgemark.party.wishes.asking import ask
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.seller.claiming import NAME as SELLER
from edgemark.systems.trading.seller.claiming import find_sale
from edgemark.systems.trading.seller.watching import by_hand
from edgemark.systems.trading.seller.watching.following import DISMISS, WATCH, describe_guard
from edgemark.systems.trading.station.station import TradingStation

CHANNEL: KindOfId[ChannelId] = KindOfId("channel", 64, parse_channel_id)


class SellerAtWork(RefusedInput):
    """What a command would do the seller that runs in its home does."""


@click.command("watch")
@spends()
@click.argument("channel")
@click.option("--tower", metavar="ACCOUNT", required=True, help="Who is to watch it.")
def watch(spending: Spending, channel: str, tower: str) -> None:
    """Let a tower watch CHANNEL, in the place of the one that does.

    Its retainer is moved, the newest voucher handed over, its receipt kept. A seller that runs does
    it, then and after each voucher; for all its channels where `trading.seller.tower` is set.
    """
    home = spending.invocation.settings().home
    named, key = parse_address(tower, who="--tower"), _find(home, channel)
    if not find_holder(home / f"{SELLER}.journal"):
        spending.carry_out(
            TradingStation,
            lambda station: by_hand.watch(station, key, named),
            lambda _, told: tell_guard(told),
        )
        return
    spending.check_can_be_asked()
    with TradingStation.rehearse(spending.invocation.settings()) as station:
        _, price = spending.rehearse(station, lambda each: by_hand.watch(each, key, named))
    if spending.is_dry:
        spending.show_dry(price)
        return
    spending.agree(price)
    facts = {"channel": key.hex(), "tower": named}
    spending.invocation.show(tell_guard(ask(home, WATCH, facts, by_hand.WAIT_S)))


@click.command("dismiss")
@spends()
@click.argument("channel")
def dismiss(spending: Spending, channel: str) -> None:
    """Let nobody watch CHANNEL any more.

    What a tower gave a receipt for it answers for as before; of a penalty it has nothing once the
    seller responds.
    """
    home = spending.invocation.settings().home
    key = _find(home, channel)
    if find_holder(home / f"{SELLER}.journal"):
        if spending.is_dry:
            spending.invocation.show({"dry_run": True, **_told(home, key)})
            return
        told = ask(home, DISMISS, {"channel": key.hex()}, by_hand.WAIT_S)
        spending.invocation.show(tell_guard(told))
        return

    def act(station: TradingStation) -> Mapping[str, object]:
        if station.is_rehearsed:
            return _told(home, key)
        return tell_guard(by_hand.dismiss(station, key))

    spending.carry_out(TradingStation, act, lambda _, told: told)


@click.command("watched")
@takes_settings
@click.argument("channel")
def watched(invocation: Invocation, channel: str) -> None:
    """Print who watches CHANNEL, up to which amount, or why nobody does."""
    home = invocation.settings().home
    invocation.show(_told(home, _find(home, channel)))


@click.command("compensate")
@spends()
@click.argument("channel")
def compensate(spending: Spending, channel: str) -> None:
    """Have the towers of CHANNEL pay what they did not bring.

    Of a channel that ended below a receipt. A seller that runs does it by itself.
    """
    home = spending.invocation.settings().home
    key = _find(home, channel)
    if not spending.is_dry:
        check_at_rest(home)

    def tell(_: TradingStation, due: Tokens) -> Mapping[str, object]:
        return {"channel": key.hex(), "due": Amount(due)}

    spending.carry_out(TradingStation, lambda station: by_hand.claim_covers(station, key), tell)


def check_at_rest(home: Path) -> None:
    """Check that no seller runs in a home.

    Raises:
        SellerAtWork: one does, and claims by itself.
    """
    holder = find_holder(home / f"{SELLER}.journal")
    if holder:
        raise SellerAtWork(
            "runs here and has towers pay by itself, as soon as one owes something",
            who="the seller of this home",
            had=f"process {holder}",
            remedy="`edgemark trading watched CHANNEL` says how its towers stand; stop the seller "
            "to do it by hand.",
        )


def _told(home: Path, channel: ChannelId) -> dict[str, object]:
    return tell_guard(describe_guard(channel, by_hand.find_guard(home, channel)))


def tell_guard(told: Mapping[str, Any]) -> dict[str, object]:
    """What `describe_guard` says, or a seller that runs, to show: amounts and times as such."""
    receipt, until = told["receipt"], told["receipt_until"]
    return {
        **told,
        "covered": Amount(int(told["covered"])),
        "receipt": None if receipt is None else Amount(int(receipt)),
        "receipt_until": None if until is None else Moment(int(until)),
    }


def _find(home: Path, typed: str) -> ChannelId:
    """A channel in which this home sells, whole or begun; raises `RefusedInput`."""
    known = Known("this home's seller", lambda: [key.hex() for key in list_keys(home, SELLER)])
    found = find_id(CHANNEL, typed, known)
    find_sale(home, found)
    return found
