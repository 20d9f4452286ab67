"""Long bodies over one line in made-up time: whoever has a turn has an equal part of the line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgemark.transport.asking.turns import Transfer, Turns
from edgemark.transport.limits import MIB

STEP_S = 0.1
TIMEOUT_S = 10.0  # of a request, beside its bytes


@dataclass
class Reader:
    """A peer for whom there is one body.

    Attributes:
        most_per_s: bytes a second that it takes at most.
        length: of its body.
        by: when it has to have it.
        got_at: when it had all of it.
        tries: how often it was begun.
    """

    most_per_s: float = math.inf
    length: int = 0
    by: float = math.inf
    got_at: float = math.inf
    tries: int = 0
    moved: float = field(default=0.0, repr=False)
    ends_at: float = field(default=math.inf, repr=False)


class EverybodyAtOnce(Turns):
    """The planted rule, as it was: whatever is owed begins, its deadline is for it alone."""

    def may_begin(self, transfer: Transfer, now: float) -> bool:
        self._waiting = [(transfer.by, 0, transfer)]
        began = super().may_begin(transfer, now)
        transfer.sharing = 1
        return began

    def _has_room(self, transfer: Transfer) -> bool:  # noqa: ARG002 - there always is
        return True


def play(
    readers: Sequence[Reader],
    line_per_s: float,
    until_s: float,
    make: Callable[[], Turns] = Turns,
) -> None:
    """Send all bodies, again and again those that were too slow."""
    turns, transfers = make(), dict[int, Transfer]()
    under_way: set[int] = set()

    def enter(number: int) -> None:
        reader = readers[number]
        reader.moved = 0.0
        transfers[number] = Transfer(reader.length, reader.by, lambda: int(reader.moved))
        turns.enter(transfers[number])

    for number in range(len(readers)):
        enter(number)
    for step in range(int(until_s / STEP_S)):
        now = step * STEP_S
        for number, transfer in sorted(transfers.items(), key=lambda item: item[1].by):
            if number not in under_way and turns.may_begin(transfer, now):
                under_way.add(number)
                readers[number].tries += 1
                readers[number].ends_at = now + TIMEOUT_S + transfer.seconds()
        _move([readers[number] for number in under_way], line_per_s * STEP_S)
        for number in sorted(under_way):
            reader = readers[number]
            is_there = reader.moved >= reader.length
            if is_there or now >= reader.ends_at:
                under_way.remove(number)
                turns.leave(transfers.pop(number), now)
                reader.got_at = now if is_there else math.inf
                if not is_there:
                    enter(number)


def _move(readers: Sequence[Reader], count: float) -> None:
    """Slow ones take what they can, the others share what is left."""
    left = len(readers)
    for reader in sorted(readers, key=lambda one: one.most_per_s):
        part = min(reader.most_per_s * STEP_S, count / left, reader.length - reader.moved)
        reader.moved += part
        count, left = count - part, left - 1


def readers_of(count: int, mib: float, **rest: float) -> list[Reader]:
    """So many, with bodies of so many MiB."""
    return [Reader(length=int(mib * MIB), **rest) for _ in range(count)]
