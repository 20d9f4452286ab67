"""What a simulation records: compared with a plain reckoning, and at its bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.ledger.embedded.kept_channels import KeptChannel

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.simulation import recording
from edgemark.ledger.embedded.simulation.recording import Simulation
from edgemark.ledger.fabric.wire.limits import (
    MAX_KEY_BYTES,
    MAX_KEYS_OF_TRANSACTION,
    MAX_ROWS_OF_QUERY,
    MAX_VALUE_BYTES,
)
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Read,
    Write,
    parse_results,
)

NAME = "shelf"
KEYS = st.sampled_from(["a", "b", "c", "d", "é", "\x00t\x00a\x00", "\x00t\x00b\x00"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("put"), KEYS, st.binary(max_size=3)),
        st.tuples(st.just("delete"), KEYS),
        st.tuples(st.just("range"), KEYS | st.just(""), KEYS | st.just(""), st.integers(0, 9)),
    ),
    max_size=12,
)


def channel_of(keys: set[str]) -> KeptChannel:
    channel = KeptChannel("market", {})
    for key in sorted(keys):
        channel.put(NAME, key, key.encode())
        channel.height += 1
    return channel


class Reckoning:
    """What should be recorded, reckoned plainly."""

    def __init__(self, channel: KeptChannel) -> None:
        self.there = {key: held for (_, key), held in channel.values.items()}
        self.reads: dict[str, Any] = {}
        self.writes: dict[str, bytes | None] = {}
        self.ranges: dict[tuple[str, str, bool], RangeRead] = {}

    def read_range(self, start: str, end: str, count: int) -> list[str]:
        """Keys that are handed out of a range of which `count` rows are asked for."""
        first = (start or "\x01").encode()
        inside = [
            key
            for key in sorted(self.there, key=str.encode)
            if key.encode() >= first and (not end or key.encode() < end.encode())
        ]
        seen = tuple(Read(key, self.there[key][1]) for key in inside[:count])
        is_exhausted = count > len(inside)
        last = end if is_exhausted else (seen[-1].key if seen else "")
        if seen or is_exhausted:
            span = RangeRead(start, last, is_exhausted, seen)
            self.ranges.setdefault((start, last, is_exhausted), span)
        return inside[:count]

    def set(self) -> NamespaceSet:
        reads = tuple(Read(key, version) for key, version in self.reads.items())
        writes = tuple(Write(key, value) for key, value in self.writes.items())
        return NamespaceSet(NAME, reads, writes, tuple(self.ranges.values()))


def take(simulation: Simulation, reckoning: Reckoning, step: tuple[Any, ...]) -> None:
    kind, key, *rest = step
    if kind == "get":
        value, version = reckoning.there.get(key, (None, None))
        assert simulation.get(NAME, key) == value
        reckoning.reads[key] = version
    elif kind == "put":
        simulation.put(NAME, key, rest[0])
        reckoning.writes[key] = rest[0] or None  # an empty value deletes
    elif kind == "delete":
        simulation.delete(NAME, key)
        reckoning.writes[key] = None
    else:
        end, count = rest
        cursor = simulation.range(NAME, key, end)
        rows = [cursor.next_row() for _ in range(count)]
        cursor.close()
        found = [one.key for one in rows if one is not None]
        assert found == reckoning.read_range(key, end, count)


@given(st.sets(KEYS), STEPS)
def test_what_was_read_and_written__is_recorded_as_a_plain_reckoning_says(
    keys: set[str], steps: list[tuple[Any, ...]]
) -> None:
    channel = channel_of(keys)
    simulation, reckoning = Simulation(channel.view()), Reckoning(channel)
    for step in steps:
        take(simulation, reckoning, step)
    found = {each.namespace: each for each in simulation.sets()}
    assert found.get(NAME, NamespaceSet(NAME)) == reckoning.set()


def test_a_page__and_its_bookmark__record_no_more_than_the_page() -> None:
    channel = channel_of(set("abcd"))
    simulation = Simulation(channel.view())
    cursor = simulation.range(NAME, "a", "", 2)
    assert [cursor.next_row() is not None for _ in range(3)] == [True, True, False]
    assert cursor.bookmark() == "c"
    cursor.close()
    ((span,),) = [each.ranges for each in simulation.sets()]
    assert (span.end, span.is_exhausted, len(span.reads)) == ("b", False, 2)


def test_the_largest_transaction__is_taken__and_one_key_more_is_not() -> None:
    simulation = Simulation(channel_of(set()).view())
    for number in range(MAX_KEYS_OF_TRANSACTION // 2):
        simulation.get(NAME, f"k{number}")
        simulation.put(NAME, f"k{number}", b"x")
    simulation.get(NAME, "k1")
    simulation.put(NAME, "k1", b"again")
    with pytest.raises(RefusedInput, match="too many keys"):
        simulation.get(NAME, "one more")
    with pytest.raises(RefusedInput, match="too many keys"):
        simulation.put(NAME, "one more", b"x")
    ((held,)) = simulation.sets()
    assert len(held.reads) == len(held.writes) == MAX_KEYS_OF_TRANSACTION // 2


def rows_of(simulation: Simulation, start: str = "", upto: int = 10**9) -> int:
    cursor, found = simulation.range(NAME, start, ""), 0
    while found < upto and cursor.next_row() is not None:
        found += 1
    cursor.close()
    return found


@pytest.fixture(params=[100, pytest.param(MAX_KEYS_OF_TRANSACTION, marks=pytest.mark.soak)])
def most(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Keys of a transaction; ten times as many rows of a question, as the limits have it."""
    assert MAX_ROWS_OF_QUERY == 10 * MAX_KEYS_OF_TRANSACTION
    keys: int = request.param
    monkeypatch.setattr(recording, "MAX_KEYS_OF_TRANSACTION", keys)
    monkeypatch.setattr(recording, "MAX_ROWS_OF_QUERY", 10 * keys)
    return keys


