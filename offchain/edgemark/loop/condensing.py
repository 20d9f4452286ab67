"""Open jobs with a long past, written anew as the few events that still matter.

Law 1: only a machine that says so (`edgemark.loop.machine.Condensing`) has jobs condensed, and only
what is shorter takes the place of what happened.
Law 2: what it names is replayed first, as the next life will; where that leads to another state,
every event stays.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from edgemark.errors import Unrecoverable
from edgemark.logs import get_logger
from edgemark.loop.machine import Condensing, Machine, facts_of
from edgemark.loop.replay import encode_record, key_of, replay_records, split

S = TypeVar("S")
E = TypeVar("E")
F = TypeVar("F", bound=Hashable)


def condense(machine: Machine[S, E, F], key: bytes, state: S, name: str) -> list[bytes] | None:
    """Records of the events that still matter to a job, of one event each.

    Args:
        machine: that the job is of.
        key: of the job.
        state: that the events have to lead to.
        name: of the process, in logs.

    Returns:
        None when every event of the job has to stay.
    """
    if not isinstance(machine, Condensing):
        return None
    records = [encode_record(machine, key, event) for event in machine.condense(state)]
    try:
        is_same = replay_records(machine, records, who=name) == {key: state}
    except Unrecoverable as error:
        get_logger(name).error("condensed events are refused", **facts_of(key), error=error)
        return None
    if not is_same:
        get_logger(name).error("condensed events lead elsewhere", **facts_of(key))
        return None
    return records


def rewrite(
    records: Iterable[bytes], leaving: Collection[bytes], condensed: Mapping[bytes, Sequence[bytes]]
) -> Iterator[bytes]:
    """What a journal holds once some jobs are gone and others told anew; one record at a time.

    Args:
        records: that it holds.
        leaving: keys of jobs that go.
        condensed: by key of a job, the records that take the place of its own.
    """
    gone = {*leaving, *condensed}
    for record in records:
        if kept := [each for each in split(record) if key_of(each) not in gone]:
            yield b"".join(kept)
    for told in condensed.values():
        yield from told
