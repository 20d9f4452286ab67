"""`edgemark seller run`, and `edgemark trading claim`: a seller, and what it is owed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from edgemark.amounts import Amount
from edgemark.cli.options.server_settings import takes_settings_of
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.begun_ids import KindOfId, Known, find_id
from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.files import find_holder
from edgemark.loop.replay import list_keys
from edgemark.party.running import serve, telling_end
from edgemark.party.wishes.asking import ask
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.seller.claiming import (
    CLAIM,
    NAME,
    Claimed,
    claim,
    draft_claim,
    find_sale,
    open_seller_station,
)
from edgemark.systems.trading.seller.seller import Seller
from edgemark.systems.trading.station.station import TradingStation

WISH_S = 60.0  # for the seller to take a wish, and to send
CHANNEL: KindOfId[ChannelId] = KindOfId("channel", 64, parse_channel_id)


@click.group(cls=NamingGroup)
def seller() -> None:
    """A seller: works for buyers, who pay as it goes."""


@seller.command("run")
@takes_settings_of(TradingStation.SECTIONS, "seller")
def run_seller(invocation: Invocation) -> None:
    """Announce its place (unless done), serve until interrupted.

    Its place stands in its DID document, what is sold in an offer, or a template:
    `--trading-seller-offer ID`. Options count for this run; `edgemark config set NAME VALUE` keeps
    a setting for all.
    """
    settings = invocation.settings()
    with telling_end("seller"):
        serve(open_seller_station(settings), Seller)


@click.command("claim")
@spends()
@click.argument("channel")
@click.option("--close", "is_end", is_flag=True, help="End the channel as well.")
def claim_channel(spending: Spending, channel: str, is_end: bool) -> None:
    """Bring what the buyer of CHANNEL signed to the chain: the seller is paid up to it.

    Whole, or the first 6 digits or more of one of this home. With --close the channel ends: a
    seller that runs stops service, bills what is left and then claims; where none runs, what is
    signed is claimed at once, and what was not billed yet is lost.
    """
    home = spending.invocation.settings().home
    known = Known("this home's seller", lambda: [key.hex() for key in list_keys(home, NAME)])
    key = find_id(CHANNEL, channel, known)
    if find_holder(home / f"{NAME}.journal"):
        _wish(spending, home, key, is_end)
        return
    spending.carry_out(
        TradingStation,
        lambda station: claim(station, key, is_end=is_end),
        lambda _, done: _tell(done),
    )


def _wish(spending: Spending, home: Path, channel: ChannelId, is_end: bool) -> None:
    """Have the seller that runs here do it; its price is that of the same call."""
    spending.check_can_be_asked()
    sale = find_sale(home, channel)
    if sale.voucher is not None or not is_end:  # else its end costs what nobody knows yet
        with TradingStation.rehearse(spending.invocation.settings()) as station:
            call, amount = draft_claim(station, sale, is_end=is_end)
            _, price = spending.rehearse(station, lambda each: each.lane.send(call))
        if spending.is_dry:
            spending.show_dry(price, _tell(Claimed(channel, amount, is_end)))
            return
        spending.agree(price)
    elif spending.is_dry:
        spending.invocation.show({"dry_run": True, "channel": channel.hex(), "signed": Amount(0)})
        return
    facts = {"channel": channel.hex(), "close": is_end}
    told = ask(home, CLAIM, facts, WISH_S)
    paid = {"amount": Amount(int(told["amount"]))} if "amount" in told else {}
    spending.invocation.show({**told, **paid})


def _tell(claimed: Claimed) -> Mapping[str, object]:
    return {
        "channel": claimed.channel.hex(),
        "amount": Amount(claimed.amount),
        "done": "closed" if claimed.is_end else "paid",
    }
