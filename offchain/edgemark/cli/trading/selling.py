"""`edgemark seller run`, and `edgemark trading claim`: a seller, and what it is owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.options.server_settings import takes_settings_of
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.begun_ids import KindOfId, Known, find_id
from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.files import find_holder
from edgemark.identifiers import Tokens
from edgemark.loop.replay import list_keys
from edgemark.party.running import serve, telling_end
from edgemark.party.wishes.asking import ask
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.seller.claiming import (
    CLAIM,
    NAME,
    Claimed,
    claim,
    draft_claims,
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
@click.argument("channels", nargs=-1, required=True)
@click.option("--close", "is_end", is_flag=True, help="End the channels as well.")
def claim_channels(spending: Spending, channels: tuple[str, ...], is_end: bool) -> None:
    """Bring what the buyers of CHANNELS signed to the chain: the seller is paid up to it.

    Each whole, or the first 6 digits or more of one of this home; up to 32 in one transaction. With
    --close they end: a seller that runs stops service, bills what is left and then claims; where
    none runs, what is signed is claimed at once, and what was not billed yet is lost.
    """
    home = spending.invocation.settings().home
    known = Known("this home's seller", lambda: [key.hex() for key in list_keys(home, NAME)])
    keys = list(dict.fromkeys(find_id(CHANNEL, each, known) for each in channels))
    if find_holder(home / f"{NAME}.journal"):
        _wish(spending, home, keys, is_end)
        return
    spending.carry_out(
        TradingStation,
        lambda station: claim(station, keys, is_end=is_end),
        lambda _, done: _together([_tell(each) for each in done]),
    )


def _wish(spending: Spending, home: Path, keys: Sequence[ChannelId], is_end: bool) -> None:
    """Have the seller that runs here do it; its price is that of the same call."""
    spending.check_can_be_asked()
    # of the others the end costs what nobody knows yet
    signed = [key for key in keys if find_sale(home, key).voucher is not None or not is_end]
    awaited = [Claimed(key, Tokens(0), is_end) for key in keys if key not in signed]
    if signed:
        with TradingStation.rehearse(spending.invocation.settings()) as station:
            call, claimed = draft_claims(station, signed, is_end=is_end)
            _, price = spending.rehearse(station, lambda each: each.lane.send(call))
        if spending.is_dry:
            spending.show_dry(price, _together([_tell(each) for each in [*claimed, *awaited]]))
            return
        spending.agree(price)
    elif spending.is_dry:
        told = _together([_tell(each) for each in awaited])
        spending.invocation.show({"dry_run": True, **told})
        return
    done = [ask(home, CLAIM, {"channel": key.hex(), "close": is_end}, WISH_S) for key in keys]
    spending.invocation.show(_together([_with_amount(each) for each in done]))


def _tell(claimed: Claimed) -> dict[str, object]:
    if claimed.is_passed_over:
        return {"channel": claimed.channel.hex(), "done": "passed over"}
    return {
        "channel": claimed.channel.hex(),
        "amount": Amount(claimed.amount),
        "done": "closed" if claimed.is_end else "paid",
    }


def _with_amount(told: Mapping[str, Any]) -> dict[str, object]:
    paid = {"amount": Amount(int(told["amount"]))} if "amount" in told else {}
    return {**told, **paid}


def _together(told: Sequence[dict[str, object]]) -> dict[str, object]:
    """What one claim came to, or each of several."""
    return told[0] if len(told) == 1 else {"channels": list(told)}
