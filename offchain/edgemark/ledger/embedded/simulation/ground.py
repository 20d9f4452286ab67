"""What of a channel and its state a simulation needs: whoever has it can be simulated on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from edgemark.ledger.fabric.identities.members import Organisation
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.read_write_sets import Version


class HistoryRow(Protocol):
    """One value that a key had."""

    @property
    def transaction_id(self) -> str:
        """Of the transaction that wrote it."""

    @property
    def timestamp_ns(self) -> int:
        """Of that transaction, Unix nanoseconds."""

    @property
    def is_delete(self) -> bool:
        """Whether it took the key away."""

    @property
    def value(self) -> bytes:
        """What it wrote; empty for a delete."""


class View(Protocol):
    """The state after some block, for as long as it is held."""

    @property
    def height(self) -> int:
        """Number of blocks."""

    def get(self, namespace: str, key: str) -> tuple[bytes, Version] | None:
        """A value and where it was written; None when there is none."""

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, bytes, Version]]:
        """By key: `start` included, `end` excluded; an empty one is open."""

    def history(self, namespace: str, key: str) -> Iterator[HistoryRow]:
        """Every value a key had, the newest first."""

    def close(self) -> None:
        """Give the snapshot back."""


class Ground(Protocol):
    """A channel, as far as a simulation needs it."""

    @property
    def name(self) -> str:
        """Of the channel."""

    @property
    def height(self) -> int:
        """Number of blocks."""

    @property
    def organisations(self) -> Mapping[str, Organisation]:
        """By MSP id, as the newest config block says."""

    def view(self) -> View:
        """The newest state."""

    def block(self, number: int) -> bytes | None:
        """A block; None when there is none."""

    def block_by_hash(self, block_hash: bytes) -> bytes | None:
        """The block whose header has this hash."""

    def block_of(self, transaction_id: str) -> bytes | None:
        """The block in which a transaction stands."""

    def transaction(self, transaction_id: str) -> tuple[bytes, Code] | None:
        """Its envelope and its code."""

    def config_block(self) -> bytes:
        """The newest one."""
