"""Which retainers were moved to this tower, and for which channel each of them counted.

A transfer in the anchor names no channel, so whoever moved one says for which it is; it counts for
that one from then on, and for no other. It counts for `RETAINER_S` after it was moved: what is
older is forgotten, so that the book stays as long as what came lately.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgemark.amounts import Amount
from edgemark.anchoring.events import Moved
from edgemark.errors import LedgerUnavailable, Overloaded, RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, read_limited, write_whole
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens, parse_hash32
from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower.messages import RETAINER_S
from edgemark.untrusted.canonical_file import FileForm

MOST_RETAINERS = 50_000  # that count, or counted lately: each was paid for
MAX_BOOK_BYTES = 160 * MOST_RETAINERS


Book = dict[Hash32, tuple[ChannelId, int]]
"""Retainers that counted: for which channel, and when they were moved."""


class BookInvalid(RefusedInput):
    """A file holds no book of retainers, or not as it was written."""


class RetainerMissing(RefusedInput):
    """No retainer was moved, or not this one, or it counted for another channel."""


FORM = FileForm(
    "edgemark-retainers", 1, "book of retainers", MAX_BOOK_BYTES, BookInvalid, has_checksum=True
)


class Retainers:
    """The book of one tower; safe for many threads.

    Args:
        path: of its file; made with the first retainer.

    Raises:
        Unrecoverable: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._taken = _read(path) if path.exists() else {}

    def take(self, retainer: Hash32, channel: ChannelId, moved_at: int, now: int) -> None:
        """Let a retainer count for a channel: on the disk when this returns; again: nothing more.

        Args:
            retainer: the transaction that moved it.
            channel: for which it is.
            moved_at: when that was, chain time.
            now: chain time.

        Raises:
            RetainerMissing: it counted for another channel, or is too old.
            Overloaded: too many came lately.
        """
        with self._guard:
            had = self._taken.get(retainer)
            if had is not None and had[0] == channel:
                return
            if had is not None:
                raise _missing(retainer, f"counted for channel {had[0].hex()}", "one of its own")
            if now - moved_at > RETAINER_S:
                raise _missing(retainer, f"moved {now - moved_at} s ago", f"<= {RETAINER_S} s")
            left = {
                each: taken for each, taken in self._taken.items() if now - taken[1] <= RETAINER_S
            }
            if len(left) >= MOST_RETAINERS:
                raise Overloaded("too many retainers came lately", who="tower", had=len(left))
            left[retainer] = (channel, moved_at)
            self._write(left)
            self._taken = left

    def _write(self, taken: Book) -> None:
        write_whole(self._path, FORM.write(_facts_of(taken)), mode=OWNER_ONLY_FILE)


def _facts_of(taken: Book) -> dict[str, Any]:
    rows = {each.hex(): [channel.hex(), at] for each, (channel, at) in taken.items()}
    return {"retainers": rows}


def _parse(facts: Mapping[str, Any]) -> Book:
    return {
        parse_hash32(each): (parse_channel_id(channel), int(at))
        for each, (channel, at) in facts["retainers"].items()
    }


def _read(path: Path) -> Book:
    try:
        book: Book = FORM.read(read_limited(path, MAX_BOOK_BYTES), _parse, _facts_of)
    except RefusedInput as error:
        raise Unrecoverable(
            "is no book of retainers",
            who=path,
            had=error.what,
            remedy="Restore it: without it a retainer would count for several channels.",
        ) from error
    return book


def read_retainer(
    station: TradingStation, retainer: Hash32, seller: Address, price: Tokens
) -> Timestamp:
    """When a seller moved a retainer to this tower, chain time.

    Args:
        station: of the tower.
        retainer: the transaction.
        seller: who moved it.
        price: what is asked now; what was asked when it was moved is enough.

    Raises:
        RetainerMissing: the transaction moved none, or too little, or is not deep enough yet.
        LedgerUnavailable: there is no such transaction, or the chain does not answer.
    """
    (found,) = station.chain.mined([retainer])
    receipt, deepest = found.receipt, station.chain.confirmed()
    if receipt.block_number > deepest:
        had, needed = f"block {receipt.block_number}", f"block {deepest} at most"
        raise _missing(retainer, had, needed, "Ask again when it has its confirmations.")
    moves = [
        event.amount
        for event in receipt_events(receipt, station.accounts.contract)
        if isinstance(event, Moved) and (event.from_, event.to) == (seller, station.address)
    ]
    most = max(moves, default=Tokens(0))
    if (
        not receipt.is_success
        or not moves
        or most < _asked_at(station, receipt.block_number, price)
    ):
        raise _missing(retainer, Amount(most), f"{Amount(price)} from {seller}")
    return station.time_of(receipt.block_number)


def _asked_at(station: TradingStation, block: int, price: Tokens) -> Tokens:
    """The retainer of then, where it was lower; a node may have forgotten what then was."""
    try:
        return min(price, station.towers.terms_of(station.address, block=block).retainer)
    except LedgerUnavailable:
        return price


def _missing(retainer: Hash32, had: object, needed: object, remedy: str = "") -> RetainerMissing:
    who = f"retainer {retainer.hex()}"
    return RetainerMissing("does not count", who=who, had=had, needed=needed, remedy=remedy)
