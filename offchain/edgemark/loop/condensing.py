"""Open matters with a long past, written anew as the few events that still matter.

Law 1: only a machine that says so (`edgemark.loop.machine.Condensing`) has matters condensed, and
only what is shorter takes the place of what happened.
Law 2: what it names is replayed first, as the next life will; where that leads to another state,
every event stays.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from edgemark.errors import Unrecoverable
from edgemark.logs import get_logger
from edgemark.loop.machine import Condensing, Machine
from edgemark.loop.replay import encode_record, replay_records

S = TypeVar("S")
E = TypeVar("E")
F = TypeVar("F", bound=Hashable)


def condense(machine: Machine[S, E, F], key: bytes, state: S, name: str) -> list[bytes] | None:
    """Records of the events that still matter to a matter, of one event each.

    Args:
        machine: that the matter is of.
        key: of the matter.
        state: that the events have to lead to.
        name: of the process, in logs.

    Returns:
        None when every event of the matter has to stay.
    """
    if not isinstance(machine, Condensing):
        return None
    records = [encode_record(machine, key, event) for event in machine.condense(state)]
    try:
        is_same = replay_records(machine, records, who=name) == {key: state}
    except Unrecoverable as error:
        get_logger(name).error("condensed events are refused", **machine.facts(key), error=error)
        return None
    if not is_same:
        get_logger(name).error("condensed events lead elsewhere", **machine.facts(key))
        return None
    return records


def condense_all(
    machine: Machine[S, E, F], states: Mapping[bytes, S], lengths: Mapping[bytes, int], name: str
) -> dict[bytes, list[bytes]]:
    """Shorter records of open matters, to take the place of theirs, of one event each.

    Args:
        machine: that the matters are of.
        states: of the open matters, by key.
        lengths: of the records that they have, in bytes.
        name: of the process, in logs.
    """
    condensed = {}
    for key, state in states.items():
        records = condense(machine, key, state, name)
        if records and sum(map(len, records)) < lengths[key]:
            condensed[key] = records
    return condensed