@pytest.fixture
def crowded(most: int) -> KeptChannel:
    return channel_of({f"{each:06}" for each in range(10 * most + 1)})


def test_the_largest_question__is_answered__and_neither_endorsed_nor_followed_by_a_write(
    crowded: KeptChannel, most: int
) -> None:
    simulation = Simulation(crowded.view())
    assert rows_of(simulation, upto=most) == most
    assert not simulation.is_question
    (held,) = parse_results(simulation.results())
    assert len(held.ranges[0].reads) == most
    assert rows_of(simulation, upto=9 * most) == 9 * most
    assert simulation.is_question
    assert simulation.results() == b""
    with pytest.raises(RefusedInput, match="too many keys"):
        simulation.put(NAME, "k", b"v")
    with pytest.raises(RefusedInput, match="too many keys"):
        rows_of(simulation, upto=1)
    assert rows_of(Simulation(crowded.view())) == 10 * most


def test_rows_that_were_read__count_for_a_transaction_that_writes__before_and_after(
    crowded: KeptChannel, most: int
) -> None:
    before, after = Simulation(crowded.view()), Simulation(crowded.view())
    rows_of(before, upto=most - 1)
    before.put(NAME, "k", b"v")
    with pytest.raises(RefusedInput, match="too many keys"):
        before.put(NAME, "l", b"v")
    after.put(NAME, "k", b"v")
    with pytest.raises(RefusedInput, match="too many keys"):
        rows_of(after)
    ((held,)) = after.sets()
    assert len(held.ranges[0].reads) == most - 1


def test_the_largest_values__fit__and_their_sum_has_a_bound() -> None:
    simulation = Simulation(channel_of(set()).view())
    largest = b"x" * MAX_VALUE_BYTES
    simulation.put(NAME, "é" * (MAX_KEY_BYTES // 2), largest)
    simulation.put(NAME, "b", largest)
    simulation.put(NAME, "b", largest)  # takes the place of the first
    with pytest.raises(RefusedInput, match="writes too much"):
        simulation.put(NAME, "c", largest)
    with pytest.raises(RefusedInput, match="value is too long"):
        simulation.put(NAME, "d", largest + b"x")
    with pytest.raises(RefusedInput, match="key is too long"):
        simulation.put(NAME, "é" * (MAX_KEY_BYTES // 2) + "x", b"")


def test_ranges_of_a_transaction__are_bounded_though_nothing_is_in_them() -> None:
    simulation = Simulation(channel_of(set()).view())
    for each in range(MAX_KEYS_OF_TRANSACTION):
        simulation.range(NAME, f"k{each}", f"k{each}a").close()
    with pytest.raises(RefusedInput, match="too many ranges"):
        simulation.range(NAME, "a", "b")
