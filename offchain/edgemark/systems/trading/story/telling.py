"""A `ChannelStory` in words and as JSON: who did what and when, why it ended, what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgemark.amounts import Amount
from edgemark.chronicle.steps import NextStep
from edgemark.chronicle.telling import (
    ShowTime,
    facts_of_checks,
    facts_of_mark,
    facts_of_step,
    tell_checks,
    tell_mark,
    tell_steps,
)
from edgemark.identifiers import NOBODY, Moment
from edgemark.systems.trading.contract.amounts import End
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.records import ChannelEnding
from edgemark.systems.trading.identifiers import NO_OFFER
from edgemark.systems.trading.story.story import (
    BY_CLOSER,
    Amended,
    Changed,
    ChannelStory,
    Deed,
    Ended,
    PaidUp,
    Recorded,
    Shown,
    Window,
    check_amounts,
    find_next_steps,
)

WHY = {
    ChannelEnding.TOGETHER: "both signed this end",
    ChannelEnding.CLAIMED: "the seller closed it with a voucher that the payer signed",
    ChannelEnding.SETTLED: "the window was over; the largest amount shown counts",
    ChannelEnding.UNCLOSED: "nobody closed it in time; what was paid counts",
    ChannelEnding.LAPSED: "nobody ended it before its lock expired; the rest is the payer's",
}


COMMANDS = {  # by act: what a party types, or what does it
    "topUp": "`edgemark trading topup`",
    "reduce": "`edgemark trading reduce`",
    "checkpoint": "`edgemark trading claim`",
    "amend": "`edgemark trading amend`",
    "closeTogether": "what buyer and seller that run agree on",
    "close": "`edgemark trading claim --close` for the seller, `trading close` for the payer",
    "closeBare": "an end without a voucher: `edgemark trading buy --recover` stays with it",
    "respond": "`edgemark seller run`, or its tower, does it",
    "settle": "whichever party runs does it: `edgemark buyer run`, `seller run`",
    "endUnclosed": "whichever party runs does it: `edgemark buyer run`, `seller run`",
    "expire": "whichever party runs does it: `edgemark buyer run`, `seller run`",
}
RUNNING = {"payer": "buyer run", "seller": "seller run"}
WAYS = {  # of these: by act and party, what it types, or has running
    "topUp": {"payer": "trading topup"},
    "reduce": {"payer": "trading reduce"},
    "checkpoint": {"seller": "trading claim"},
    "amend": {"payer": "trading amend", "seller": "trading amend"},
    "close": {"payer": "trading close", "seller": "trading claim --close"},
    "respond": {"seller": "seller run"},
    "settle": RUNNING,
    "endUnclosed": RUNNING,
    "expire": RUNNING,
}


def find_ways(steps: Iterable[NextStep], part: str) -> tuple[str, ...]:
    """What a party types, or has running, for what may be done of a channel; each once.

    Args:
        steps: that it allows now.
        part: "payer" or "seller"; nobody else has a command for any of them.
    """
    ways = [WAYS.get(step.act, {}).get(part) for step in steps]
    return tuple(dict.fromkeys(way for way in ways if way is not None))


def state_of(story: ChannelStory) -> str:
    """The phase in a word."""
    return story.phase.name.lower().replace("_", " ")


def tell(story: ChannelStory, show_time: ShowTime) -> str:
    """The whole story as text; `show_time` writes a Unix second for people."""
    return "\n".join(_lines(story, show_time))


def as_facts(story: ChannelStory) -> dict[str, object]:
    """The whole story as programs have it; amounts as decimal strings of the smallest unit."""
    terms, signers = story.terms, story.signers
    return {
        "channel": story.channel.hex(),
        "chain_id": story.chain_id,
        "escrow": story.escrow,
        "as_of": {"block": story.as_of, "time": Moment(story.now)},
        "phase": state_of(story),
        "payer": terms.payer,
        "seller": terms.seller,
        "payer_key": signers.payer_key,
        "seller_key": signers.seller_key,
        "controller": signers.controller,
        "epoch": signers.epoch,
        "initiation": terms.initiation.hex(),
        "offer": None if terms.offer == NO_OFFER else terms.offer.hex(),
        "bond": Amount(terms.bond),
        "deposit": Amount(story.deposit),
        "paid": Amount(story.received),
        "counted": Amount(story.counted),
        "deadlines": {
            "window_s": terms.window,
            "expires_at": Moment(terms.expires_at),
            "close_by": Moment(terms.close_by),
        },
        "opened": facts_of_mark(story.opened),
        "deeds": [facts_of_deed(story, deed) for deed in story.deeds],
        "evidence_by_strangers": len(story.strangers) + story.untold,
        "evidence_repeated": story.repeated,
        "amounts": facts_of_checks(check_amounts(story)),
        "next": [facts_of_step(step, story.now) for step in find_next_steps(story)],
    }


def facts_of_deed(story: ChannelStory, deed: Deed) -> dict[str, object]:
    """One deed of a story, as programs have it."""
    told = {"at": facts_of_mark(deed.mark), **_facts_by_kind(deed)}
    return told | {"of": _whose(story, deed)} if isinstance(deed, Recorded) else told


def _whose(story: ChannelStory, record: Recorded) -> str:
    return "channel" if (record.kind, record.signers) in story.own_signers else "strangers"


def _facts_by_kind(deed: Deed) -> dict[str, object]:  # noqa: PLR0911 - one a kind
    match deed:
        case Changed(amount=amount, number=number):
            return {"did": "reduced" if number is not None else "added", "amount": Amount(amount)}
        case PaidUp(index=index, paid=paid):
            return {"did": "paid", "index": index, "paid": Amount(paid)}
        case Amended(number=number, signers=signers):
            told = {"did": "amended", "number": number, "controller": signers.controller}
            return {**told, "payer_key": signers.payer_key, "seller_key": signers.seller_key}
        case Recorded():
            return {
                "did": "recorded",
                "kind": deed.kind.name.lower(),
                "index": deed.index,
                "credential_hash": deed.credential_hash.hex(),
                "signers": list(deed.signers),
            }
        case Window():
            told = {"did": "closed", "by": deed.closer, "amount": Amount(deed.amount)}
            return {**told, "deadline": Moment(deed.deadline)}
        case Shown():
            told = {"did": "shown", "amount": Amount(deed.amount)}
            tower = None if deed.tower == NOBODY else deed.tower
            return {**told, "sender": deed.sender, "tower": tower, "number": deed.number}
        case Ended(end=end):
            return {
                "did": "ended",
                "ending": end.ending.name.lower(),
                "why": WHY[end.ending],
                "amount": Amount(end.amount),
                "to_seller": Amount(end.division.seller),
                "to_payer": Amount(end.division.payer),
                "penalty": Amount(end.division.penalty),
                "penalty_to": None if end.penalty_to == NOBODY else end.penalty_to,
            }


def _lines(story: ChannelStory, show_time: ShowTime) -> Iterator[str]:
    terms = story.terms
    yield f"channel {story.channel.hex()}: {state_of(story)}"
    yield (
        f"  chain {story.chain_id}, escrow {story.escrow}, "
        f"as of block {story.as_of} ({show_time(story.now)})"
    )
    yield f"  payer {terms.payer}, seller {terms.seller}, controller {story.signers.controller}"
    paid = Amount(story.received)
    yield f"  deposit {Amount(story.deposit)}, paid {paid}, bond {Amount(terms.bond)}"
    yield f"  expires_at {show_time(terms.expires_at)}, close_by {show_time(terms.close_by)}"
    yield f"opened {tell_mark(story.opened, show_time)} with {Amount(terms.deposit)}"
    for deed in story.deeds:
        yield tell_deed(story, deed, show_time)
    if story.untold:
        yield f"evidence by strangers that is not told: {story.untold}, of no account"
    if story.repeated:
        yield f"evidence of an index beyond its first two: {story.repeated}, by its controller"
    if story.ended is not None:
        yield f"  {WHY[story.ended.end.ending]}"
    if story.is_returned:
        yield "the lock expired: the anchor returned what was left to the payer"
    yield from tell_checks(check_amounts(story), story.name_of, "sum")
    yield from tell_steps(find_next_steps(story), story.now, show_time, "", COMMANDS)


def tell_deed(story: ChannelStory, deed: Deed, show_time: ShowTime) -> str:
    """One deed of a story, in a line."""
    return f"{_tell(story, deed, show_time)} {tell_mark(deed.mark, show_time)}"


def _tell(  # noqa: PLR0911 - one a kind
    story: ChannelStory, deed: Deed, show_time: ShowTime
) -> str:
    match deed:
        case Changed(amount=amount, number=None):
            return f"the payer added {Amount(amount)}"
        case Changed(amount=amount):
            return f"both took {Amount(amount)} back out of the deposit"
        case PaidUp(index=index, paid=paid):
            by = f"voucher {index}" if index else "an amendment"
            return f"the seller was paid up to {Amount(paid)}, by {by},"
        case Amended(signers=signers):
            return f"both named who signs: controller {signers.controller}, epoch {signers.epoch},"
        case Recorded():
            return _tell_record(story, deed)
        case Window():
            by = {"another": "a stranger"}.get(
                BY_CLOSER[deed.phase], f"the {BY_CLOSER[deed.phase]}"
            )
            until = show_time(deed.deadline)
            return f"{by} closed at {Amount(deed.amount)}, with a window until {until},"
        case Shown():
            for_whom = "" if deed.tower == NOBODY else f" for the tower {deed.tower}"
            who = story.name_of(deed.sender)
            return f"{who} showed {Amount(deed.amount)}{for_whom}"
        case Ended(end=end):
            return _tell_end(story, end)


def _tell_record(story: ChannelStory, record: Recorded) -> str:
    name = f"evidence of the {record.kind.name.lower()} credential"
    if record.kind is EvidenceKind.SETTLEMENT:
        name = f"evidence of settlement credential {record.index}"
    if _whose(story, record) == "channel":
        return f"{name} was recorded"
    signers = " and ".join(record.signers)
    return f"by strangers, of no account: {name} was recorded, signed by {signers},"


def _tell_end(story: ChannelStory, end: End) -> str:
    division = end.division
    lost = ""
    if division.penalty:
        lost = f", {Amount(division.penalty)} to {story.name_of(end.penalty_to)}"
    parts = f"{Amount(division.seller)} to the seller, {Amount(division.payer)} to the payer{lost}"
    return f"ended at {Amount(end.amount)}: {parts},"
