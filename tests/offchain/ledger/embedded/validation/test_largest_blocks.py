"""Validation at its limits: many keys, rows, endorsements, members, and two threads at once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    NOW,
    Draft,
    configuration_of,
    define,
    firm,
    orderer,
    puts,
)
from tests.offchain.ledger.embedded.validation.forging import Parts

from edgemark.ledger.embedded.channel.admitting import NotOrdered
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.validation import ground
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import (
    MAX_ENDORSEMENTS,
    MAX_ENVELOPE_BYTES,
    MAX_KEYS_OF_TRANSACTION,
    MAX_ORGANISATIONS,
    MAX_ROWS_OF_QUERY,
    MAX_VALUE_BYTES,
)
from edgemark.ledger.fabric.wire.read_write_sets import RangeRead, Read, Version

MOMENTS_S = 20.0  # each range through all writes took minutes


@pytest.fixture
def channel(begun: Path, tmp_path: Path) -> Iterator[Channel]:
    path = shutil.copyfile(begun, tmp_path / "trade.sqlite")
    with Channel(path, CHANNEL, orderer()) as opened:
        yield opened


def test_transaction_of_most_keys__counts__and_all_of_them_are_checked(channel: Channel) -> None:
    names = [f"k{each:05}" for each in range(MAX_KEYS_OF_TRANSACTION)]
    first = Draft([puts(dict.fromkeys(names, b"v"))])
    assert channel.commit([first.envelope()]).flags == (Code.VALID,)
    seen = tuple(Read(name, Version(2, 0)) for name in names)
    whole, but_one = RangeRead("", "", True, seen), RangeRead("", names[-1], True, seen[:-1])
    singly = tuple(RangeRead(each.key, f"{each.key}a", True, (each,)) for each in seen)
    stale = (*seen[:-1], Read(names[-1], Version(1, 0)))
    flags = channel.commit(
        [
            Draft([puts({}, reads=stale)]).envelope(),
            Draft([puts({}, reads=seen)]).envelope(),
            Draft([puts({}, ranges=singly)]).envelope(),
            Draft([puts({names[-1]: None}, ranges=(but_one,))]).envelope(),
            Draft([puts({}, ranges=(whole,))]).envelope(),
        ]
    ).flags
    good = (Code.VALID,) * 3
    assert flags == (Code.MVCC_READ_CONFLICT, *good, Code.PHANTOM_READ_CONFLICT)


def test_most_ranges_beside_most_writes__are_checked_in_moments(channel: Channel) -> None:
    """Of empty ranges, and of ranges in which all that there is was deleted in the block."""
    names = [f"k{each:05}" for each in range(MAX_KEYS_OF_TRANSACTION)]
    narrow = [RangeRead(f"{name}a", f"{name}b", True, ()) for name in names]
    writes, ranges = Draft([puts(dict.fromkeys(names, b"v"))]), Draft([puts({}, ranges=narrow)])
    wide = [RangeRead("k", f"l{each}", True, ()) for each in range(MAX_KEYS_OF_TRANSACTION)]
    deletes, over = Draft([puts(dict.fromkeys(names))]), Draft([puts({}, ranges=wide)])
    few = Draft([puts({}, ranges=wide[: MAX_ROWS_OF_QUERY // len(names)])])
    most = Draft([puts({}, ranges=[*narrow, wide[0]])])
    begun = time.monotonic()
    assert channel.commit([writes.envelope(), ranges.envelope()]).flags == (Code.VALID,) * 2
    flags = channel.commit([each.envelope() for each in (deletes, over, few, most)]).flags
    took_s = time.monotonic() - begun
    conflict, no = Code.PHANTOM_READ_CONFLICT, Code.ILLEGAL_WRITESET
    assert flags == (Code.VALID, conflict, Code.VALID, no)
    assert took_s < MOMENTS_S


def test_largest_envelope__is_ordered__and_a_larger_one_refused(channel: Channel) -> None:
    spare = 10_000  # of it for certificates and signatures
    rest = MAX_ENVELOPE_BYTES - spare - 2 * MAX_VALUE_BYTES
    sizes = {"k": MAX_VALUE_BYTES, "l": MAX_VALUE_BYTES, "m": rest}
    largest = Draft([puts({key: b"v" * size for key, size in sizes.items()})]).envelope()
    assert MAX_ENVELOPE_BYTES - spare < len(largest) <= MAX_ENVELOPE_BYTES
    channel.check_order(largest, NOW)
    assert channel.commit([largest]).flags == (Code.VALID,)
    with pytest.raises(NotOrdered, match="too large"):
        channel.check_order(Draft([puts({"k": b"v" * MAX_ENVELOPE_BYTES})]).envelope(), NOW)


def endorsed(garbage: int) -> bytes:
    """A good transaction with endorsements before its own whose signatures are wrong."""
    parts = Parts(Draft([puts({"k": b"v"})]))
    kept = list(parts.asked.action.endorsements)
    del parts.asked.action.endorsements[:]
    for each in range(garbage):
        parts.asked.action.endorsements.add(endorser=kept[0].endorser, signature=b"%d" % each)
    parts.asked.action.endorsements.extend(kept)
    return parts.envelope()


def test_endorsements_that_are_wrong__do_not_hinder_good_ones__up_to_a_number(
    channel: Channel,
) -> None:
    assert channel.commit([endorsed(MAX_ENDORSEMENTS - 2)]).flags == (Code.VALID,)
    flags = channel.commit([endorsed(MAX_ENDORSEMENTS - 1)]).flags
    assert flags == (Code.ENDORSEMENT_POLICY_FAILURE,)


def test_largest_channel__takes_the_majority_of_its_organisations(tmp_path: Path) -> None:
    names = [f"Org{each}MSP" for each in range(1, MAX_ORGANISATIONS + 1)]
    with Channel.make(tmp_path / "trade.sqlite", configuration_of(*names), orderer()) as channel:
        define(channel)
        half = [firm(each).peer for each in names[: MAX_ORGANISATIONS // 2]]
        more = [*half, firm(names[-1]).peer]
        few, enough = (Draft([puts({"k": b"v"})], endorsers=each) for each in (half, more))
        flags = channel.commit([few.envelope(), enough.envelope()]).flags
        assert flags == (Code.ENDORSEMENT_POLICY_FAILURE, Code.VALID)


def test_members_that_are_forgotten__are_found_again__from_two_threads(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "MAX_KNOWN", 4)
    clients = [firm("Org1MSP").somebody(f"c{each}", MemberRole.CLIENT) for each in range(6)]
    envelopes = [Draft([puts({"k": b"v"})], creator=each).envelope() for each in clients]

    def look(_: int) -> None:
        for each in envelopes * 20:
            channel.check_order(each, NOW)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(look, range(4)))
    assert set(channel.commit(envelopes).flags) == {Code.VALID}
    assert len(channel.members._known) <= 4
