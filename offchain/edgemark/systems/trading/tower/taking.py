"""Which states a tower takes, and what a view of the chain tells it. Pure; every check raises.

Who hands in a state is nobody to be believed: what it says is signed, or stands on chain.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.amounts import Amount
from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.systems.trading.contract.escrow import StoredChannel
from edgemark.systems.trading.contract.records import MAX_DELEGATION, ChannelPhase, Signers
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.contract.towers.records import Cover, TowerTerms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.messages import BroughtState
from edgemark.systems.trading.tower.watch import MAX_PAIRS, TowerPhase, Watch, WatchTime


class StateRefused(RefusedInput):
    """A state that a tower does not take; the words say by which of its values."""


class StateOld(StateRefused):
    """A state below the one that is held: a lower amount, or an older delegation."""


class NotWatchedNow(StateRefused):
    """Nothing new is taken of this channel: what it is for could not be brought in time."""


class KeysTooMany(StateRefused):
    """A state under one more pair of keys than a tower keeps; all that is kept may count again."""


class ChannelUnsuitable(StateRefused):
    """A channel that this tower does not watch on its terms."""


class TimeShort(ChannelUnsuitable):
    """A channel that can end before a tower has brought what counts; see `Terms.shortest_s`."""


@dataclass(frozen=True)
class TowerView:
    """What the chain shows of a channel and of what is set aside for it, in one block."""

    stored: StoredChannel
    cover: Cover


def check_number(number: int) -> None:
    """Check the number of a delegation; raises `StateRefused`."""
    if not 1 <= number <= MAX_DELEGATION:
        needed = f"1..{MAX_DELEGATION}"
        raise StateRefused("number of no delegation", who="state", had=number, needed=needed)


def hold(
    brought: BroughtState, channel: ChannelId, signers: Signers, domain: EscrowDomain, me: Address
) -> on.HeldState:
    """A state whose signatures are those of the keys in force.

    Args:
        brought: by anybody.
        channel: that its terms open.
        signers: in force on chain.
        domain: of the escrow.
        me: the tower's account.

    Raises:
        BadSignature: the payer, or the seller, did not sign the voucher; or the seller did not
            delegate this channel to this tower under this number.
        StateRefused: the number is none.
    """
    check_number(brought.number)
    digest = domain.voucher(channel, brought.voucher.voucher)
    check_signature(digest, brought.voucher.payer_signature, signers.payer_key)
    check_signature(digest, brought.voucher.seller_signature, signers.seller_key)
    delegated = domain.delegation(channel, me, brought.number)
    check_signature(delegated, brought.delegation, signers.seller_key)
    keys = (signers.payer_key, signers.seller_key)
    return on.HeldState(brought.voucher, *keys, brought.number, brought.delegation)


def check_newer(watch: Watch, held: on.HeldState) -> bool:
    """Whether a state is newer than the one that is held; False: it is the same, and holds.

    Raises:
        StateOld: it is below it.
        KeysTooMany: it is under other keys than all that is held, and none of that is spare.
        NotWatchedNow: a window runs, the channel ended, or `close_by` is near, and there is no
            receipt of as much.
    """
    had, number = watch.under(held.keys), watch.newest_number
    least = had.amount if had else Tokens(0)
    if held.number < number or held.amount < least:
        raise StateOld(
            "is below the state that is held",
            who="state",
            had=f"{Amount(held.amount)}, delegation {held.number}",
            needed=f"at least {Amount(least)} and {number}",
        )
    is_more = had is None or held.amount > least
    is_open = watch.phase in (TowerPhase.COVERING, TowerPhase.WATCHING)
    is_new = had is None or is_more or not had.receipt  # never promised: maybe too late to bring
    if had is None and len(watch.held) >= MAX_PAIRS and watch.spare is None:
        raise KeysTooMany(
            "is under more keys than are kept of a channel",
            who="state",
            had=MAX_PAIRS,
            needed="keys of which something is held, or some of that paid",
            remedy="Bring what is signed to the chain: what is paid takes no place.",
        )
    if is_open and not (is_new and watch.is_over(WatchTime.MARGIN)):
        return is_more or held.number > number
    if not is_new:
        return False
    raise NotWatchedNow(
        "nothing new is taken of this channel",
        who="state",
        had=watch.phase.value if not is_open else "`close_by` is near",
        needed="an open channel, before the margin",
        remedy="Bring it to the chain yourself.",
    )


def check_suitable(
    terms: Terms,
    stored: StoredChannel,
    offered: TowerTerms,
    lock_expiry: int,
    now: int,
    margin: int,
    bringing_s: int,
) -> None:
    """Check that a channel is one that this tower watches on its terms.

    Args:
        terms: of the channel.
        stored: what the chain keeps of it.
        offered: what the tower has published.
        lock_expiry: of the channel: the tower watches until then.
        now: chain time.
        margin: before `close_by`, seconds.
        bringing_s: seconds until the tower has seen what stands on chain, and answered it. With
            the margin it is left everywhere, so every key and deposit is seen to be final before
            anything is brought within the margin.

    Raises:
        TimeShort: it could be closed, or its keys and deposit change, when it is too late for the
            tower to bring what counts then.
        ChannelUnsuitable: it is not open, its bond is too small, or it lasts too long or not at
            all.
    """

    def need(what: str, had: object, needed: object, is_so: bool) -> None:
        if not is_so:
            raise ChannelUnsuitable(what, who="channel", had=had, needed=needed)

    is_open = stored.phase is ChannelPhase.OPEN
    need("is not open", stored.phase.name.lower(), "an open one", is_open)
    least = f"at least {Amount(offered.least_bond)}"
    need("its bond is too small", Amount(terms.bond), least, terms.bond >= offered.least_bond)
    until = f"{offered.until} at most"
    need("its lock expires too late", lock_expiry, until, lock_expiry <= offered.until)
    check_times(terms, lock_expiry, margin + bringing_s)
    last = terms.close_by - margin
    need("it ends too soon", f"{last - now} s", "> 0 s before the margin", now < last)


def check_times(terms: Terms, lock_expiry: int, least_s: int) -> None:
    """Check that a channel leaves time to bring what counts; raises `TimeShort`.

    Args:
        terms: of the channel.
        lock_expiry: of its lock.
        least_s: seconds that a tower needs: its margin, and until it has answered what it sees.
    """
    shortest = terms.shortest_s(lock_expiry - terms.close_by - 2 * terms.window)
    if shortest < least_s:
        raise TimeShort(
            "leaves too little time, in a window, to close, or to settle",
            who="channel",
            had=f"{shortest} s",
            needed=f">= {least_s} s",
        )


def observe_as_tower(watch: Watch, view: TowerView) -> list[on.TowerEvent]:
    """What a view of the chain tells a tower that it has not heard yet."""
    if watch.promise is None or watch.phase is TowerPhase.RELEASED:
        return []
    stored, found = view.stored, list[on.TowerEvent]()
    if not watch.covered and view.cover.amount and not watch.is_finished:
        found.append(on.SawCovered(min(view.cover.amount, watch.promise.cover)))
    if watch.has_ended or watch.phase is TowerPhase.ENDED:
        is_free = watch.covered and not view.cover.amount
        return [on.SawUncovered()] if is_free else found
    if watch.closed_by is ChannelPhase.NONE and stored.phase in _DEPOSITED:
        deposit = stored.deposit(watch.promise.terms.bond)
        if (watch.deposit, watch.paid) != (deposit, stored.paid):
            found.append(on.SawFunds(deposit, stored.paid))
        if watch.signers != stored.signers:
            found.append(on.SawSigners(stored.signers))
    if stored.phase.is_closing:
        found += _observe_window(watch, stored)
    if stored.phase is ChannelPhase.ENDED:
        found.append(on.SawOver(stored.paid, stored.locked, stored.deadline))
    return found


_DEPOSITED = tuple(each for each in ChannelPhase if each is ChannelPhase.OPEN or each.is_closing)


def _observe_window(watch: Watch, stored: StoredChannel) -> list[on.TowerEvent]:
    found: list[on.TowerEvent] = []
    counted = Tokens(stored.counted)
    if watch.closed_by is ChannelPhase.NONE:
        found.append(on.SawWindow(stored.phase, counted, Timestamp(stored.deadline)))
    had = (watch.counted, watch.number, watch.is_answered) if not found else (counted, 0, False)
    if had != (counted, stored.number, stored.is_answered):
        found.append(on.SawResponse(counted, stored.number, stored.is_answered))
    return found
