from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.transport.serving.test_http_server import KEY, ROUTES, ask

from edgemark.transport.faults import PeerRefused
from edgemark.transport.rates import MAX_PEERS, DoublingPause, RateLimit
from edgemark.transport.serving.server import HttpServer, ServerLimits

MOMENTS = st.lists(st.floats(0, 2), min_size=1, max_size=200)


def passed(limit: RateLimit, peer: str, times: list[float]) -> int:
    return sum(limit.take(peer, now) == 0.0 for now in times)


def test_a_burst__passes_up_to_its_size_and_no_further() -> None:
    limit = RateLimit(per_s=100, per_s_of_peer=10, burst_s=2)
    assert passed(limit, "one", [0.0] * 50) == 20


def test_a_refused_peer__may_come_back_when_it_was_told() -> None:
    limit = RateLimit(per_s=100, per_s_of_peer=10, burst_s=1)
    passed(limit, "one", [5.0] * 10)
    wait_s = limit.take("one", 5.0)
    assert 0 < wait_s <= 0.1
    assert limit.take("one", 5.0 + wait_s / 2) > 0
    assert limit.take("one", 5.0 + wait_s + 1e-9) == 0.0


def test_one_peer_above_its_limit__takes_nothing_from_the_others() -> None:
    limit = RateLimit(per_s=30, per_s_of_peer=10, burst_s=1)
    assert passed(limit, "loud", [0.0] * 1000) == 10
    assert passed(limit, "quiet", [0.0] * 10) == 10


def test_many_peers_together__stay_below_the_limit_of_all() -> None:
    limit = RateLimit(per_s=30, per_s_of_peer=10, burst_s=1)
    assert sum(passed(limit, f"peer {n}", [0.0] * 10) for n in range(20)) == 30


def test_a_clock_that_stands_still_or_goes_back__gives_nothing_away() -> None:
    limit = RateLimit(per_s=10, per_s_of_peer=10, burst_s=1)
    assert passed(limit, "one", [9.0, *[3.0] * 50]) == 10


@given(gaps=MOMENTS, rate=st.integers(1, 50))
def test_any_arrivals__never_pass_faster_than_rate_and_burst_allow(
    gaps: list[float], rate: int
) -> None:
    limit = RateLimit(per_s=rate, per_s_of_peer=rate, burst_s=1)
    now, times = 100.0, []
    for gap in gaps:
        now += gap
        times.append(now)
    assert passed(limit, "one", times) <= rate * (1 + times[-1] - times[0]) + 1e-6


def test_more_peers_than_anybody_has__do_not_fill_the_memory() -> None:
    limit = RateLimit(per_s=1e9, per_s_of_peer=10)
    for number in range(2 * MAX_PEERS):
        limit.take(f"peer {number}", 0.0)
    assert len(limit._peers) == MAX_PEERS


def test_pauses__double_up_to_the_longest_and_are_forgotten_in_the_end() -> None:
    pauses, now, waited = DoublingPause(at_once=2, longest_s=5.0, forget_s=100.0), 0.0, []
    for _ in range(3000):  # as often as no float doubles
        waited.append(pauses.left("one", now))
        now += waited[-1]
        pauses.note("one", now)
    assert waited[:6] == [0, 0, 1, 2, 4, 5]
    assert set(waited[6:]) == {5}
    assert pauses.left("another", now) == 0
    pauses.note("one", now + 106)
    assert pauses.left("one", now + 106) == 0


def test_pauses_of_more_peers_than_anybody_has__do_not_fill_the_memory() -> None:
    pauses = DoublingPause(at_once=1, longest_s=64.0, forget_s=100.0)
    for number in range(2 * MAX_PEERS):
        pauses.note(f"peer {number}", 0.0)
    assert len(pauses._peers) == MAX_PEERS
    assert pauses.left(f"peer {MAX_PEERS}", 0.0) == 1


def test_a_request_too_many__is_503_and_says_when_to_ask_again() -> None:
    limits = ServerLimits(per_s=1000, per_s_of_peer=0.01)  # a burst of 0.02: not even one
    with HttpServer(ROUTES, KEY, limits=limits) as server:
        with pytest.raises(PeerRefused) as refused:
            ask(server, "POST", "/echo", b"first")
        assert refused.value.status == 503
        assert refused.value.error["what"] == "too many requests"
        assert refused.value.error["error"] == "Overloaded"
        assert 90 <= refused.value.retry_after_s <= 100
        assert json.loads(ask(server, "GET", "/healthz")) == {"healthy": True}
