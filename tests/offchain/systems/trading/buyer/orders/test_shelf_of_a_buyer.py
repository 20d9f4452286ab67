"""What a buyer keeps of its orders: bytes by their digests, results whole, and nothing for ever."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from tests.offchain.systems.trading.work.work_cast import CHANNELS, make_batch, make_dense

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.errors import Overloaded, Unrecoverable
from edgemark.identifiers import Hash32
from edgemark.systems.trading.buyer.orders.ordering import ALL, Lot, Wanted, draft_lot
from edgemark.systems.trading.buyer.orders.shelf import FOLDER, YOUNG_S, Shelf, ShelfDamaged
from edgemark.systems.trading.buyer.purchase import MAX_REQUESTS

FUNCTION = make_dense()
CHANNEL, OTHER = CHANNELS[:2]
BATCH = make_batch(FUNCTION, 6)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def put(shelf: Shelf, pieces: int = 2, first: int = 1, out: str = "") -> tuple[Wanted, Lot]:
    wanted = Wanted.polynomial(FUNCTION, BATCH, pieces)
    lot = draft_lot(wanted, CHANNEL, first, cores=1, sample=ALL, out=out, asked_at_us=7)
    shelf.keep(wanted)
    shelf.add(CHANNEL, lot)
    return wanted, lot


def age_parts(home: Path) -> None:
    for path in (home / FOLDER / "parts").iterdir():
        os.utime(path, (time.time() - YOUNG_S - 1,) * 2)


def parts(home: Path) -> set[str]:
    return {path.name for path in (home / FOLDER / "parts").iterdir()}


def test_a_lot__is_read_back_as_it_was_by_another_process(shelf: Shelf, tmp_path: Path) -> None:
    _, lot = put(shelf, out="/somewhere/out.json")
    again = Shelf(tmp_path)
    assert again.lots(CHANNEL) == [lot]
    assert again.lot_of(CHANNEL, 2) == lot
    assert again.lot_of(CHANNEL, 3) is None
    assert again.lots(OTHER) == []


def test_parts__are_there_once_for_their_owner_alone(shelf: Shelf, tmp_path: Path) -> None:
    wanted, lot = put(shelf)
    put(shelf, first=3)
    assert parts(tmp_path) == {hash_long(part).hex() for part in (wanted.function, *wanted.pieces)}
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / FOLDER / "parts").iterdir()}
    assert modes == {0o600}
    assert shelf.part(lot.orders[0].data) == wanted.pieces[0]


def test_a_part_that_is_missing_or_changed__is_told_and_never_used(
    shelf: Shelf, tmp_path: Path
) -> None:
    _, lot = put(shelf)
    digest = lot.orders[0].data
    (tmp_path / FOLDER / "parts" / digest.hex()).write_bytes(b"other")
    with pytest.raises(ShelfDamaged, match="other bytes"):
        shelf.part(digest)
    with pytest.raises(ShelfDamaged, match="missing"):
        shelf.part(Hash32(bytes(32)))


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'{"version": 9}', b"\xff", b'{"orders": 1}'])
def test_a_damaged_lot__is_told_with_its_file(shelf: Shelf, tmp_path: Path, raw: bytes) -> None:
    put(shelf)
    (tmp_path / FOLDER / CHANNEL.hex() / "1.lot").write_bytes(raw)
    with pytest.raises(ShelfDamaged, match=r"1\.lot"):
        shelf.lots(CHANNEL)


def test_a_result__is_written_when_all_outputs_are_there_and_then_nothing_else_is(
    shelf: Shelf, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    wanted, lot = put(shelf, out=str(out))
    outputs = [FUNCTION.evaluate(piece) for piece in wanted.pieces]
    shelf.keep_output(CHANNEL, 2, outputs[1])
    shelf.conclude(CHANNEL, lot)
    assert (shelf.done(CHANNEL, 1), out.exists()) == (None, False)
    shelf.keep_output(CHANNEL, 1, outputs[0])
    age_parts(tmp_path)
    shelf.conclude(CHANNEL, lot)
    values = [to_signed(element) for element in FIELD.unpack(FUNCTION.evaluate(BATCH))]
    assert json.loads(out.read_text()) == [values[at : at + 3] for at in range(0, len(values), 3)]
    done = shelf.done(CHANNEL, 1)
    assert done is not None
    assert (done.out, dict(done.ends)) == (str(out), {})
    assert (shelf.lots(CHANNEL), parts(tmp_path)) == ([], set())
    assert not shelf.has_output(CHANNEL, 1)


def test_a_lot_whose_work_never_began__has_no_result_and_says_of_which_order(
    shelf: Shelf, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    _, lot = put(shelf, out=str(out))
    for number in lot.numbers:
        shelf.keep_output(CHANNEL, number, b"", End.UNSTARTED)
    shelf.conclude(CHANNEL, lot)
    done = shelf.done(CHANNEL, 1)
    assert done is not None
    ends = {"1": "unstarted", "2": "unstarted"}
    assert (done.out, dict(done.ends), out.exists()) == ("", ends, False)


def test_a_lot_that_was_not_finished__has_null_for_each_input_without_its_values(
    shelf: Shelf, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    wanted, lot = put(shelf, pieces=3, out=str(out))
    values, row = [FUNCTION.evaluate(piece) for piece in wanted.pieces], lot.output_bytes[0] // 2
    shelf.keep_output(CHANNEL, 1, values[0][:row], End.OVER_TIME)
    shelf.keep_output(CHANNEL, 2, b"", End.UNSTARTED)
    shelf.keep_output(CHANNEL, 3, values[2])
    shelf.conclude(CHANNEL, lot)
    done = shelf.done(CHANNEL, 1)
    assert done is not None
    assert (done.out, dict(done.ends)) == (str(out), {"1": "over_time", "2": "unstarted"})
    flat = [to_signed(element) for element in FIELD.unpack(FUNCTION.evaluate(BATCH))]
    rows = [flat[at : at + 3] for at in range(0, len(flat), 3)]
    assert json.loads(out.read_text()) == [rows[0], None, None, None, rows[4], rows[5]]


def test_the_result_of_a_program__is_its_output_and_how_it_ended_is_told(
    shelf: Shelf, tmp_path: Path
) -> None:
    wanted = Wanted.program(Hash32(b"\x07" * 32), b"data", 1000)
    out = tmp_path / "out"
    lot = draft_lot(wanted, CHANNEL, 1, cores=1, sample=ALL, out=str(out), asked_at_us=0)
    shelf.keep(wanted)
    shelf.add(CHANNEL, lot)
    shelf.keep_output(CHANNEL, 1, b"half", End.OVER_TIME)
    shelf.conclude(CHANNEL, lot)
    done = shelf.done(CHANNEL, 1)
    assert done is not None
    assert (out.read_bytes(), dict(done.ends)) == (b"half", {"1": "over_time"})


def test_parts_that_are_young__wait_for_their_lot_and_others_go(
    shelf: Shelf, tmp_path: Path
) -> None:
    wanted, lot = put(shelf)
    more = Wanted.polynomial(FUNCTION, BATCH, 3)
    shelf.keep(more)  # of a lot that another process is about to add
    shelf.drop(CHANNEL, lot)
    assert {hash_long(piece).hex() for piece in more.pieces} <= parts(tmp_path)
    age_parts(tmp_path)
    shelf.tidy()
    assert parts(tmp_path) == set()
    assert wanted.function


def test_orders_beyond_their_number__are_refused(shelf: Shelf) -> None:
    wanted = Wanted.program(Hash32(b"\x07" * 32), b"data", 1000)
    for first in range(1, MAX_REQUESTS + 2):
        lot = draft_lot(wanted, CHANNEL, first, cores=1, sample=ALL, out="", asked_at_us=0)
        if first <= MAX_REQUESTS:
            shelf.add(CHANNEL, lot)
            continue
        with pytest.raises(Overloaded, match="too many"):
            shelf.add(CHANNEL, lot)


def test_the_first_evidence_of_a_wrong_answer__stays(shelf: Shelf) -> None:
    first = shelf.keep_wrong(CHANNEL, 1, {"why": "first"})
    assert shelf.keep_wrong(CHANNEL, 1, {"why": "second"}) == first
    shelf.keep_wrong_output(CHANNEL, 1, b"first")
    shelf.keep_wrong_output(CHANNEL, 1, b"second")
    assert json.loads(first.read_text()) == {"why": "first"}
    assert first.with_name("1.wrong-output").read_bytes() == b"first"
    assert shelf.wrong(CHANNEL) == [first]


def test_a_folder_that_others_can_enter__is_not_used(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(mode=0o777)
    (tmp_path / FOLDER).chmod(0o777)
    with pytest.raises(Unrecoverable):
        shelf.keep(Wanted.polynomial(FUNCTION, BATCH))
