"""A channel against a plain model: states, versions, codes and history, over random transactions.

Few keys, so that transactions meet; composite keys; ranges read whole or left early; deletes;
several transactions in flight over several blocks, some of them twice; upgrades of the chaincode,
blocks taken back, the file closed and opened again.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from tests.offchain.ledger.embedded.channel.plain_model import (
    PlainChannel,
    PlainRange,
    PlainTransaction,
    Writer,
)
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    definition_read,
    firm,
    orderer,
)

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.verifying import verify_file
from edgemark.ledger.embedded.eras import era_of, place_of
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Read,
    Version,
    Write,
)

KEYS = ("a", "ba", "é", "\x00t\x00b\x00")
SPANS = (("", ""), ("", "c"), ("b", ""), ("\x00t\x00", "\x00t\x00\U0010ffff"), ("c", "b"))


@dataclass(frozen=True)
class InFlight:
    """A transaction that was endorsed and not ordered yet."""

    envelope: bytes
    plain: PlainTransaction


@dataclass(frozen=True)
class Wish:
    """What a transaction is to read and write."""

    reads: frozenset[str]
    ranges: tuple[tuple[str, str, int | None], ...]
    writes: dict[str, bytes | None]
    is_endorsed: bool


WISHES = st.builds(
    Wish,
    reads=st.frozensets(st.sampled_from(KEYS), max_size=1),
    ranges=st.lists(
        st.tuples(st.sampled_from(SPANS), st.none() | st.integers(1, 3)).map(
            lambda one: (*one[0], one[1])
        ),
        max_size=1,
    ).map(tuple),
    writes=st.dictionaries(
        st.sampled_from(KEYS), st.sampled_from((b"1", b"2", b"", None)), min_size=1, max_size=2
    ),
    is_endorsed=st.integers(0, 9).map(bool),
)


def writer_of(version: Version) -> Writer:
    position = version.position
    return version.block, place_of(position), era_of(position)


@cache
def begun() -> Path:
    path = Path(mkdtemp()) / "begun.sqlite"
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as channel:
        define(channel)
    return path


class ChannelMachine(RuleBasedStateMachine):
    in_flight = Bundle("in_flight")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(mkdtemp())
        self.path = shutil.copyfile(begun(), self.folder / "trade.sqlite")
        self.open()
        self.plain = PlainChannel()

    def open(self) -> None:
        self.channel = Channel(self.path, CHANNEL, orderer())
        self.channel._store._writer.execute("PRAGMA synchronous=OFF")  # nothing here is killed

    def teardown(self) -> None:
        if hasattr(self, "channel"):
            height = self.channel.height
            self.channel.close()
            found = verify_file(self.path, CHANNEL, firm("OrdererMSP").organisation)
            assert found.blocks == height
            shutil.rmtree(self.folder)

    @rule(target=in_flight, wish=WISHES)
    def endorse(self, wish: Wish) -> InFlight:
        """A transaction that stays in flight while others are committed."""
        return self._simulate(wish)

    @rule(
        wishes=st.lists(WISHES, min_size=2, max_size=4),
        older=st.lists(in_flight, max_size=2),
        twice=st.booleans(),
    )
    def compete(self, wishes: list[Wish], older: list[InFlight], twice: bool) -> None:
        """Several simulated on one state, one of them twice, and older ones, in one block."""
        made = [self._simulate(each) for each in wishes]
        self._order([*made, *made[: int(twice)], *older])

    @rule(batch=st.lists(in_flight, min_size=1, max_size=4))
    def order(self, batch: list[InFlight]) -> None:
        self._order(batch)

    def _order(self, batch: list[InFlight]) -> None:
        block = self.channel.commit([each.envelope for each in batch])
        assert list(block.flags) == self.plain.commit([each.plain for each in batch])

    def _simulate(self, wish: Wish) -> InFlight:
        state = self.plain.states[-1]
        spans = tuple(
            PlainRange(start, end, most, self.plain.read_range(start, end, most))
            for start, end, most in wish.ranges
        )
        made = NamespaceSet(
            "code",
            reads=tuple(self._read(key) for key in sorted(wish.reads)),
            writes=tuple(Write(key, value) for key, value in wish.writes.items()),
            ranges=tuple(self._read_range(each) for each in spans),
        )
        endorsers = [firm(each).peer for each in ORGANISATIONS[: 2 if wish.is_endorsed else 1]]
        draft = Draft([definition_read(self.channel), made], endorsers=endorsers)
        plain = PlainTransaction(
            name=draft.transaction_id,
            sequence=self.plain.sequences[-1],
            reads={key: state[key][1] if key in state else None for key in wish.reads},
            ranges=spans,
            writes=wish.writes,
            is_endorsed=wish.is_endorsed,
        )
        return InFlight(draft.envelope(), plain)

    def _read(self, key: str) -> Read:
        """As an endorser reads it: from the channel, which the model has to agree with."""
        with self.channel.view() as view:
            found = view.get("code", key)
        expected = self.plain.states[-1].get(key)
        assert (None if found is None else (found[0], writer_of(found[1]))) == expected
        return Read(key, None if found is None else found[1])

    def _read_range(self, span: PlainRange) -> RangeRead:
        seen: list[tuple[str, Version]] = []
        is_exhausted = True
        with self.channel.view() as view:
            for key, _, version in view.range("code", span.start, span.end):
                seen.append((key, version))
                if len(seen) == span.most:
                    is_exhausted = False
                    break
        assert [(key, writer_of(version)) for key, version in seen] == list(span.rows)
        end = span.end if is_exhausted else seen[-1][0]
        return RangeRead(span.start, end, is_exhausted, tuple(Read(*each) for each in seen))

    @rule()
    def upgrade(self) -> None:
        sequence = self.plain.sequences[-1][0] + 1
        define(self.channel, sequence=sequence, version=f"{sequence}")
        self.plain.upgrade(secrets.token_hex(8))

    @rule(down=st.integers(1, 4))
    def take_back(self, down: int) -> None:
        height = max(2, self.plain.height - down)
        self.channel.revert(height)
        self.plain.revert(height)

    @rule()
    def open_again(self) -> None:
        self.channel.close()
        self.open()

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "channel"):
            return
        state = self.plain.states[-1]
        assert self.channel.height == self.plain.height
        with self.channel.view() as view:
            for start in ("", "\x00"):
                rows = [
                    (key, (value, writer_of(at)))
                    for key, value, at in view.range("code", start, "")
                ]
                assert rows == sorted(
                    each for each in state.items() if start or not each[0].startswith("\x00")
                )
            for key in KEYS:
                told = [
                    (each.transaction_id, None if each.is_delete else each.value)
                    for each in view.history("code", key)
                ]
                assert told == self.plain.history(key)


TestChannelMachine = ChannelMachine.TestCase
TestChannelMachine.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)


def test_machine__meets_every_code_that_it_is_for() -> None:
    """Twice the same block of a fixed script: the model is not blind to any of its codes."""
    plain, first = PlainChannel(), (1, 0)
    one = PlainTransaction("1", first, {"a": None}, (), {"a": b"1"}, True)
    late = PlainTransaction("2", first, {"a": None}, (), {}, True)
    ranged = PlainTransaction("3", first, {}, (PlainRange("", "", None, ()),), {}, True)
    weak = PlainTransaction("4", first, {}, (), {"b": b"1"}, False)
    assert plain.commit([one, one, late, ranged, weak]) == [
        Code.VALID,
        Code.DUPLICATE_TXID,
        Code.MVCC_READ_CONFLICT,
        Code.PHANTOM_READ_CONFLICT,
        Code.ENDORSEMENT_POLICY_FAILURE,
    ]
