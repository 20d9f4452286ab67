"""Who was mute in one inquiry is not waited for in the next ones of the same party."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from edgemark.identifiers import Address, parse_address
from edgemark.loop.machine import TryAgain
from edgemark.party import standing as module
from edgemark.party.inquiry import ask_until_one
from edgemark.party.standing import Standing
from edgemark.transport.asking.line import in_line, stalls, wanted
from edgemark.transport.faults import PeerUnreachable

PEERS = [parse_address("0x" + f"{number:02x}" * 20) for number in range(1, 6)]
BAD, GOOD, OTHER = PEERS[:3]


def order(standing: Standing) -> list[int]:
    return [PEERS.index(peer) + 1 for peer in sorted(PEERS, key=standing.place_of)]


def test_who_failed__stands_behind_all_and_who_gave_before_all() -> None:
    standing = Standing()
    assert order(standing) == [1, 2, 3, 4, 5]
    standing.note_failed(BAD)
    assert order(standing) == [2, 3, 4, 5, 1]
    standing.note_given(OTHER)
    assert order(standing) == [3, 2, 4, 5, 1]
    standing.note_failed(OTHER)
    assert order(standing) == [2, 4, 5, 1, 3]
    assert standing.first_of([OTHER, BAD]) == BAD


def test_how_peers_did__is_remembered_of_so_many_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 2)
    standing = Standing()
    for peer in (BAD, GOOD, OTHER):
        standing.note_failed(peer)
    assert (standing.place_of(BAD), standing.place_of(OTHER)) == (0, 3)


def asking(released: threading.Event, asked: list[Address]) -> Callable[[Address], Address]:
    """The first one is mute."""

    def ask(peer: Address) -> Address:
        asked.append(peer)
        if peer == BAD:
            assert released.wait(60)
            raise PeerUnreachable("mute")
        return peer

    return ask


@pytest.mark.parametrize("is_planted", [False, True])
def test_a_mute_peer_that_stands_first__is_waited_for_once(*, is_planted: bool) -> None:
    released, asked, standing = threading.Event(), list[Address](), Standing()
    ask = asking(released, asked)
    try:
        for _ in range(5):
            known = None if is_planted else standing
            found = ask_until_one(PEERS, ask, what="x", who="x", standing=known, pause_s=0.01)
            assert found == GOOD
    finally:
        released.set()
    assert asked.count(BAD) == (5 if is_planted else 1)


def test_who_waits_in_the_line_for_a_peer_that_failed_elsewhere__asks_another() -> None:
    standing, waits, left = Standing(), threading.Event(), threading.Event()

    def ask(peer: Address) -> Address:
        if peer == BAD:
            in_line.get()(True)
            waits.set()
            while wanted.get()():
                time.sleep(0.001)
            left.set()
            raise PeerUnreachable("had no turn")
        assert left.wait(60)
        return peer

    def fail_elsewhere() -> None:
        assert waits.wait(60)
        standing.note_failed(BAD)

    threading.Thread(target=fail_elsewhere, daemon=True).start()
    found = ask_until_one([BAD, GOOD], ask, what="x", who="x", standing=standing, pause_s=60)
    assert found == GOOD


def test_a_line_that_is_closed__ends_the_inquiry() -> None:
    def ask(_: Address) -> Address:
        in_line.get()(True)
        raise PeerUnreachable("was not asked")

    with pytest.raises(TryAgain):
        ask_until_one([BAD, GOOD], ask, what="x", who="x", standing=Standing())


def test_a_long_answer__takes_its_time_and_who_is_overtaken_does_not() -> None:
    """As it moves, nothing is held against its sender; a mute one is, once another was faster."""
    standing, released = Standing(), threading.Event()
    is_paused, is_looked_at = threading.Event(), threading.Event()

    def ask(peer: Address) -> Address:
        in_line.get()(True)
        in_line.get()(False)
        if peer == BAD:
            assert is_paused.wait(60)
            assert standing.place_of(BAD) == 0
            is_looked_at.set()
            assert released.wait(60)
        is_paused.set()
        assert is_looked_at.wait(60)
        return peer

    try:
        found = ask_until_one([BAD, GOOD], ask, what="x", who="x", standing=standing, pause_s=0.02)
    finally:
        released.set()
    assert found == GOOD
    assert standing.place_of(GOOD) < 0 < standing.place_of(BAD)


def test_who_lets_the_line_stand_idle__stands_behind_others_before_its_time_is_over() -> None:
    """Equal deadlines: those that wait for it in the line would each let it stand idle again."""
    standing, released = Standing(), threading.Event()

    def ask(peer: Address) -> Address:
        if peer == BAD:
            in_line.get()(True)
            in_line.get()(False)  # it has its turn, and is long
            stalls.get()()
            assert released.wait(60)
        return peer

    found = ask_until_one(
        [BAD, GOOD], ask, what="nobody", who="test", standing=standing, pause_s=0.01
    )
    assert (found, standing.first_of([BAD, GOOD])) == (GOOD, GOOD)
    assert standing.place_of(BAD) > 0
    released.set()
