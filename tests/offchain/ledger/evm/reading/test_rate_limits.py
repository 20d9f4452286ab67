"""N7: a node that is busy is left alone; ranges are halved for too many results only."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.ledger.evm.contract.scripted_contracts import logs, world
from tests.offchain.ledger.evm.reading.scripted_node import Nodes, Says, View, chain_through
from tests.offchain.ledger.evm.sending.scripted_lane import PAYEE

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.evm.faults import ChainBusy, NodeAnswerMalformed, NodeRefused
from edgemark.ledger.evm.reading import log_answers
from edgemark.ledger.evm.reading import wire as wire_module
from edgemark.ledger.evm.reading.posting import HttpAnswer
from edgemark.ledger.evm.refusals import is_already_there, is_never, seconds_of


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(wire_module, "time", made)
    return made


def busy_for(times: int, headers: dict[str, str] | None = None, status: int = 429) -> Nodes:
    """A node that answers so many times that it is busy."""
    _, nodes = world()
    left = [times]

    def answer(given: HttpAnswer) -> HttpAnswer:
        left[0] -= 1
        return given if left[0] < 0 else HttpAnswer(status, headers or {}, b"slow down")

    nodes.after = answer
    return nodes


def test_n7_retry_after__is_kept(clock: Clock) -> None:
    nodes = busy_for(1, {"Retry-After": "7"})
    chain = chain_through(nodes, attempts=4)
    chain._wire._patience_s = 10.0
    assert chain.head() == 8
    assert clock.slept == [7.0]
    assert len(nodes.methods) == 2


def test_n7_retry_after__longer_than_anybody_waits__is_told_and_nothing_is_sent_meanwhile(
    clock: Clock,
) -> None:
    nodes = busy_for(1, {"Retry-After": "86400"})
    chain = chain_through(nodes, attempts=4)
    with pytest.raises(ChainBusy) as busy:
        chain.head()
    assert busy.value.retry_after_s == wire_module.MOST_QUIET_S
    with pytest.raises(ChainBusy):
        chain.head()
    assert len(nodes.methods) == 1
    clock.now += wire_module.MOST_QUIET_S
    assert chain.head() == 8


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_n7_without_retry_after__it_is_left_alone_for_twice_as_long_each_time(
    clock: Clock, status: int
) -> None:
    chain = chain_through(busy_for(3, status=status), attempts=4)
    chain._wire._patience_s = 10.0
    assert chain.head() == 8
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), (" 0 ", 0.0), ("-1", None), ("1.5", None), ("soon", None), (None, None)],
)
def test_n7_retry_after__in_seconds(text: str | None, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_n7_more_logs_than_an_answer_may_hold__are_asked_for_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, nodes = world()

    def two_a_block(wanted: Any) -> list[Any]:
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        return [
            {**each, "blockNumber": hex(number)}
            for number in range(first, last + 1)
            for each in logs({})
        ]

    nodes.views[0].more["eth_getLogs"] = two_a_block
    monkeypatch.setattr(log_answers, "MAX_LOGS", 5)  # stands for 100,000
    found = chain_through(nodes).logs([PAYEE], 0, 8)
    assert [log.block_number for log in found] == [number // 2 for number in range(18)]
    assert nodes.methods.count("eth_getLogs") == 2 + 5  # of 9 and 4 blocks; of 2 blocks, and one
    monkeypatch.setattr(log_answers, "MAX_LOGS", 1)  # less than a block may hold: the node's fault
    with pytest.raises(NodeAnswerMalformed):
        chain_through(nodes).logs([PAYEE], 0, 8)


@pytest.mark.parametrize(
    ("message", "there", "never"),
    [
        ("already known", True, False),
        ("Known transaction: 0x11", True, False),
        ("unknown transaction type", False, True),
        ("unknown transaction", False, False),
    ],
)
def test_a_refusal_of_a_transaction__is_read_by_whole_words(
    message: str, there: bool, never: bool
) -> None:
    refused = NodeRefused(-32000, message, b"", who="node")
    assert (is_already_there(refused), is_never(refused)) == (there, never)


def test_n7_retry_after__as_a_date() -> None:
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert (seconds_of("Wed, 21 Oct 2150 07:28:00 GMT") or 0.0) > 10**6


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("limit exceeded", -32005),
        ("rate limit exceeded for the block range", -32000),
        ("Too Many Requests", 429),
    ],
)
def test_n7_a_rate_limit_on_logs__halves_no_range(message: str, code: int) -> None:
    _, nodes = world()

    def refuse(method: str, _: Any) -> None:
        if method == "eth_getLogs":
            raise Says(message, code)

    nodes.before = refuse
    with pytest.raises(ChainBusy):
        chain_through(nodes).logs([PAYEE], 0, 8)
    assert nodes.methods.count("eth_getLogs") == 1


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("query returned more than 10000 results", -32005),
        ("block range is too wide", -32000),
        ("Log response size exceeded", -32602),
    ],
)
def test_n7_too_many_results__are_asked_for_in_parts(message: str, code: int) -> None:
    _, nodes = world()
    widths = []

    def refuse(method: str, params: Any) -> None:
        if method == "eth_getLogs":
            width = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
            widths.append(width)
            if width > 2:
                raise Says(message, code)

    nodes.before = refuse
    assert len(chain_through(nodes).logs([PAYEE], 0, 7)) >= 4
    assert max(widths[-4:]) <= 2


def test_n7_logs_of_a_node_that_lags__are_not_taken_for_none() -> None:
    chain, nodes = world()
    nodes.views = (View(chain, lag=4, more={"eth_getLogs": lambda _: []}),)
    with pytest.raises(LedgerUnavailable):
        chain_through(nodes).logs([PAYEE], 2, 7)


class PlantedQuiet(wire_module.Quiet):
    """As it was: each refusal doubles the pause."""

    def begin(self, asked_s: float | None, sent_at: float) -> float:
        return super().begin(asked_s, max(sent_at, self._until))


@pytest.mark.parametrize(
    ("kind", "quiet_s"), [(wire_module.Quiet, 0.5), (PlantedQuiet, 60.0)], ids=["real", "planted"]
)
def test_n7_requests_under_way_refused_in_one_moment__double_nothing(
    clock: Clock, kind: type[wire_module.Quiet], quiet_s: float
) -> None:
    quiet = kind()
    sent = [quiet.wait(10.0, "node") for _ in range(8)]
    pauses = [quiet.begin(None, at) for at in sent]
    assert pauses[-1] == quiet_s
    clock.now += pauses[-1]
    assert quiet.begin(None, quiet.wait(10.0, "node")) == min(60.0, 2 * quiet_s)


def test_n7_a_late_refusal__still_keeps_the_time_that_it_asks_for(clock: Clock) -> None:
    quiet = wire_module.Quiet()
    first, second = quiet.wait(10.0, "node"), quiet.wait(10.0, "node")
    quiet.begin(None, first)
    assert quiet.begin(7.0, second) == 7.0
    clock.now += 7.0
    assert quiet.wait(0.0, "node") == clock.now
