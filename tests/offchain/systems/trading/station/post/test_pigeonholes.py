"""Letters that wait: each topic in its turn, bounded, the oldest gives way."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from edgemark.systems.trading.station.post.pigeonholes import Pigeonholes


def take_all(holes: Pigeonholes) -> list[tuple[str, bytes]]:
    taken = []
    while (letter := holes.take(0.0)) is not None:
        taken.append(letter)
        holes.finish(letter[0])
    return taken


def test_topics__are_served_in_turn_and_each_in_its_order() -> None:
    holes = Pigeonholes()
    for topic, raw in (("a", b"1"), ("a", b"2"), ("a", b"3"), ("b", b"4"), ("c", b"5")):
        holes.put(topic, raw)
    assert take_all(holes) == [("a", b"1"), ("b", b"4"), ("c", b"5"), ("a", b"2"), ("a", b"3")]


def test_a_topic_whose_letter_is_out__holds_up_no_other() -> None:
    holes = Pigeonholes()
    for topic, raw in (("a", b"1"), ("a", b"2"), ("b", b"3")):
        holes.put(topic, raw)
    assert holes.take(0.0) == ("a", b"1")
    assert holes.take(0.0) == ("b", b"3")
    assert holes.take(0.0) is None
    holes.finish("a")
    assert holes.take(0.0) == ("a", b"2")


def test_a_letter_that_waits__does_not_wait_twice() -> None:
    holes = Pigeonholes()
    for _ in range(3):
        holes.put("a", b"1")
    assert take_all(holes) == [("a", b"1")]
    holes.put("a", b"1")
    assert len(holes) == 1


def test_one_letter_more__is_the_oldest_of_its_topic_less() -> None:
    holes = Pigeonholes(most_letters=2)
    holes.put("b", b"other")
    for raw in (b"1", b"2", b"3"):
        holes.put("a", raw)
    assert holes.dropped == 1
    assert sorted(take_all(holes)) == [("a", b"2"), ("a", b"3"), ("b", b"other")]


def test_where_all_is_full__the_topic_with_most_gives_way() -> None:
    holes = Pigeonholes(most_in_all=10)
    holes.put("b", b"22")
    for raw in (b"aaaa", b"AAAA", b"1111"):
        holes.put("a", raw)
    assert holes.held_bytes == 10
    assert sorted(take_all(holes)) == [("a", b"1111"), ("a", b"AAAA"), ("b", b"22")]


def test_a_letter_longer_than_all_that_may_wait__is_dropped_alone() -> None:
    holes = Pigeonholes(most_bytes=4)
    holes.put("a", b"12345")
    assert (len(holes), holes.held_bytes, holes.dropped) == (0, 0, 1)
    holes.put("a", b"1234")
    assert take_all(holes) == [("a", b"1234")]


def test_closed__nobody_waits_and_nothing_is_kept() -> None:
    holes, taken = Pigeonholes(), list[object]()
    thread = threading.Thread(target=lambda: taken.append(holes.take(60)))
    thread.start()
    holes.close()
    thread.join(20)
    holes.put("a", b"1")
    assert (taken, len(holes)) == ([None], 0)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.sampled_from("abc"), st.binary(max_size=6)),
            st.tuples(st.just("take"), st.just(""), st.just(b"")),
            st.tuples(st.just("finish"), st.sampled_from("abc"), st.just(b"")),
        ),
        max_size=60,
    )
)
def test_whatever_comes__the_bounds_hold_and_no_topic_is_out_twice(
    steps: list[tuple[str, str, bytes]],
) -> None:
    holes, out = Pigeonholes(most_letters=3, most_bytes=8, most_in_all=12), set[str]()
    for what, topic, raw in steps:
        if what == "put":
            holes.put(topic, raw)
        elif what == "finish":
            holes.finish(topic)
            out.discard(topic)
        elif (letter := holes.take(0.0)) is not None:
            assert letter[0] not in out
            out.add(letter[0])
        assert 0 <= holes.held_bytes <= 12
        assert len(holes) <= 9
    for topic in out:
        holes.finish(topic)
    take_all(holes)
    assert (len(holes), holes.held_bytes) == (0, 0)
