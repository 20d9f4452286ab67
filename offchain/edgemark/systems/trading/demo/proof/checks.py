"""Answers, amounts and tokens of every channel, beside what was computed elsewhere.

What a channel should have come to is computed by the plain model in `contract`, from what its
parties have on their disks and from the way in which it was to end; nothing of it is read off the
chain that is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from edgemark.amounts import format_tokens
from edgemark.demo.evm.holdings import Holdings, check_holdings
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.receipt import Receipt
from edgemark.systems.trading.contract import channel as life
from edgemark.systems.trading.contract import closing
from edgemark.systems.trading.contract.amounts import End
from edgemark.systems.trading.contract.records import Delegation, Limits, Said
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import NO_TOKENS
from edgemark.systems.trading.story.story import ChannelStory, PaidUp

NOTHING_SAID = -1  # no amount


class Way(Enum):
    """How a channel was to end."""

    CLAIMED = "the seller closed, with its newest voucher"
    ANSWERED = "the buyer closed below what it owed, and was answered"


@dataclass(frozen=True)
class Watched:
    """Who watched a channel for its seller.

    Attributes:
        tower: account that has the penalty.
        number: of the delegation to it.
        retainer: that it was paid before.
        receipt: the amount of its receipt that the seller keeps.
        cover: what it had set aside on chain for what was not there.
    """

    tower: Address
    number: int
    retainer: Tokens
    receipt: Tokens
    cover: Tokens


@dataclass(frozen=True)
class Held:
    """What the parties of a channel have on their disks when it is over.

    Attributes:
        name: of the run.
        buyer: name of the payer.
        deposit: that the buyer put in, top-ups included.
        owed: the largest amount that both signed, as the seller has it.
        signed: the same as the buyer has it; None: its disk was wiped.
        units: products of all answers that the buyer has, or had; None: nobody knows any more.
        way: how the channel was to end.
        said: at which the buyer closed, where it did.
        watched: by whom; None: by nobody but the seller.
    """

    name: str
    buyer: str
    channel: ChannelId
    terms: Terms
    deposit: Tokens
    owed: Tokens
    signed: Tokens | None
    units: int | None
    way: Way = Way.CLAIMED
    said: Tokens = NO_TOKENS
    watched: Watched | None = None


def compute_end(held: Held, limits: Limits) -> End:
    """How the plain model ends a channel that was played as planned.

    What was paid before counts alike in every end, so no checkpoint is played.

    Raises:
        ChannelRefused: the escrow would not have let it come so.
    """
    terms = held.terms
    now = Timestamp(terms.expires_at - 1)
    signed = Said(terms.payer, seller_signer=terms.seller)
    state = life.open_channel(held.channel, terms, limits, now, now, signed)
    if more := held.deposit - terms.deposit:
        state = life.top_up(state, more, now, terms.payer)
    if held.way is Way.CLAIMED:
        by_seller = Said(terms.seller, payer_signer=terms.payer_key)
        state = closing.close(state, held.owed, now, by_seller)
    else:
        state = closing.close(state, held.said, now, Said(terms.payer))
        who = held.watched
        told = None if who is None else Delegation(who.tower, who.number, terms.seller_key)
        state = closing.respond(state, held.owed, now, terms.payer_key, told)
        state = closing.settle(state, state.deadline + 1)
    if state.end is None:
        raise LookupError("the plain model did not end this channel")
    return state.end


def compute_changes(channels: Sequence[Held], limits: Limits) -> dict[Address, int]:
    """What each account should have won or lost by these channels."""
    changes: dict[Address, int] = {}
    for held in channels:
        payer, seller = held.terms.payer, held.terms.seller
        given = compute_end(held, limits).credits(payer, seller)
        put_in = {payer: -(held.deposit + held.terms.bond)}
        hired = {} if (who := held.watched) is None else {who.tower: who.retainer}
        paid = {} if who is None else {seller: -who.retainer}
        for part in (given, put_in, hired, paid):
            for account, amount in part.items():
                changes[account] = changes.get(account, 0) + amount
    return changes


def check_answers(
    receipt: Receipt,
    name: str,
    seen: Sequence[Sequence[int]],
    expected: Sequence[Sequence[int]],
) -> None:
    """What was bought is what the same function gives here.

    Args:
        receipt: gets the check.
        name: of the run.
        seen: rows of outputs, as the buyer has them.
        expected: evaluated by this process.
    """
    equal = sum(a == b for a, b in zip(seen, expected, strict=False))
    receipt.require(
        f"{name}: answers bought equal those computed here",
        seen == expected and bool(expected),
        f"{equal} of {len(seen)}",
        f"{len(expected)} of {len(expected)}",
    )


def check_amounts(receipt: Receipt, held: Held, price: int, per: int) -> None:
    """What is owed is what was bought, and both have it so."""
    if held.units is not None:
        due = held.units * price // per
        receipt.compare_tokens(f"{held.name}: owed, by the products counted", held.owed, due)
    if held.signed is not None:
        name = f"{held.name}: signed by the buyer, as the seller has it"
        receipt.compare_tokens(name, held.owed, held.signed)


def check_end(receipt: Receipt, held: Held, story: ChannelStory, limits: Limits) -> None:
    """The channel ended as planned, and each side got what the plain model gives it."""
    expected = compute_end(held, limits)
    signed = compute_channel_id(story.chain_id, story.escrow, held.terms)
    name = f"{held.name}: channel is the hash of the terms signed"
    receipt.compare(name, story.channel.hex(), signed.hex())
    receipt.compare_tokens(f"{held.name}: deposited", story.deposit, held.deposit)
    if story.ended is None:
        receipt.require(f"{held.name}: ended", False, "not yet", held.way.value)
        return
    end = story.ended.end
    receipt.compare(f"{held.name}: {held.way.value}", end.ending.name, expected.ending.name)
    for what, seen, computed in (
        ("amount that counted", end.amount, expected.amount),
        ("back to the buyer", end.division.payer, expected.division.payer),
        ("penalty", end.division.penalty, expected.division.penalty),
    ):
        receipt.compare_tokens(f"{held.name}: {what}", seen, computed)
    if expected.division.penalty:
        receipt.compare(f"{held.name}: penalty goes to", end.penalty_to, expected.penalty_to)
    if held.way is Way.ANSWERED:
        check_answered(receipt, held, story)
    if held.watched is not None:
        check_watched(receipt, held, held.watched, story)


def check_answered(receipt: Receipt, held: Held, story: ChannelStory) -> None:
    """What the buyer said was below what it had signed, and somebody showed the larger amount."""
    said = NOTHING_SAID if story.window is None else story.window.amount
    receipt.compare_tokens(f"{held.name}: the buyer closed at", said, max(held.said, story.paid))
    shown = max((each.amount for each in story.shown), default=NOTHING_SAID)
    receipt.compare_tokens(f"{held.name}: answered with", shown, held.owed)


def check_watched(receipt: Receipt, held: Held, who: Watched, story: ChannelStory) -> None:
    """The tower had given its receipt for all that was signed, and brought it itself."""
    receipt.compare_tokens(f"{held.name}: receipt of the tower", who.receipt, held.owed)
    receipt.require(
        f"{held.name}: the tower's cover",
        who.cover >= held.owed - story.paid,
        format_tokens(who.cover),
        f"{format_tokens(held.owed - story.paid)} or more",
    )
    senders = {each.sender for each in story.shown if each.tower == who.tower}
    receipt.compare(f"{held.name}: shown with its delegation by", senders, {who.tower})


def check_income(
    receipt: Receipt, tower: Address, before: Holdings, after: Holdings, channels: Sequence[Held]
) -> None:
    """What a tower earned are the bonds of those who cheated, and its retainers."""
    watched = [(each, each.watched) for each in channels if each.watched is not None]
    due = sum(each.terms.bond + who.retainer for each, who in watched)
    earned = after.parties[tower] - before.parties[tower]
    receipt.compare_tokens("tower: earned the bonds of the cheating buyer", earned, due)


def check_profits(receipt: Receipt, name: str, story: ChannelStory) -> None:
    """The seller took profits in the middle: a checkpoint, and the channel went on."""
    end = 0 if story.ended is None else story.ended.end.amount
    first = next((deed.paid for deed in story.deeds if isinstance(deed, PaidUp)), 0)
    receipt.require(
        f"{name}: paid in the middle, by a checkpoint",
        0 < first < end,
        format_tokens(first),
        f"some of {format_tokens(end)}",
    )


def check_tokens(
    receipt: Receipt,
    names: Mapping[Address, tuple[str, str]],
    before: Holdings,
    after: Holdings,
    channels: Sequence[Held],
    limits: Limits,
) -> None:
    """Each balance as computed; no token was created, lost or stuck."""
    check_holdings(receipt, names, before, after, compute_changes(channels, limits))
    receipt.compare_tokens("no channel holds tokens any more", after.locked, before.locked)
