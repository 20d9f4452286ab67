"""One channel from the first word about its end to the last; the twin of `Closings.sol`. Pure.

Rule 1: a window is never restarted, and none outlives the lock.
Rule 2: whoever closed below a larger amount that is shown pays for it, with a voucher or without:
        with two tariffs a cheat would always close without one.
Rule 3: the penalty goes to the tower of the victim's newest delegation, else to the victim, never
        to a sender as such.
"""

from __future__ import annotations

from dataclasses import replace

from edgemark.identifiers import NO_TIME, NOBODY, Address, Timestamp
from edgemark.systems.trading.contract.amounts import Division, End, divide
from edgemark.systems.trading.contract.channel import (
    Channel,
    check_above,
    check_both,
    check_open,
    check_outside,
    check_signer,
)
from edgemark.systems.trading.contract.records import (
    MAX_DELEGATION,
    ChannelEnding,
    ChannelPhase,
    Delegation,
    Said,
)
from edgemark.systems.trading.contract.terms import (
    ChannelRefused,
    check_after,
    check_by,
    check_within,
)


def close_together(
    channel: Channel, amount: int, now: int, valid_until: int, said: Said
) -> Channel:
    """End at the amount that both said last.

    Raises:
        ChannelRefused: one did not say so, or the amount is outside what is possible.
    """
    check_open(channel, now, channel.terms.close_by)
    check_by(now, valid_until)
    check_both(channel, said)
    check_outside(channel, amount)
    return _end(channel, amount, ChannelEnding.TOGETHER)


def close(channel: Channel, amount: int, now: int, said: Said) -> Channel:
    """Close with a voucher: at once by the seller, by the payer with a window W.

    Raises:
        ChannelRefused: neither party sends it, or the seller without the payer's signature.
    """
    check_open(channel, now, channel.terms.close_by)
    counted = max(channel.worth(amount), channel.paid)
    if said.sender == channel.terms.payer:
        phase = ChannelPhase.CLOSING_BY_PAYER
        return _begin_window(channel, phase, counted, now + channel.terms.window)
    if said.sender != channel.terms.seller:
        raise ChannelRefused("NotAParty", channel=channel.id, caller=said.sender)
    check_signer(channel.id, said.payer_signer, channel.signers.payer_key)
    return _end(channel, counted, ChannelEnding.CLAIMED)


def close_bare(channel: Channel, now: int, sender: Address) -> Channel:
    """Close without a voucher: what is paid counts, and the window is 2 W.

    Raises:
        ChannelRefused: neither party sends it, and `expires_at` has not passed.
    """
    check_open(channel, now, channel.terms.close_by)
    phase = ChannelPhase.CLOSING_BY_OTHER
    if sender == channel.terms.payer:
        phase = ChannelPhase.CLOSING_BY_PAYER
    elif sender == channel.terms.seller:
        phase = ChannelPhase.CLOSING_BY_SELLER
    else:
        check_after(now, channel.terms.expires_at)
    return _begin_window(channel, phase, channel.paid, now + 2 * channel.terms.window)


def _begin_window(channel: Channel, phase: ChannelPhase, amount: int, deadline: int) -> Channel:
    shown = amount if amount > channel.paid else 0
    return replace(channel, phase=phase, shown=shown, deadline=Timestamp(deadline))


def respond(
    channel: Channel, amount: int, now: int, payer_signer: Address, delegation: Delegation | None
) -> Channel:
    """Show a larger amount that the payer signed, or for the same one a newer delegation.

    Raises:
        ChannelRefused: no window runs, neither is shown, or another signed.
    """
    _check_closing(channel)
    check_by(now, channel.deadline)
    worth, shown = channel.worth(amount), channel.counted
    newer = delegation is not None and delegation.number > channel.number
    if worth == shown and delegation is not None:
        if not newer:
            known = {"had": delegation.number, "newest": channel.number}
            raise ChannelRefused("DelegationOld", channel=channel.id, **known)
    else:
        check_above(channel, worth, shown)
    check_signer(channel.id, payer_signer, channel.signers.payer_key)
    if worth > shown:
        channel = replace(channel, shown=worth, is_answered=True)
    if delegation is not None and newer:
        channel = _take_delegation(channel, delegation)
    return channel


def _take_delegation(channel: Channel, delegation: Delegation) -> Channel:
    check_within("number", delegation.number, 1, MAX_DELEGATION)
    by_seller = channel.phase is ChannelPhase.CLOSING_BY_SELLER
    victim = channel.signers.payer_key if by_seller else channel.signers.seller_key
    check_signer(channel.id, delegation.signer, victim)
    return replace(channel, tower=delegation.tower, number=delegation.number)


def settle(channel: Channel, now: int) -> Channel:
    """End after the window, at the largest amount shown.

    Raises:
        ChannelRefused: no window was there, it is not over, or the lock has expired.
    """
    _check_closing(channel)
    check_after(now, channel.deadline)
    check_by(now, channel.lock_expiry)
    return _end(channel, channel.counted, ChannelEnding.SETTLED)


def end_unclosed(channel: Channel, now: int) -> Channel:
    """End what nobody closed by `close_by`, or did not end before the lock expired.

    Raises:
        ChannelRefused: it ended, a window is there, or it may still be closed.
    """
    if now > channel.lock_expiry and channel.phase is not ChannelPhase.ENDED:
        end = End(ChannelEnding.LAPSED, channel.paid, Division(0, 0))
        return _ended(channel, end, channel.lock_expiry)
    check_open(channel, now, now)
    check_after(now, channel.terms.close_by)
    return _end(channel, channel.paid, ChannelEnding.UNCLOSED)


def _check_closing(channel: Channel) -> None:
    if not channel.phase.is_closing:
        raise ChannelRefused("ChannelNotClosing", channel=channel.id, had=int(channel.phase))


def _end(channel: Channel, amount: int, ending: ChannelEnding) -> Channel:
    terms = channel.terms
    division = divide(
        channel.locked,
        amount - channel.paid,
        terms.bond,
        channel.phase,
        is_answered=channel.is_answered,
    )
    to = NOBODY
    if channel.is_answered and channel.phase is ChannelPhase.CLOSING_BY_PAYER:
        to = terms.seller if channel.tower == NOBODY else channel.tower
    elif channel.is_answered and channel.phase is ChannelPhase.CLOSING_BY_SELLER:
        to = terms.payer if channel.tower == NOBODY else channel.tower
    last_second = terms.close_by if ending is ChannelEnding.UNCLOSED else channel.deadline
    return _ended(channel, End(ending, amount, division, to), last_second)


def _ended(channel: Channel, end: End, last_second: Timestamp) -> Channel:
    by_seller = channel.phase is ChannelPhase.CLOSING_BY_SELLER
    return replace(
        channel,
        phase=ChannelPhase.ENDED,
        locked=channel.deposit - end.amount,
        paid=end.amount,
        deadline=NO_TIME if by_seller else last_second,
        shown=0,
        is_answered=False,
        tower=NOBODY,
        number=0,
        end=end,
    )
