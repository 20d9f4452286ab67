"""What a tower is paid for watching a channel: once, where the channel suits it, and in time."""

from __future__ import annotations

from dataclasses import replace

from edgemark.amounts import Amount
from edgemark.identifiers import NO_HASH, Tokens
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import TryAgain
from edgemark.systems.trading.contract.escrow import StoredChannel
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.towers.records import TowerTerms
from edgemark.systems.trading.seller.watching import events as on
from edgemark.systems.trading.seller.watching.events import Unwatched
from edgemark.systems.trading.seller.watching.guard import Guard
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower.messages import (
    LEAST_CLOSE,
    MAX_COVER,
    MAX_STATUS_BYTES,
    PLACES_LEFT,
    PROMISED,
    RETAINER_S,
    STATUS,
)
from edgemark.transport.faults import PeerRefused, from_peer
from edgemark.untrusted.fields import parse_json


class TowerUnsuitable(TryAgain):
    """A tower that does not watch this channel as things are; `why` says it."""

    why: Unwatched = Unwatched.TAKES_NONE


def draft_retainer(
    station: TradingStation, asked: on.AskedWatch, most: Tokens, spent: int = 0
) -> Call | None:
    """The call that moves a tower's retainer, once a channel and tower; None: it asks none.

    One that was begun is joined, under way or final, whatever became of channel, tower and balance
    meanwhile: it is paid. Where a node refused it, it goes out again with what is asked by then,
    `most` at most.

    Args:
        station: of the seller.
        asked: channel and tower.
        most: that is paid for one channel.
        spent: retainers of this channel that this tower had in vain; the next one is another.

    Raises:
        TowerUnsuitable: the tower does not watch such a channel, or asks more than is paid, or
            than there is.
    """
    tower, accounts = asked.tower, station.accounts
    offered = station.towers.terms_of(tower)
    key = b"retainer of " + asked.channel + bytes.fromhex(tower[2:])
    if spent:
        key += b" after %d" % spent
    call = replace(accounts.move(tower, Tokens(min(offered.retainer, most))), key=key)
    if station.lane.was_begun(call):
        return call
    stored = _check_channel(station, asked)
    _check_terms(station, asked, offered, most)
    _check_status(station, asked, stored)
    if not offered.retainer:
        return None
    free = accounts.free_balance(station.address)
    if free < offered.retainer:
        had, needed = Amount(free), Amount(offered.retainer)
        raise unsuitable(Unwatched.NO_TOKENS, "free balance is too low", had, needed)
    return call


def _check_channel(station: TradingStation, asked: on.AskedWatch) -> StoredChannel:
    """What the chain keeps of the channel, where a tower may take it up; as `check_suitable`."""
    stored = station.escrow.channel(asked.terms)
    if stored.phase is not ChannelPhase.OPEN:
        had = stored.phase.name.lower()
        raise unsuitable(Unwatched.ENDING, "the channel is not open", had, "an open one")
    if (key := stored.signers.seller_key) != station.address:
        needed = f"{station.address}, which signs who watches"
        raise unsuitable(Unwatched.KEY_CHANGED, "another key signs for the seller", key, needed)
    return stored


def _check_terms(
    station: TradingStation, asked: on.AskedWatch, offered: TowerTerms, most: Tokens
) -> None:
    tower, terms = asked.tower, asked.terms
    if not station.towers.is_watching(tower):
        raise unsuitable(Unwatched.TAKES_NONE, "takes no channels", tower, "a bond and terms")
    if terms.bond < offered.least_bond:
        had, needed = Amount(terms.bond), Amount(offered.least_bond)
        raise unsuitable(Unwatched.BOND_SMALL, "the channel's bond is too small", had, needed)
    if offered.until < asked.lock_expiry:
        until = (offered.until, asked.lock_expiry)
        raise unsuitable(Unwatched.TIME_SHORT, "does not watch for so long", *until)
    if offered.retainer > most:
        had, limit = Amount(offered.retainer), f"<= {Amount(most)}"
        raise unsuitable(Unwatched.TOO_DEAR, "retainer is too high", had, limit)


def _check_status(station: TradingStation, asked: on.AskedWatch, stored: StoredChannel) -> None:
    """Check what a tower says of itself: its times, its places, and what of its bond it can give.

    It is asked before its retainer is paid, so none is paid to a tower that is not there. What is
    said here costs who believes it one retainer at most.

    Raises:
        PeerFault: it does not answer, or with what is no status of a tower.
    """
    tower, terms = asked.tower, asked.terms
    raw = station.ask(tower, STATUS, b"", most=MAX_STATUS_BYTES, method="GET")
    with from_peer(tower):
        said = parse_json(raw, who="status of a tower")
        least, places = said.whole(LEAST_CLOSE), said.whole(PLACES_LEFT)
        max_cover, promised = said.whole(MAX_COVER), said.whole(PROMISED)
    shortest = terms.shortest_s(station.decided.limits.exit_grace)
    if shortest < least:
        had_s, needed_s = f"{shortest} s", f"window, time to close and to settle >= {least} s"
        raise unsuitable(Unwatched.CLOSE_SHORT, "is closed too soon for it", had_s, needed_s)
    if (left := terms.close_by - station.clock()) <= least:
        had_s, needed_s = f"{left} s", f"> {least} s until it has to be closed"
        raise unsuitable(Unwatched.ENDING, "the channel ends too soon for it", had_s, needed_s)
    if places < 1:
        raise unsuitable(Unwatched.PLACES_TAKEN, "has no place left", places, "one")
    wanted = Tokens(min(stored.deposit(terms.bond) - stored.paid, max_cover))
    free = Tokens(max(0, station.towers.bond_of(tower).free - max(0, promised)))
    if not 0 < wanted <= free:
        had, needed = Amount(free), Amount(max(1, wanted))
        raise unsuitable(Unwatched.BOND_TAKEN, "has too little of its bond left", had, needed)


def is_in_vain(station: TradingStation, guard: Guard, refused: PeerRefused) -> bool:
    """Whether a tower refuses a first state for good, as its retainer is older than it takes."""
    if refused.retry_after_s or guard.retainer == NO_HASH or guard.receipt is not None:
        return False
    (found,) = station.chain.mined([guard.retainer])
    return station.clock() - station.time_of(found.receipt.block_number) > RETAINER_S


def unsuitable(why: Unwatched, what: str, had: object, needed: object) -> TowerUnsuitable:
    """The same as an error, which is tried again."""
    error = TowerUnsuitable(what, who="tower", had=had, needed=needed)
    error.why, error.after_s = why, 10.0
    return error
