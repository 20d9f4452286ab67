"""One channel: its file, its configuration, and the blocks that are made for it.

Everything here blocks and is short, but `commit`, which waits for the disk: a thread runs it. One
commit runs at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import NamedTuple

from edgemark.closing import Closing
from edgemark.crypto.field.randomness import Randomness
from edgemark.ledger.embedded.channel.admitting import check_order
from edgemark.ledger.embedded.channel.sealing import (
    ChainOfEra,
    check_era,
    read_era_of,
    seal,
    seal_era,
)
from edgemark.ledger.embedded.definitions import read_definition
from edgemark.ledger.embedded.state.store import Entry, Store, Written
from edgemark.ledger.embedded.state.tables import REMEDY, StoreDamaged
from edgemark.ledger.embedded.state.views import StateView
from edgemark.ledger.embedded.validation.blocks import Outcome, Validator, identify
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.configuring import configuration_of, read_genesis
from edgemark.ledger.embedded.validation.ground import Ground, Members
from edgemark.ledger.fabric.configuration.configurations import (
    Configuration,
    make_config_envelope,
)
from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.identities.members import Organisation
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.blocks import Block, make_block, parse_block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.definitions import ChaincodeDefinition
from edgemark.ledger.fabric.wire.limits import NONCE_BYTES
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.logs import get_logger
from edgemark.seam import place_of

_log = get_logger("ledger.channel")


class Status(NamedTuple):
    """What became of a transaction; it never changes.

    Attributes:
        code: whether it counts.
        block: number of its block.
    """

    code: Code
    block: int


class Committed(NamedTuple):
    """A block that was kept, and what the index says of its transactions."""

    block: Block
    entries: Sequence[Entry]


class Channel(Closing):
    """A channel, open.

    Attributes:
        agreed: how often definitions or approvals have changed since it was opened.
    """

    def __init__(
        self, path: Path, name: str, signer: Signer, validator: Validator | None = None
    ) -> None:
        """Open a channel that has its first block.

        Args:
            path: of its file.
            name: of the channel.
            signer: who orders.
            validator: for a test of one with less checks; all of them by default.

        Raises:
            StoreDamaged, StoreUnavailable: its file cannot be used.
        """
        self.name = name
        self._signer = signer
        self._store = Store(path, name, keeps=LIFECYCLE)
        self._committing = RLock()
        self.agreed = 0
        self._validator = validator or Validator()
        try:
            self._take_up()
        except BaseException:
            self._store.close()
            raise

    @classmethod
    def make(cls, path: Path, configuration: Configuration, signer: Signer) -> Channel:
        """A new channel, with its first block.

        Raises:
            RefusedInput, IdentityRefused: the configuration is none.
        """
        envelope = _config_envelope(configuration, signer)
        block = seal(make_block(0, b"", [envelope]), 0, signer, _nonce())
        with Store(path, configuration.channel) as store:
            transaction_id, at = identify(Candidate(envelope))
            entries = [Entry(transaction_id, at, Code.VALID)]
            store.append(replace(block, flags=(Code.VALID,)), entries, [])
        return cls(path, configuration.channel, signer)

    @property
    def wants_to_fold(self) -> bool:
        """Whether its write-ahead file is to be emptied before the next block."""
        return self._store.wants_to_fold

    def fold_in(self) -> None:
        """Have all of it in its one file, durably.

        Raises:
            StoreUnavailable, StoreDamaged: it cannot be.
        """
        self._store.fold_in()

    def close(self) -> None:
        """Close its file."""
        with self._committing:
            self._store.close()

    def _take_up(self) -> None:
        """Read from the file what is kept in memory: the newest configuration."""
        self._definitions: dict[str, ChaincodeDefinition] = {}
        with self._store.view_of_writer() as view:
            tip = view.newest_block()
            if tip is None:
                raise self._damaged("has no first block")
            try:
                newest = parse_block(tip)
                self._tip = newest.hash
                self.last_config = newest.last_config_number
                raw = tip if newest.number == self.last_config else view.block(self.last_config)
                candidate = Candidate(parse_block(raw or b"").envelopes[0])
                is_first = self.last_config == 0
                found = read_genesis(candidate.raw) if is_first else configuration_of(candidate)
            except (MessageMalformed, IndexError) as error:
                raise self._damaged(f"newest block or configuration: {error}") from error
            self.configuration, self.members = found, Members(found)
            try:
                self._check_era(newest, view)
            except (MessageMalformed, IdentityRefused) as error:
                raise self._damaged(f"era of what comes next: {error}") from error

    def _check_era(self, newest: Block, view: StateView) -> None:
        def hash_of(number: int) -> bytes:
            return parse_block(view.block(number) or b"").hash

        chain = ChainOfEra(view.height, read_era_of(newest), hash_of)
        store = self._store
        check_era(self.name, store.era, store.seal_of_era, chain, self.configuration, self.members)

    def _seal_era(self, era: int, first: int, below: bytes) -> str:
        return seal_era(self.name, era, first, below, self._signer, _nonce())

    def _damaged(self, what: str) -> StoreDamaged:
        return StoreDamaged(what, who=self._store.path, remedy=REMEDY)

    @property
    def height(self) -> int:
        """Number of blocks."""
        return self._store.height

    @property
    def organisations(self) -> Mapping[str, Organisation]:
        """As the newest configuration says, by MSP id."""
        return self.configuration.organisations

    def view(self) -> StateView:
        """The newest height; close it soon.

        Raises:
            Overloaded: too many heights are being read.
        """
        return self._store.view()

    def definition(self, chaincode: str) -> ChaincodeDefinition | None:
        """What the organisations agreed on; None when there is no such chaincode."""
        known = self._definitions
        found = known.get(chaincode)
        if found is None:
            with self._store.view(is_short=True) as view:
                found = definition_in(view, chaincode)
            if found is not None:  # what is not there has any name that somebody asks for
                known[chaincode] = found
        return found

    def has_transaction(self, transaction_id: str) -> bool:
        """Whether a transaction of that id stands in a block, valid or not."""
        return self.status(transaction_id) is not None

    def status(self, transaction_id: str) -> Status | None:
        """What became of a transaction; None when no block holds it."""
        with self._store.view(is_short=True) as view:
            placed = view.placed(transaction_id)
        return None if placed is None else Status(placed.code, placed.block)

    def block(self, number: int) -> bytes | None:
        """A block; None when there is none of that number."""
        with self._store.view(is_short=True) as view:
            return view.block(number)

    def block_size(self, number: int) -> int | None:
        """Bytes of a block; None when there is none of that number."""
        with self._store.view(is_short=True) as view:
            return view.block_size(number)

    def block_by_hash(self, hash_: bytes) -> bytes | None:
        """The block of a hash; None when there is none."""
        with self._store.view(is_short=True) as view:
            return view.block_by_hash(hash_)

    def block_of(self, transaction_id: str) -> bytes | None:
        """The first block that holds a transaction; None when none does."""
        with self._store.view(is_short=True) as view:
            placed = view.placed(transaction_id)
            return None if placed is None else view.block(placed.block)

    def transaction(self, transaction_id: str) -> tuple[bytes, Code] | None:
        """Envelope and code of a transaction; None when no block holds it."""
        with self._store.view(is_short=True) as view:
            placed = view.placed(transaction_id)
            raw = None if placed is None else view.block(placed.block)
        if placed is None or raw is None:
            return None
        return parse_block(raw).envelopes[placed.position], placed.code

    def config_block(self) -> bytes:
        """The newest block with a configuration."""
        raw = self.block(self.last_config)
        if raw is None:
            raise self._damaged("has no block with its configuration")
        return raw

    def check_order(self, envelope: bytes, at: datetime) -> None:
        """Check that the orderer takes an envelope; see `admitting.check_order`."""
        check_order(envelope, self.name, self.members, at)

    def commit(self, envelopes: Sequence[bytes]) -> Block:
        """Validate the next block and keep it; on the disk when this returns.

        Args:
            envelopes: at least one.

        Raises:
            StoreUnavailable, StoreDamaged: nothing of it is kept.
            StoreDoubtful: nothing is, unless this process dies before the next block.
        """
        return self.commit_all(envelopes).block

    def commit_all(self, envelopes: Sequence[bytes]) -> Committed:
        """As `commit`, and tell what the index says of each transaction."""
        with self._committing:
            made = make_block(self.height, self._tip, envelopes)
            with self._store.view_of_writer() as view:
                ground = self._ground(view)
                outcome = self._validator.validate(made.number, envelopes, ground)
            self._tell_faults(made, outcome)
            new = outcome.configuration
            members = None if new is None else Members(new)
            last_config = self.last_config if new is None else made.number
            sealed = seal(made, last_config, self._signer, _nonce(), self._store.era)
            block = replace(sealed, flags=outcome.flags)
            writes, entries = writes_of(outcome), entries_of(outcome)
            self._store.append(block, entries, writes)
            # From here on nothing fails: the block is kept, and must not be made again.
            self._tip, self.last_config = block.hash, last_config
            if any(each.namespace == LIFECYCLE for each in writes):
                self._definitions = {}
                self.agreed += 1
            if new is not None and members is not None:
                self.configuration, self.members = new, members
            return Committed(block, entries)

    def _ground(self, view: StateView) -> Ground:
        era = self._store.era
        return Ground(self.name, self.configuration, self.members, view, era=era)

    def _tell_faults(self, made: Block, outcome: Outcome) -> None:
        for place, error in outcome.faults.items():
            transaction_id, _ = identify(outcome.candidates[place])
            _log.error(
                "validation failed, so the transaction does not count",
                channel=self.name,
                block=made.number,
                position=place,
                transaction=transaction_id[:64] or "unreadable",
                kind=type(error).__name__,
                reason=error,
                place=place_of(error),
            )

    def reconfigure(self, configuration: Configuration) -> Committed:
        """Commit a new configuration, in a block of its own.

        Raises:
            RefusedInput, IdentityRefused: it is none, or not the next.
        """
        with self._committing:
            return self.commit_all([_config_envelope(configuration, self._signer)])

    def revert(self, height: int) -> None:
        """Take back all blocks from `height` on, which is >= 1."""
        with self._committing:
            try:
                self._store.revert(max(1, height), self._seal_era)
                self._take_up()
            finally:
                self.agreed += 1


def definition_in(view: StateView, chaincode: str) -> ChaincodeDefinition | None:
    """The definition of a chaincode at one height; None when there is none."""

    def read(key: str) -> bytes | None:
        found = view.get(LIFECYCLE, key)
        return None if found is None else found[0]

    return read_definition(chaincode, read)


def entries_of(outcome: Outcome) -> list[Entry]:
    """What the index says of a block's transactions."""
    return [
        Entry(*identify(each), code)
        for each, code in zip(outcome.candidates, outcome.flags, strict=True)
    ]


def writes_of(outcome: Outcome) -> list[Written]:
    """What those of a block wrote that count."""
    return [
        Written(one.namespace, write.key, write.value, place)
        for place, (each, code) in enumerate(zip(outcome.candidates, outcome.flags, strict=True))
        if code is Code.VALID and outcome.configuration is None
        for one in each.sets
        for write in one.writes
    ]


def _config_envelope(configuration: Configuration, signer: Signer) -> bytes:
    at = time.time_ns()
    return make_config_envelope(configuration, signer, nonce=_nonce(), timestamp_ns=at)


def _nonce() -> bytes:
    return Randomness().octets(NONCE_BYTES)
