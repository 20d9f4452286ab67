"""Computes a channel anew from its first block, and names the first thing that is not the same.

Blocks: number, hash of the block below, hash of all envelopes, where each ends, the orderer's
signature and no byte beside it. Then every check of validation, against a state of its own, so
every signature in them; then index, history and state, row by row; then SQLite's own indexes and
pages, and that nothing else is in the file. The time is never asked: it says the same when all
certificates have expired.

It shows damage, and tampering by whoever lacks the keys. It does not show what the operator does,
who has them all, nor that whole blocks were taken from the top with all that they did, or that all
was put back as it was before a revert's first block: the rest is what stood there before them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from edgemark.errors import EdgemarkError, Unrecoverable
from edgemark.ledger.embedded.channel.channel import entries_of, writes_of
from edgemark.ledger.embedded.channel.sealing import ChainOfEra, check_era, check_seal, read_era_of
from edgemark.ledger.embedded.state import tables
from edgemark.ledger.embedded.state.store import Store
from edgemark.ledger.embedded.state.tables import (
    REMEDY,
    StoreDamaged,
    check_schema,
    connect,
    told,
)
from edgemark.ledger.embedded.state.views import Snapshot, StateView
from edgemark.ledger.embedded.validation.blocks import Validator
from edgemark.ledger.embedded.validation.configuring import read_genesis
from edgemark.ledger.embedded.validation.ground import Ground, Members
from edgemark.ledger.fabric.configuration.configurations import Configuration
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.identities.members import Organisation
from edgemark.ledger.fabric.wire.blocks import Block, parse_block
from edgemark.ledger.fabric.wire.canonical import is_envelope
from edgemark.ledger.fabric.wire.codes import Code


class ChannelDiffers(Unrecoverable):
    """What stands in a channel's file is not what its blocks say."""


@dataclass(frozen=True)
class Verified:
    """A channel in which everything is as its blocks say.

    Attributes:
        channel: name of it.
        blocks: number of them.
        transactions: in all of them, valid or not.
        valid: of these, those that count.
        keys: in the state now.
    """

    channel: str
    blocks: int
    transactions: int
    valid: int
    keys: int


MAX_SHOWN = 64  # characters of a value that differs
_TABLES = {
    "facts": (
        "SELECT name, value FROM facts WHERE name NOT IN ('era', 'seal of era') ORDER BY name",
        "name",
    ),
    "index of blocks": ("SELECT number, hash, first_row FROM blocks ORDER BY number", "block"),
    "index of transactions": (
        "SELECT block, position, id, code, timestamp_ns FROM transactions ORDER BY block, position",
        "block and position",
    ),
    "history": (
        "SELECT block, position, namespace, key, value, row FROM history ORDER BY row",
        "block and position",
    ),
    "state": (
        "SELECT namespace, key, block, position, row FROM state ORDER BY namespace, key",
        "namespace and key",
    ),
}


def verify_file(
    path: Path, channel: str, orderer: Organisation, validator: Validator | None = None
) -> Verified:
    """Check the file of a channel; it may be open elsewhere, and is read at one height.

    Args:
        path: of the file.
        channel: whose it is.
        orderer: the organisation that orders, as the ledger's folder has it.
        validator: for a test of one with other checks; ours by default.

    Raises:
        ChannelDiffers: something is not as it should be; the first such thing.
        StoreDamaged, StoreUnavailable: it cannot be read.
    """
    if not path.is_file():
        raise StoreDamaged("file is not there", who=path, remedy=REMEDY)
    with closing(connect(path, writes=False)) as connection, TemporaryDirectory() as folder:
        view = StateView(Snapshot(path, connection), lambda: None)
        check_schema(connection, path)
        with Store(Path(folder) / "anew.sqlite", channel, is_scratch=True) as anew:
            walk = _Walk(channel, view, anew, orderer, validator or Validator())
            walk.walk()
            walk.check_next_era(*tables.read_era_of(connection, path))
            with closing(connect(anew.path, writes=False)) as computed, told(path):
                _compare(channel, connection, computed)
                _check_pages(channel, connection)
                keys = connection.execute("SELECT count(*) FROM state").fetchone()[0]
    return Verified(channel, view.height, walk.transactions, walk.valid, keys)


