"""What an engine keeps on its disk: its records, and the parts of orders and outputs by digest.

Law 1: a part is on the disk before the record that needs it, a record before what follows from it.
Law 2: what all parts take together is bounded; answered orders go for new ones, the oldest of the
       channel that has most, and what is open never goes.
Law 3: a part whose bytes are not those of its name is no part: nothing is computed from it.

A part that several orders name lies there once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from edgemark.closing import Closing
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.encoding import MalformedMessage
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, make_private_folder, read_limited, write_new
from edgemark.identifiers import Hash32
from edgemark.journal.journal import Journal, JournalDamaged
from edgemark.systems.trading.work import meter as records
from edgemark.systems.trading.work.messages import MAX_PART_BYTES, Answer, Order
from edgemark.systems.trading.work.meter import MAX_KEPT, RETRY_S, EngineBusy, Held, Meter

MAX_SPOOL_BYTES = 2**30
SHARES = 8  # one channel has at most this part of it in open orders
REWRITE_AFTER = 4096  # records; the state itself is far fewer


class PartDamaged(Unrecoverable):
    """A part on our own disk is not what was written."""


class Spool(Closing):
    """The disk of one engine; one thread at a time, and one process.

    Args:
        folder: of its own, readable by nobody else; made when missing.
        most_bytes: of all parts together.

    Raises:
        JournalInUse, JournalDamaged, Unrecoverable: see `Journal.open`.
    """

    def __init__(self, folder: Path, most_bytes: int = MAX_SPOOL_BYTES) -> None:
        make_private_folder(folder)
        self._parts = folder / "parts"
        make_private_folder(self._parts)
        self._most = most_bytes
        self.meter = Meter()
        self._journal = Journal.open(folder / "engine.journal")
        try:
            self._replay()
            self._bytes = self._tidy()
        except BaseException:
            self._journal.close()
            raise

    def _replay(self) -> None:
        try:
            for record in self._journal.records():
                self.meter.fold(record)
        except (KeyError, ValueError, MalformedMessage) as error:
            raise JournalDamaged(
                "has a record that follows from none before it",
                who=self._journal.path,
                had=type(error).__name__,
                needed="the records that this engine wrote",
                remedy="Restore the file from a copy; do not edit it.",
            ) from error
        self._journal.rewrite(self.meter.snapshot())

    def take(self, order: Order, parts: Mapping[Hash32, bytes]) -> None:
        """Keep an order that `Meter.find` admits, with its parts.

        Raises:
            EngineBusy: there is no room beside what is open, in all or of this channel.
        """
        self._check_share(order)
        self._make_room(sum(map(len, parts.values())))
        for digest, content in parts.items():
            self._keep(digest, content)
        self._write(records.record_taken(order))

    def answer(self, answer: Answer, output: bytes) -> None:
        """Keep an answer and its output; from then on it counts and may leave."""
        self._drop_for(len(output))
        self._keep(answer.output, output)
        before = _parts_of(self.meter.held[answer.order])
        self._write(records.record_answered(answer))
        self._remove_unneeded(before)
        self._tidy_answered()

    def write_told(self, record: bytes) -> None:
        """Keep readings; from then on they may leave."""
        self._write(record)

    def forget(self, record: bytes) -> None:
        """Let a channel go, with the parts that no other needs."""
        self._write(record)
        self._bytes = self._tidy()

    def part(self, digest: Hash32) -> bytes:
        """The bytes with this digest.

        Raises:
            PartDamaged: they are not there, or others are.
        """
        path = self._parts / digest.hex()
        try:
            content = read_limited(path, MAX_PART_BYTES)
        except RefusedInput as error:
            raise self._damaged(path, error.what) from error
        if hash_long(content) != digest:
            raise self._damaged(path, "other bytes")
        return content

    def _damaged(self, path: Path, had: str) -> PartDamaged:
        remedy = "Look at the disk; the order cannot be answered, and nothing of it is counted."
        return PartDamaged(
            "is damaged", who=path, had=had, needed="what was written", remedy=remedy
        )

    def _keep(self, digest: Hash32, content: bytes) -> None:
        if write_new(self._parts / digest.hex(), content, mode=OWNER_ONLY_FILE):
            self._bytes += len(content)

    def _write(self, record: bytes) -> None:
        self._journal.append(record)
        self.meter.fold(record)
        if self._journal.count > REWRITE_AFTER:
            self._journal.rewrite(self.meter.snapshot())

    def _check_share(self, order: Order) -> None:
        """No channel takes the room of all others with what it has open."""
        orders = [order, *(held.order for held in self.meter.open_orders(order.channel))]
        had, most = sum(each.data_bytes + each.what_bytes for each in orders), self._most // SHARES
        if had > most:
            who = f"channel {order.channel.hex()}"
            raise EngineBusy(
                "has too much in its open orders",
                who=who,
                had=f"{had} bytes",
                needed=f"<= {most} bytes",
                retry_after_s=RETRY_S,
            )

    def _make_room(self, needed: int) -> None:
        if not self._drop_for(needed):
            raise EngineBusy(
                "has no room for the parts of another order",
                who="engine",
                had=f"{self._bytes} bytes",
                needed=f"<= {self._most - needed} bytes",
                retry_after_s=RETRY_S,
            )

    def _drop_for(self, needed: int) -> bool:
        """Let answers go until there is so much room; whether there is."""
        while self._bytes + needed > self._most:
            first = self.meter.first_to_go()
            if first is None:
                return False
            self._drop(first)
        return True

    def _tidy_answered(self) -> None:
        """Keep no more answers than there may be."""
        while len(self.meter.held) > MAX_KEPT:
            first = self.meter.first_to_go()
            if first is None:
                return
            self._drop(first)

    def _drop(self, order: Hash32) -> None:
        held = self.meter.held[order]
        self._write(records.record_dropped(order))
        self._remove_unneeded(_parts_of(held))

    def _remove_unneeded(self, parts: set[Hash32]) -> None:
        for digest in parts - self._needed():
            self._remove(self._parts / digest.hex())

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._bytes -= path.stat().st_size
            path.unlink()

    def _needed(self) -> set[Hash32]:
        return {digest for held in self.meter.held.values() for digest in _parts_of(held)}

    def _tidy(self) -> int:
        """Remove parts that nothing needs, as of an order that was never taken; what is left."""
        needed = {digest.hex() for digest in self._needed()}
        left = 0
        for path in self._parts.iterdir():
            if path.name in needed:
                left += path.stat().st_size
            else:
                path.unlink()
        return left

    def close(self) -> None:
        """Give the folder free."""
        self._journal.close()


def _parts_of(held: Held) -> set[Hash32]:
    """Digests of what an order needs: until it is answered all, then its output."""
    if held.answer is not None:
        return {held.answer.output}
    order = held.order
    return {order.what, order.data} if order.what_bytes else {order.data}
