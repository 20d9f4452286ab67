"""Evidence of all channels that waits: which goes out together, and when (T19)."""

from __future__ import annotations

import pytest
from tests.offchain.systems.trading.controller.recording.evidence_cast import piece, pieces

from edgemark.systems.trading.controller.recording.waiting import EvidenceQueue, Form


def queue(form: Form = Form.BATCH, collect_s: float = 5.0) -> EvidenceQueue:
    return EvidenceQueue(form, collect_s)


def test_single_evidence__goes_at_once_and_each_by_itself() -> None:
    one = queue(Form.SINGLE)
    for each in pieces(3):
        one.put(each, now=10.0)
    assert [one.take(10.0) for _ in range(4)] == [[each] for each in pieces(3)] + [()]


def test_a_batch__waits_for_more_until_its_time_or_until_it_is_full() -> None:
    some = queue()
    some.put(piece(1), now=10.0)
    some.put(piece(2), now=12.0)
    assert some.take(14.9) == ()
    assert some.take(15.0) == [piece(1), piece(2)]
    for each in pieces(101):
        some.put(each, now=20.0)
    assert some.take(20.0) == pieces(100)
    assert some.take(20.0) == (), "the last one waits for more"
    assert len(some) == 1


def test_of_a_channel__only_the_newest_waits_and_keeps_its_place() -> None:
    some = queue()
    some.put(piece(1, 2), now=10.0)
    some.put(piece(2, 1), now=11.0)
    some.put(piece(1, 5), now=14.0)
    some.put(piece(1, 4), now=14.5)
    assert some.take(15.0) == [piece(1, 5), piece(2, 1)]


@pytest.mark.parametrize(("index", "left"), [(4, 1), (5, 0), (6, 0)])
def test_what_is_there__waits_no_more(index: int, left: int) -> None:
    some = queue()
    some.put(piece(1, 5), now=1.0)
    some.drop(piece(1).channel, index)
    some.drop(piece(7).channel, 1)
    assert len(some) == left


def test_a_list_that_was_refused__goes_one_by_one_and_after_its_pause() -> None:
    some = queue()
    some.give_back(pieces(2), now=10.0, after_s=0.0)
    assert [some.take(10.0), some.take(10.0), some.take(10.0)] == [[piece(0)], [piece(1)], ()]
    some.give_back([piece(0)], now=20.0, after_s=60.0)
    some.put(piece(1), now=21.0)
    assert some.take(26.0) == [piece(1)], "others go on"
    assert some.take(79.0) == ()
    assert some.take(80.0) == [piece(0)]


def test_what_was_refused__does_not_displace_what_is_newer() -> None:
    some = queue()
    some.put(piece(1, 9), now=10.0)
    some.give_back([piece(1, 3)], now=11.0, after_s=0.0)
    assert some.take(15.0) == [piece(1, 9)]


def test_late__is_who_waits_for_the_chain_and_not_for_others() -> None:
    some = queue()
    for each in pieces(70):
        some.put(each, now=10.0)
    assert some.count_late(14.0) == 0
    assert some.count_late(15.1) == 70
    alone = queue(Form.SINGLE)
    alone.put(piece(), now=10.0)
    assert alone.count_late(10.1) == 1


def test_an_anchored_list__has_room_for_thousands() -> None:
    assert [form.most for form in Form] == [1, 100, 4096]
