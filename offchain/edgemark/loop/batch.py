"""What the loop decided and is not on the disk yet, and what waits for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MAX_EVENTS = 64  # in one record: with so many, waiting for the disk is the smaller part of the work
MAX_BYTES = 2**20  # of a record of several events: it is read again for each matter in it

S = TypeVar("S")


@dataclass
class Batch(Generic[S]):
    """Events that become one record of the journal, oldest first.

    Attributes:
        records: of one event each.
        keys: of the matter of each.
        labels: class name of each.
        states: of every matter that they change, after them.
        follows: what is to be done once they are on the disk, in order.
        length: of all records together, in bytes.
    """

    records: list[bytes] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    states: dict[bytes, S] = field(default_factory=dict)
    follows: list[Callable[[], object]] = field(default_factory=list)
    length: int = 0

    def has_room(self, record: bytes) -> bool:
        """Whether one more event may be written down together with these."""
        if not self.records:
            return True
        return len(self.records) < MAX_EVENTS and self.length + len(record) <= MAX_BYTES

    def add(self, key: bytes, label: str, record: bytes, after: S) -> None:
        """One event more."""
        self.records.append(record)
        self.keys.append(key)
        self.labels.append(label)
        self.states[key] = after
        self.length += len(record)
