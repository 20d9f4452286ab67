"""Marks, next steps and amounts in words and as JSON, the same in every system. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from edgemark.amounts import Amount
from edgemark.chronicle.marks import AmountCheck, Mark
from edgemark.chronicle.steps import NextStep
from edgemark.identifiers import NO_TIME, Address, Moment, Timestamp
from edgemark.words import count, in_words

ShowTime = Callable[[Timestamp], str]
"""Writes a Unix second for people."""
NameOf = Callable[[Address], str]
"""The role of an account in a matter."""


def facts_of_mark(mark: Mark | None) -> dict[str, object] | None:
    """When something happened, for programs; None where it did not."""
    if mark is None:
        return None
    return {
        "block": mark.block,
        "time": Moment(mark.time),
        "tx": f"0x{mark.tx.hex()}",
        "sender": mark.sender,
    }


def tell_mark(mark: Mark, show_time: ShowTime, by: str = "") -> str:
    """When something happened, and by whom where that is known."""
    return f"at {show_time(mark.time)}" + (f" by {by}" if by else "")


def facts_of_step(step: NextStep, now: Timestamp) -> dict[str, object]:
    """What may be done, by whom and when, for programs."""
    return {
        "act": step.act,
        "by": step.by,
        "opens": Moment(step.opens),
        "closes": Moment(step.closes or NO_TIME),
        "open_now": step.is_open(now),
    }


def tell_steps(
    steps: Sequence[NextStep],
    now: Timestamp,
    show_time: ShowTime,
    part: str,
    commands: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[str]:
    """A line for each step, or one that says that nothing is left.

    Args:
        steps: of one matter.
        now: chain time.
        show_time: writes a second.
        part: what a part of such a matter is called.
        commands: by act, how it is done from here, where there is a way.
    """
    if not steps:
        yield "nothing is left to be done"
    for step in steps:
        place = f"{part} {step.part}: " if step.part else ""
        how = f"; {commands[step.act]}" if step.act in commands else ""
        yield f"next: {place}{step.act} by {step.by}{_window(step, now, show_time)}{how}"


def _window(step: NextStep, now: Timestamp, show_time: ShowTime) -> str:
    opens = ", now" if step.opens <= now else f", from {show_time(step.opens)}"
    return opens if step.closes is None else f"{opens}, until {show_time(step.closes)}"


def facts_of_checks(checks: Sequence[AmountCheck]) -> list[dict[str, object]]:
    """What was paid and what was due, for programs: decimal strings of the smallest unit."""
    return [
        {
            "what": check.what,
            "agrees": check.agrees,
            "paid": {account: str(amount) for account, amount in check.paid.items()},
            "due": {account: str(amount) for account, amount in check.due.items()},
        }
        for check in checks
    ]


def tell_checks(checks: Sequence[AmountCheck], name_of: NameOf, what: str) -> Iterator[str]:
    """A line when all agree, one for each that does not; none where nothing was paid yet.

    Args:
        checks: of one matter.
        name_of: says who an account is.
        what: each of them is.
    """
    wrong = [check for check in checks if not check.agrees]
    if checks and not wrong:
        yield f"amounts: {count(len(checks), what)} paid what the table of amounts says"
    for check in wrong:
        paid, due = (_tell_amounts(each, name_of) for each in (check.paid, check.due))
        yield f"amounts DIFFER at {check.what}: paid {paid}; due {due}"


def _tell_amounts(amounts: Mapping[Address, int], name_of: NameOf) -> str:
    return in_words([f"{Amount(n)} to {name_of(each)}" for each, n in amounts.items()])
