"""The disk of an engine: bounded, whole after a kill at any place, and damage is told."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from tests.offchain.systems.trading.work.work_cast import CHANNELS, order_run

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.errors import Unrecoverable
from edgemark.journal.journal import Journal, JournalDamaged, JournalInUse
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.work import spool as spooling
from edgemark.systems.trading.work.messages import Answer, Order, Usage
from edgemark.systems.trading.work.meter import EngineBusy, record_forgotten
from edgemark.systems.trading.work.spool import SHARES, PartDamaged, Spool

PROGRAM = hash_long(b"program")
SIZE = 1000


def part(number: int, channel: ChannelId = CHANNELS[0]) -> bytes:
    return bytes([number]) + channel + bytes(SIZE - 33)


def order(number: int, channel: ChannelId = CHANNELS[0]) -> Order:
    return order_run(PROGRAM, part(number, channel), channel=channel, number=number)


def take(spool: Spool, number: int, channel: ChannelId = CHANNELS[0]) -> Order:
    taken = order(number, channel)
    assert spool.meter.find(taken) is None
    spool.take(taken, {taken.data: part(number, channel)})
    return taken


def give(spool: Spool, taken: Order, output: bytes = b"out") -> Answer:
    answer = Answer(
        taken.id, End.FINISHED, 0, hash_long(output), len(output), Usage(octets=SIZE + len(output))
    )
    spool.answer(answer, output)
    return answer


def parts_in(folder: Path) -> set[str]:
    return {path.name for path in (folder / "parts").iterdir()}


def test_what_was_kept__is_there_after_opening_anew(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    with Spool(folder) as spool:
        first, second = take(spool, 1), take(spool, 2)
        answer = give(spool, first)
        before = spool.meter
    with Spool(folder) as spool:
        assert spool.meter == before
        assert spool.meter.held[first.id].answer == answer
        assert spool.part(answer.output) == b"out"
        assert spool.part(second.data) == part(2)
        assert parts_in(folder) == {answer.output.hex(), second.data.hex()}
        with pytest.raises(JournalInUse):
            Spool(folder)


def test_nobody_else__reads_what_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    with Spool(folder) as spool:
        taken = take(spool, 1)
        modes = [folder, folder / "parts", folder / "parts" / taken.data.hex()]
        assert [stat.S_IMODE(path.stat().st_mode) for path in modes] == [0o700, 0o700, 0o600]
    (folder / "parts").chmod(0o755)
    with pytest.raises(Unrecoverable, match="others can open it"):
        Spool(folder)


def test_parts_of_an_order_that_was_never_taken__go(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    with Spool(folder) as spool:
        taken = take(spool, 1)
    (folder / "parts" / ("00" * 32)).write_bytes(b"half of a part")
    with Spool(folder):
        assert parts_in(folder) == {taken.data.hex()}


def test_a_part_that_two_orders_name__lies_there_once_and_as_long_as_one_needs_it(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path / "engine") as spool:
        first, second = order_run(PROGRAM, b"same"), order_run(PROGRAM, b"same", number=2)
        for each in (first, second):
            spool.take(each, {each.data: b"same"})
        give(spool, first, b"same")  # as `cat` does
        assert spool.part(second.data) == b"same"
        give(spool, second, b"other")
        assert spool.part(first.data) == b"same"


def test_a58_the_spool__is_bounded_and_the_oldest_answers_of_whoever_has_most_go(
    tmp_path: Path,
) -> None:
    folder, most = tmp_path / "engine", SHARES * SIZE
    modest, greedy = CHANNELS[:2]
    with Spool(folder, most) as spool:
        kept = take(spool, 1, modest)
        give(spool, kept, part(9, modest))
        for number in range(1, 20):
            give(spool, take(spool, number, greedy), part(100 + number, greedy))
            size = sum(path.stat().st_size for path in (folder / "parts").iterdir())
            assert size <= most
        assert spool.meter.held[kept.id].answer is not None
        assert order(1, greedy).id not in spool.meter.held
        assert order(19, greedy).id in spool.meter.held
        assert spool.meter.accounts[greedy].answered == 19


def test_what_is_open__never_goes_and_no_channel_has_all_the_room(tmp_path: Path) -> None:
    with Spool(tmp_path / "engine", SHARES * SIZE) as spool:
        taken = [take(spool, 1, channel) for channel in CHANNELS]
        with pytest.raises(EngineBusy, match="open orders"):
            take(spool, 2, CHANNELS[0])
        with pytest.raises(EngineBusy, match="no room"):
            take(spool, 1, ChannelId(bytes([99]) * 32))
        assert [spool.part(each.data) for each in taken] == [part(1, each) for each in CHANNELS]
        give(spool, taken[0], b"")
        take(spool, 1, ChannelId(bytes([99]) * 32))


def test_answers__are_no_more_than_there_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "MAX_KEPT", 3)
    with Spool(tmp_path / "engine") as spool:
        for number in range(1, 7):
            give(spool, take(spool, number))
        assert [held.order.number for held in spool.meter.held.values()] == [4, 5, 6]


def test_records__are_written_anew_before_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "REWRITE_AFTER", 10)
    monkeypatch.setattr(spooling, "MAX_KEPT", 3)
    folder = tmp_path / "engine"
    with Spool(folder) as spool:
        for number in range(1, 40):
            give(spool, take(spool, number))
            with Journal.look_at(folder / "engine.journal") as journal:
                assert journal.count <= 11
        before = spool.meter
    with Spool(folder) as spool:
        assert spool.meter == before


def test_a_channel_that_is_forgotten__takes_its_parts_along(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    with Spool(folder) as spool:
        give(spool, take(spool, 1))
        other = take(spool, 1, CHANNELS[1])
        spool.forget(record_forgotten(CHANNELS[0]))
        assert parts_in(folder) == {other.data.hex()}


@pytest.mark.parametrize("damage", [b"", b"other bytes", b"\0" * SIZE])
def test_a_part_that_is_not_what_was_written__is_no_part(tmp_path: Path, damage: bytes) -> None:
    folder = tmp_path / "engine"
    with Spool(folder) as spool:
        taken = take(spool, 1)
        path = folder / "parts" / taken.data.hex()
        path.write_bytes(damage)
        with pytest.raises(PartDamaged):
            spool.part(taken.data)
        path.unlink()
        with pytest.raises(PartDamaged):
            spool.part(taken.data)


def test_records_that_follow_from_none_before__are_damage(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    with Spool(folder):
        pass
    with Journal.open(folder / "engine.journal") as journal:
        journal.append(b"\x04" + bytes(32))
    with pytest.raises(JournalDamaged):
        Spool(folder)
    with pytest.raises(JournalDamaged):  # and its lock was given back
        Spool(folder)
