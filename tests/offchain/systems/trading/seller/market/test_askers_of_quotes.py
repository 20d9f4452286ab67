"""Who asks often keeps out neither who asked before, nor who never did."""

from __future__ import annotations

from edgemark.systems.trading.seller.market.askers import (
    FORGET_S,
    NEW_PER_S,
    QUOTES_BURST_S,
    QUOTES_PER_S,
    QUOTES_PER_S_OF_PEER,
    Askers,
)
from edgemark.transport.rates import MAX_PEERS

CROWD = [f"10.0.{number}.0/24" for number in range(8)]


def ask(askers: Askers, peer: str, times: int, now: float) -> int:
    """How many of so many pass."""
    return sum(askers.take(peer, now) == 0 for _ in range(times))


def test_peers_that_ask_all_the_time__leave_room_for_one_that_never_did() -> None:
    askers, seconds = Askers(), 60
    assert all(askers.take(peer, 0.0) == 0 for peer in CROWD)
    passed = 0
    for second in range(1, seconds + 1):
        passed += sum(ask(askers, peer, 10, float(second)) for peer in CROWD)
        assert askers.take(f"new {second}", float(second)) == 0
    assert passed <= QUOTES_PER_S * (seconds + QUOTES_BURST_S)


def test_one_peer__has_no_more_than_its_own_rate() -> None:
    askers, most = Askers(), QUOTES_PER_S_OF_PEER * QUOTES_BURST_S
    assert ask(askers, "one", 100, 0.0) == 1 + most
    assert askers.take("other", 0.0) == 0


def test_new_peers__take_nothing_from_those_that_asked_before() -> None:
    askers = Askers()
    assert askers.take("old", 0.0) == 0
    new = sum(askers.take(f"new {number}", 1.0) == 0 for number in range(1000))
    assert new <= NEW_PER_S * QUOTES_BURST_S
    assert ask(askers, "old", 5, 1.0) == 5


def test_a_peer__is_new_again_after_some_time_and_no_table_grows() -> None:
    askers = Askers()
    assert ask(askers, "one", 100, 0.0) < 100
    assert askers.take("one", FORGET_S - 1) == 0
    for number in range(2 * MAX_PEERS):
        askers.take(f"peer {number}", float(number))
    assert len(askers._seen) <= MAX_PEERS