class _Walk:
    def __init__(
        self,
        channel: str,
        view: StateView,
        anew: Store,
        orderer: Organisation,
        validator: Validator,
    ) -> None:
        self._channel, self._view, self._anew, self._orderer = channel, view, anew, orderer
        self._validator = validator
        self._previous = b""
        self._last_config = self.era = 0
        self.transactions = self.valid = 0

    def walk(self) -> None:
        if not self._view.height:
            raise _differs(self._channel, "has no first block")
        self._take(self._read_genesis())
        for number in range(self._view.height):
            where = f"{self._channel}, block {number}"
            block = self._read(number, where)
            if number and len(block.envelopes) == 0:
                raise _differs(where, "is empty")
            self._check_block(number, block, where)
            self._previous = block.hash

    def check_next_era(self, era: int, sealed: str) -> None:
        """Check that who orders signed the era of what comes next, for this chain."""
        chain = ChainOfEra(
            self._view.height, self.era, lambda number: self._read(number, self._channel).hash
        )
        try:
            check_era(self._channel, era, sealed, chain, self._configuration, self._members)
        except EdgemarkError as error:
            where = f"{self._channel}, facts, name era"
            raise _differs(where, "is not signed by who orders", error) from error

    def _take(self, configuration: Configuration) -> None:
        self._configuration, self._members = configuration, Members(configuration)

    def _read_genesis(self) -> Configuration:
        where = f"{self._channel}, block 0"
        block = self._read(0, where)
        try:
            if len(block.envelopes) != 1:
                raise MessageMalformed("has not one envelope", who=where)
            found = read_genesis(block.envelopes[0])
        except EdgemarkError as error:
            raise _differs(where, "holds no configuration", error) from error
        orderer = found.orderer
        if (orderer.msp_id, orderer.roots) != (self._orderer.msp_id, self._orderer.roots):
            raise _differs(where, "is ordered by others", orderer.msp_id, self._orderer.msp_id)
        if found.channel != self._channel:
            raise _differs(where, "is another channel's", found.channel, self._channel)
        return found

    def _read(self, number: int, where: str) -> Block:
        raw = self._view.block(number)
        if raw is None:
            raise _differs(where, "is not there")
        try:
            return parse_block(raw)
        except EdgemarkError as error:
            raise _differs(where, "cannot be read", error) from error

    def _check_block(self, number: int, block: Block, where: str) -> None:
        self._check_header(number, block, where)
        self._take_era(block, where)
        with self._anew.view() as view:
            ground = Ground(self._channel, self._configuration, self._members, view, era=self.era)
            if number:
                outcome = self._validator.validate(number, block.envelopes, ground)
            else:
                outcome = self._validator.accept_first(block.envelopes, self._configuration)
        if outcome.configuration is not None:
            self._last_config = number
        try:
            check_seal(block, self._last_config, self._configuration, self._members)
        except EdgemarkError as error:
            raise _differs(where, "is not signed by who orders", error) from error
        self._compare_flags(block, outcome.flags, where)
        anew = Block(
            block.number,
            block.previous_hash,
            block.data_hash,
            block.envelopes,
            outcome.flags,
            block.signatures,
            block.last_config,
        )
        if anew.to_bytes() != self._view.block(number):
            raise _differs(where, "has other bytes than what it says")
        self._anew.append(anew, entries_of(outcome), writes_of(outcome))
        if outcome.configuration is not None:
            self._take(outcome.configuration)
        self.transactions += len(outcome.flags)
        self.valid += outcome.flags.count(Code.VALID)

    def _check_header(self, number: int, block: Block, where: str) -> None:
        if block.number != number:
            raise _differs(where, "has another number", block.number, number)
        if block.previous_hash != self._previous:
            had, needed = block.previous_hash.hex(), self._previous.hex()
            raise _differs(where, "stands on another block", had, needed)
        if not block.is_whole:
            raise _differs(where, "has other envelopes than its header says")
        for place, each in enumerate(block.envelopes):
            if not is_envelope(each):  # several, or a piece of one, would have the same hash
                raise _differs(f"{where}, transaction {place}", "is not one envelope")

    def _take_era(self, block: Block, where: str) -> None:
        try:
            era = read_era_of(block)
        except EdgemarkError as error:
            raise _differs(where, "has an era that cannot be read", error) from error
        if era < self.era or (era and not block.number):
            raise _differs(where, "is of an earlier era than the block below", era, self.era)
        self.era = self._anew.era = era

    def _compare_flags(self, block: Block, flags: tuple[Code, ...], where: str) -> None:
        for place, (had, needed) in enumerate(zip_longest(block.flags, flags)):
            if had is not needed:
                named = [None if each is None else each.name for each in (had, needed)]
                raise _differs(f"{where}, transaction {place}", "has another flag", *named)


def _compare(channel: str, kept: sqlite3.Connection, anew: sqlite3.Connection) -> None:
    for name, (question, words) in _TABLES.items():
        for had, needed in zip_longest(kept.execute(question), anew.execute(question)):
            if had != needed:
                place = [_shown(each) for each in (needed or had)[: 2 if " and " in words else 1]]
                where = f"{channel}, {name}, {words} {' '.join(place)}"
                what = "is not there" if had is None else "is not what blocks say"
                raise _differs(where, what, *_cells(had, needed))


def _check_pages(channel: str, kept: sqlite3.Connection) -> None:
    """Check what no row shows: that each index says what its table does, and all pages are whole.

    What is found by an id or a key is found by an index, so a row alone proves little.
    """
    for (found,) in kept.execute("PRAGMA integrity_check(1)"):
        if found != "ok":
            raise _differs(f"{channel}, pages of the file", "are not whole", _shown(found))


def _cells(had: tuple[object, ...] | None, needed: tuple[object, ...] | None) -> Iterator[object]:
    if had is None or needed is None:
        yield "nothing" if had is None else ", ".join(map(_shown, had))
        yield "nothing" if needed is None else ", ".join(map(_shown, needed))
        return
    place = next(
        place for place, pair in enumerate(zip(had, needed, strict=True)) if len(set(pair)) > 1
    )
    yield _shown(had[place])
    yield _shown(needed[place])


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value[:MAX_SHOWN].decode("utf-8", "backslashreplace")
    return str(value)[:MAX_SHOWN]


def _differs(where: str, what: str, had: object = None, needed: object = None) -> ChannelDiffers:
    return ChannelDiffers(what, who=where, had=had, needed=needed, remedy=REMEDY)
