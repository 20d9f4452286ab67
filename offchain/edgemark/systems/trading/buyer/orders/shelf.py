"""What a buyer keeps of its orders on its disk: the bytes that its letters name, and the results.

    home/purchases/parts/DIGEST         functions and data, each once, by SHA-256
    home/purchases/CHANNEL/N.lot        orders whose first is N, and where the result goes
    home/purchases/CHANNEL/N.output     output of order N, once it was checked
    home/purchases/CHANNEL/N.end        how order N ended, where that is no result
    home/purchases/CHANNEL/N.done       what came of the lot: its file, orders that gave no result
    home/purchases/CHANNEL/N.result     the result of a lot that names no file
    home/purchases/CHANNEL/N.wrong      what a seller signed as the answer, that is none; its output
                                        beside it

Law 1: a part and its lot are on the disk before the order is asked for, an output before its answer
       counts: whoever is killed in between asks again for the same, and loses nothing.
Law 2: bytes are read by their digest: what is not as it was written is told, never used.
Law 3: a result is written whole; then its outputs go, and the parts that no other lot needs.
Law 4: so many lots are open in a channel, and no more; of a wrong answer one is kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD
from edgemark.crypto.polynomial import size_from_header
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.encoding import MalformedMessage
from edgemark.errors import Overloaded, RefusedInput, Unrecoverable
from edgemark.files import (
    OWNER_ONLY_FILE,
    make_private_folder,
    read_limited,
    write_new,
    write_whole,
)
from edgemark.identifiers import Hash32
from edgemark.systems.trading.buyer.orders.ordering import Lot, Wanted
from edgemark.systems.trading.buyer.purchase import MAX_REQUESTS
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import Request
from edgemark.systems.trading.work.messages import MAX_PART_BYTES, Order, OrderKind
from edgemark.untrusted.fields import BadFile, Fields, parse_json

FOLDER = "purchases"
VERSION = 1
MAX_LOT_BYTES = 2**20
YOUNG_S = 3600  # a part whose lot is still to come, from another process
REMEDY = "Restore it from a copy, or order again."


class ShelfDamaged(Unrecoverable):
    """What lies on our own disk is not what was written."""


@dataclass(frozen=True)
class Done:
    """What came of a lot.

    Attributes:
        out: the file of the result; empty when there is none.
        ends: how orders ended that gave no result, by number.
    """

    out: str
    ends: Mapping[str, str]


class Shelf:
    """The folder of one home; its methods are for any thread.

    Args:
        home: of the buyer.

    Raises:
        Unrecoverable: others can enter the folder.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._parts = self._folder / "parts"

    # --- what is ordered -----------------------------------------------------------------------

    def keep(self, wanted: Wanted) -> None:
        """Put function and data there, before they are ordered."""
        make_private_folder(self._folder)
        make_private_folder(self._parts)
        for part in (wanted.function, *wanted.pieces):
            path = self._parts / hash_long(part).hex()
            if part and not path.exists():
                write_whole(path, part, mode=OWNER_ONLY_FILE)

    def add(self, channel: ChannelId, lot: Lot) -> None:
        """Put a lot there, whose parts are kept; one of the same first order takes its place.

        Raises:
            Overloaded: as many orders as a channel may have are open.
        """
        folder = self._folder_of(channel)
        make_private_folder(folder)
        others = [each for each in self.lots(channel) if each.first != lot.first]
        if (count := len(lot.orders) + sum(len(each.orders) for each in others)) > MAX_REQUESTS:
            who, needed = f"orders of channel {channel.hex()}", f"<= {MAX_REQUESTS}"
            raise Overloaded("are too many at a time", who=who, had=count, needed=needed)
        write_whole(folder / f"{lot.first}.lot", _write(lot), mode=OWNER_ONLY_FILE)

    def lots(self, channel: ChannelId) -> list[Lot]:
        """Those that are open, by their first orders.

        Raises:
            ShelfDamaged: one cannot be read.
        """
        paths = self._folder_of(channel).glob("*.lot")
        lots = [_read(read_limited(path, MAX_LOT_BYTES), path) for path in paths]
        return sorted(lots, key=lambda lot: lot.first)

    def lot_of(self, channel: ChannelId, number: int) -> Lot | None:
        """The open lot with this order."""
        return next((lot for lot in self.lots(channel) if number in lot.numbers), None)

    def part(self, digest: Hash32) -> bytes:
        """Function or data of this digest.

        Raises:
            ShelfDamaged: they are not there, or not as they were.
        """
        path = self._parts / digest.hex()
        try:
            content = read_limited(path, MAX_PART_BYTES)
        except RefusedInput as error:
            raise ShelfDamaged("is missing", who=path, had=error.had, remedy=REMEDY) from error
        if hash_long(content) != digest:
            raise ShelfDamaged("holds other bytes", who=path, remedy=REMEDY)
        return content

    # --- what came of it -----------------------------------------------------------------------

    def keep_output(
        self, channel: ChannelId, number: int, output: bytes, end: End = End.FINISHED
    ) -> None:
        """Put an output there that was checked, and how its order ended."""
        folder = self._folder_of(channel)
        if end is not End.FINISHED:
            write_whole(folder / f"{number}.end", end.name.lower().encode(), mode=OWNER_ONLY_FILE)
        write_whole(folder / f"{number}.output", output, mode=OWNER_ONLY_FILE)

    def end_of(self, channel: ChannelId, number: int) -> str:
        """How an order ended that is no result; empty for one that is."""
        path = self._folder_of(channel) / f"{number}.end"
        return read_limited(path, 64).decode() if path.exists() else ""

    def has_output(self, channel: ChannelId, number: int) -> bool:
        """Whether the output of an order was checked and is there."""
        return (self._folder_of(channel) / f"{number}.output").exists()

    def outputs(self, channel: ChannelId, lot: Lot) -> list[bytes] | None:
        """The outputs of a lot in its order; None while one is missing."""
        if not all(self.has_output(channel, number) for number in lot.numbers):
            return None
        folder = self._folder_of(channel)
        return [read_limited(folder / f"{each}.output", MAX_PART_BYTES) for each in lot.numbers]

    def conclude(self, channel: ChannelId, lot: Lot) -> None:
        """Write the result of a lot whose outputs are all there; nothing happens before.

        Orders of which none was begun leave no result; the file is not made then.
        """
        outputs = self.outputs(channel, lot)
        if outputs is None:
            return
        ends = {str(each): self.end_of(channel, each) for each in lot.numbers}
        failed = {number: end for number, end in ends.items() if end}
        folder = self._folder_of(channel)
        path = Path(lot.out) if lot.out else folder / f"{lot.first}.result"
        is_there = any(end != End.UNSTARTED.name.lower() for end in ends.values())
        if is_there:
            write_whole(path, self._write_result(lot, outputs), mode=OWNER_ONLY_FILE)
        done = {"out": str(path) if is_there else "", "ends": failed}
        raw = json.dumps(done).encode()
        write_whole(folder / f"{lot.first}.done", raw, mode=OWNER_ONLY_FILE)
        self.drop(channel, lot)

    def conclude_last(self, channel: ChannelId, number: int, waiting: Sequence[Request]) -> None:
        """Write the result of a request's lot once none of it waits for its answer any more."""
        lot = self.lot_of(channel, number)
        if lot is not None and not {each.number for each in waiting} & set(lot.numbers):
            self.conclude(channel, lot)

    def done(self, channel: ChannelId, first: int) -> Done | None:
        """What came of a lot; None while it is open, or was never there."""
        path = self._folder_of(channel) / f"{first}.done"
        if not path.exists():
            return None
        told = parse_json(read_limited(path, MAX_LOT_BYTES), str(path))
        return Done(told.text("out"), told.part("ends").all())

    def _write_result(self, lot: Lot, outputs: list[bytes]) -> bytes:
        """Outputs as their user reads them: of a polynomial JSON, a row an input.

        An input that had no value when service was over has null.
        """
        if lot.orders[0].kind is OrderKind.PROGRAM:
            return b"".join(outputs)
        width = size_from_header(self.part(lot.orders[0].what)).outputs
        rows: list[list[int] | None] = []
        for output, whole in zip(outputs, lot.output_bytes, strict=True):
            values = [to_signed(element) for element in FIELD.unpack(output)]
            rows += [values[at : at + width] for at in range(0, len(values), width)]
            rows += [None] * ((whole - len(output)) // (width * ELEMENT_BYTES))
        return json.dumps(rows).encode() + b"\n"

    def drop(self, channel: ChannelId, lot: Lot) -> None:
        """Let a lot go whose result is where it was to be, or that nobody wants any more."""
        folder = self._folder_of(channel)
        (folder / f"{lot.first}.lot").unlink(missing_ok=True)
        for number in lot.numbers:
            for form in ("output", "end"):
                (folder / f"{number}.{form}").unlink(missing_ok=True)
        self.tidy()

    def tidy(self) -> None:
        """Remove parts that no open lot needs; a lot that is damaged keeps all of them."""
        if not self._parts.is_dir():
            return
        needed = {digest.hex() for lot in self._all_lots() for digest in _parts_of(lot)}
        for path in self._parts.iterdir():
            is_young = time.time() - path.stat().st_mtime < YOUNG_S
            if path.name not in needed and not is_young:
                path.unlink(missing_ok=True)

    def keep_wrong(self, channel: ChannelId, number: int, facts: dict[str, Any]) -> Path:
        """Keep what shows that an answer is wrong; the first one of an order stays."""
        folder = self._folder_of(channel)
        make_private_folder(folder)
        path = folder / f"{number}.wrong"
        if not path.exists():
            write_whole(path, json.dumps(facts, indent=1).encode(), mode=OWNER_ONLY_FILE)
        return path

    def keep_wrong_output(self, channel: ChannelId, number: int, output: bytes) -> None:
        """Keep the output of a wrong answer beside what shows that it is one."""
        folder = self._folder_of(channel)
        make_private_folder(folder)
        write_new(folder / f"{number}.wrong-output", output, mode=OWNER_ONLY_FILE)

    def wrong(self, channel: ChannelId) -> list[Path]:
        """Evidence of wrong answers of a channel."""
        return sorted(self._folder_of(channel).glob("*.wrong"))

    def _all_lots(self) -> Iterator[Lot]:
        for path in self._folder.glob("*/*.lot"):
            yield _read(read_limited(path, MAX_LOT_BYTES), path)

    def _folder_of(self, channel: ChannelId) -> Path:
        return self._folder / channel.hex()


def _parts_of(lot: Lot) -> set[Hash32]:
    return {lot.orders[0].what, *(order.data for order in lot.orders)}


def _write(lot: Lot) -> bytes:
    facts = {
        "version": VERSION,
        "orders": [order.to_bytes().hex() for order in lot.orders],
        "output_bytes": list(lot.output_bytes),
        "cores": lot.cores,
        "sample": lot.sample,
        "out": lot.out,
        "asked_at_us": lot.asked_at_us,
    }
    return json.dumps(facts).encode()


def _read(raw: bytes, path: Path) -> Lot:
    try:
        fields = parse_json(raw, str(path))
        lot = _lot_of(fields)
        fields.finish()
    except (BadFile, MalformedMessage, ValueError) as error:
        had = getattr(error, "what", "no hexadecimal digits")
        raise ShelfDamaged("cannot be read", who=path, had=had, remedy=REMEDY) from error
    return lot


def _lot_of(fields: Fields) -> Lot:
    if (version := fields.whole("version")) != VERSION:
        raise BadFile("is of another version", who=fields.who, had=version, needed=VERSION)
    encoded = fields.texts("orders", MAX_REQUESTS)
    orders = tuple(Order.from_bytes(bytes.fromhex(each)) for each in encoded)
    sizes = fields.wholes("output_bytes", MAX_REQUESTS)
    if not orders or len(sizes) != len(orders):
        raise BadFile("has no orders", who=fields.who, had=len(orders), needed=len(sizes))
    return Lot(
        orders,
        sizes,
        fields.whole("cores"),
        fields.whole("sample"),
        fields.text("out"),
        fields.whole("asked_at_us"),
    )
