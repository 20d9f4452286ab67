"""How a channel stands for its buyer: what is awaited, what it cost, how long the deposit lasts.

Pure: whoever has the state and the credential gets the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import NO_TIME, NOBODY, Moment, Tokens, format_time
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Reason
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.templates.allowance import Outlook, compute_outlook
from edgemark.words import count

REASONS = {
    Reason.NONE: "it goes on",
    Reason.ASKED_BY_BUYER: "its user closed it",
    Reason.ASKED_BY_SELLER: "the seller closed it",
    Reason.EXPIRED: "the time of service is over",
    Reason.OVERDRAWN: "the deposit was used up, and no more came",
    Reason.VOUCHER_LATE: "the seller waited too long for a voucher",
    Reason.PROPOSAL_WRONG: "the seller signed a bill that can never be right",
    Reason.CONTROLLER_LOST: "the controller is gone, and the other party named no next one",
    Reason.DISK_LOST: "this home's disk was lost",
    Reason.CLOSED_BY_BUYER: "closed on chain by the buyer",
    Reason.CLOSED_BY_SELLER: "closed on chain by the seller",
    Reason.CLOSED_BY_OTHER: "closed on chain by somebody else, after its time",
    Reason.NOBODY_CLOSED: "nobody closed it in time",
    Reason.NEVER_OPENED: "it was never opened",
    Reason.OPENING_REFUSED: "the contract refused the opening",
    Reason.CLOSED_TOGETHER: "both signed the end",
}


class ChannelUnknown(RefusedInput):
    """This home never bought in such a channel."""


def require_known(state: Purchase | None, channel: ChannelId) -> Purchase:
    """What a home remembers of a channel.

    Raises:
        ChannelUnknown: nothing.
    """
    if state is None or state.agreement is None:
        raise ChannelUnknown(
            "is unknown here",
            who=f"channel {channel.hex()}",
            remedy="Use the home folder that bought in it; `status` lists its channels.",
        )
    return state


def find_awaited(state: Purchase) -> str:  # noqa: PLR0911 - one line a phase
    """What a channel waits for, in words."""
    match state.phase:
        case BuyerPhase.UNKNOWN | BuyerPhase.AGREED:
            return "the opening, on chain"
        case BuyerPhase.RECOVERING:
            return "what the chain has of it"
        case BuyerPhase.BUYING:
            return _awaited_buying(state)
        case BuyerPhase.STOPPED:
            return _awaited_stopped(state)
        case BuyerPhase.CLOSING:
            return "the chain, to close it"
        case BuyerPhase.WINDOW:
            return f"the window, which ends {format_time(state.deadline)}"
        case BuyerPhase.ENDED | BuyerPhase.DROPPED:
            return "nothing"
        case _:
            assert_never(state.phase)


def _awaited_buying(state: Purchase) -> str:  # noqa: PLR0911 - one line each
    if state.blocks_stopped:
        return "new blocks"
    if state.next_controller != NOBODY:
        return "the seller's word for the next controller, or the chain"
    if state.broker_away:
        return "its broker"
    if state.asking is not None:
        return "the seller's word for deposit that goes back, or the chain"
    if state.wanted_deposit > state.deposit:
        return "a top-up, on chain"
    if state.requests:
        return f"{count(len(state.requests), 'answer')} of the seller"
    return f"orders of its user: `edgemark trading buy --in {state.known.channel.hex()[:16]}`"


def _awaited_stopped(state: Purchase) -> str:
    close_by = format_time(state.known.terms.close_by)
    if state.is_lost:
        return f"the seller's word for the end, else close_by, {close_by}"
    if not state.is_returned:
        return "the seller, to take the last voucher"
    return "the seller, to end it on chain"


@dataclass(frozen=True)
class Standing:
    """What a channel comes to, smallest units.

    Attributes:
        deposit: confirmed on chain.
        signed: all that this buyer signed.
        paid: what its seller has of the channel, on chain, the end included.
        left: of the deposit, not signed away; nothing once it is over.
        outlook: when it is used up; None once nothing more is bought, and where service ends
            before, at the pace so far.
    """

    deposit: Tokens
    signed: Tokens
    paid: Tokens
    left: Tokens
    outlook: Outlook | None


def stand(state: Purchase) -> Standing:
    """What a channel comes to for its buyer."""
    signed = Tokens(state.worth(state.signed.amount)) if state.deposit else NO_TOKENS
    paid = state.paid if state.ending is None else state.amount
    is_over = state.phase in (BuyerPhase.ENDED, BuyerPhase.DROPPED)
    left = NO_TOKENS if is_over else Tokens(max(0, state.deposit - max(signed, paid)))
    outlook = None
    if state.phase is BuyerPhase.BUYING and state.signed.end > state.opened_at:
        agreed = state.known.conditions
        outlook = compute_outlook(
            left,
            spent=state.signed.amount,
            seconds=state.signed.end - state.opened_at,
            interval_cap=agreed.cap,
            interval_s=agreed.interval_s,
        )
        is_due = outlook.is_alarm or state.warned == state.deposit
        if outlook.seconds is not None and not is_due:
            is_within = state.signed.end + outlook.seconds < state.service_ends
            outlook = outlook if is_within else None
    return Standing(state.deposit, signed, paid, left, outlook)


def describe(state: Purchase, *, wrong: Sequence[str] = ()) -> dict[str, object]:
    """A channel in facts: for `status`, and for whoever waits for it.

    Args:
        state: of the channel.
        wrong: files with evidence of wrong answers.
    """
    known, standing = state.known, stand(state)
    facts: dict[str, object] = {
        "channel": known.channel.hex(),
        "seller": known.terms.seller,
        "controller": state.in_force.controller,
        "phase": state.phase.value,
        "waits_for": find_awaited(state),
        "deposit": Amount(standing.deposit),
        "signed": Amount(standing.signed),
        "paid": Amount(standing.paid),
        "left": Amount(standing.left),
        "vouchers": state.signed.index,
        "credential": state.credential,
        "answers": state.last_number - len(state.requests),
        "open_requests": len(state.requests),
        "service_ends": Moment(state.service_ends),
        "close_by": Moment(known.terms.close_by),
    }
    if standing.outlook is not None:
        facts["overdraft_in_s"] = standing.outlook.seconds
        facts["lasts_surely_s"] = standing.outlook.surely
        facts["top_up_now"] = standing.outlook.is_alarm or state.warned == state.deposit
    if state.deadline != NO_TIME:
        facts["window_until"] = Moment(state.deadline)
    if state.reason is not Reason.NONE:
        facts["reason"] = state.reason.name.lower()
        facts["because"] = REASONS[state.reason]
    if state.ending is not None:
        facts["ending"] = state.ending.name.lower()
        facts["cost"] = Amount(state.amount)
    if state.refused:
        facts["refused"] = state.refused
    if state.fault is not None:
        facts["fault"] = state.fault.name.lower()
    if said := state.wrong_credentials:
        facts["wrong_credentials"] = [f"{each.index}: {each.why}" for each in said]
    if wrong:
        facts["wrong_answers"] = list(wrong)
    return facts


def tell(state: Purchase) -> str:
    """A channel in one line, for somebody who looks."""
    standing = stand(state)
    head = f"channel {state.known.channel.hex()[:16]} is {state.phase.value}"
    money = f"{Amount(standing.signed)} of {Amount(standing.deposit)} signed"
    return f"{head}: {money}; waits for {find_awaited(state)}"
