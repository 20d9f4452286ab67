"""What a command does about towers in a seller's home: while the seller runs it only looks.

A seller that runs asks its towers, hands states over and claims by itself; these are for a home in
which none does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Tokens
from edgemark.loop.replay import look_up
from edgemark.party.evm.joining import send_as_asked
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.seller.claiming import find_sale
from edgemark.systems.trading.seller.watching.events import Unwatched
from edgemark.systems.trading.seller.watching.following import describe_guard
from edgemark.systems.trading.seller.watching.guard import Guard, GuardMachine
from edgemark.systems.trading.seller.watching.retaining import TowerUnsuitable, draft_retainer
from edgemark.systems.trading.seller.watching.watching import (
    NAME,
    Watching,
    ask_for,
    draft_claim,
)
from edgemark.systems.trading.settings import SellerSettings
from edgemark.systems.trading.station.station import TradingStation
from edgemark.words import count

WAIT_S = 60.0  # for a retainer, a cover and a receipt
LOOK_S = 0.2
_PASSING = (Unwatched.AWAITED, Unwatched.UNREACHABLE)


class NothingOwed(RefusedInput):
    """No tower owes this seller anything for a channel, as the chain stands now."""


class TowerRefused(RefusedInput):
    """The account that was named is no tower, or none that watches such a channel."""


def find_guard(home: Path, channel: ChannelId) -> Guard | None:
    """What the seller of a home remembers of who watches, whether it runs or not.

    Raises:
        Unrecoverable: its journal is damaged.
    """
    found: Guard | None = look_up(home, NAME, GuardMachine(), channel)
    return None if found is None or found.asked is None else found


def watch(station: TradingStation, channel: ChannelId, tower: Address) -> Mapping[str, object]:
    """Let a tower watch a channel, and wait for its receipt; no seller runs here.

    In a rehearsal it is only looked whether the tower suits, and what its retainer costs.

    Raises:
        RefusedInput: the seller knows of no such channel.
        TowerRefused: of a rehearsal; it does not watch this channel.
    """
    sale, most = find_sale(station.home, channel), station.settings.of(SellerSettings)
    terms = sale.known.terms
    if station.is_rehearsed:
        asked = ask_for(station, terms, tower)
        try:
            call = draft_retainer(station, asked, most.max_retainer)
        except TowerUnsuitable as error:
            raise _refused(error, tower) from error
        if call is not None:
            station.lane.send(call)
        return describe_guard(channel, None)
    with Watching(station, most.max_retainer, is_alone=True) as watching:
        watching.start()
        watching.watch(terms, tower)
        watching.note_signed(channel, sale.shown)
        ends_at = time.monotonic() + WAIT_S
        passing = (*_PASSING, *(() if sale.shown is None else (Unwatched.NO_VOUCHER,)))
        while watching.why(channel) in passing and time.monotonic() < ends_at:
            time.sleep(LOOK_S)
        return describe_guard(channel, watching.guard(channel))


def _refused(error: TowerUnsuitable, tower: Address) -> TowerRefused:
    """A loop asks such a tower again later; who names one by hand has to name another."""
    return TowerRefused(
        error.what,
        who=f"tower {tower}",
        had=error.had if error.had != tower else error.why.name.lower(),
        needed=error.needed,
        remedy="`edgemark tower show ACCOUNT` tells its terms; name another, or see that it suits.",
    )


def dismiss(station: TradingStation, channel: ChannelId) -> Mapping[str, object]:
    """Let nobody watch any more; no seller runs here.

    Raises:
        NotWatched: nobody is to.
    """
    with Watching(station, Tokens(0)) as watching:
        watching.start()
        return describe_guard(channel, watching.dismiss(channel))


def claim_covers(station: TradingStation, channel: ChannelId) -> Tokens:
    """Have every tower of a channel pay what it owes; answers how much that is.

    Raises:
        NothingOwed: none owes anything: the channel has not ended, or above all receipts, or the
            time for claims is over.
        RefusedInput: the contract refuses it.
    """
    guard, total = find_guard(station.home, channel), 0
    towers = dict.fromkeys(each.tower for each in guard.receipts) if guard else {}
    for tower in towers:
        said = draft_claim(station, guard, tower) if guard else None
        if said is not None:
            had = station.towers.cover_of(tower, channel).amount
            send_as_asked(station, station.towers.claim(said), "See `edgemark trading channels`.")
            left = station.towers.cover_of(tower, channel).amount
            total += said.receipt.amount if station.is_rehearsed else had - left
    if not total:
        raise NothingOwed(
            "no tower owes anything for it now",
            who=f"channel {channel.hex()}",
            had=f"{count(len(towers), 'tower')} with receipts",
            needed=f"an end below a receipt, by no word of the seller; {Amount(0)} is due",
        )
    return Tokens(total)
