"""Whom a job is posted for, when more are named than it needs: they are asked before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.directory import Member
from edgemark.identity.records import Participant, Role
from edgemark.identity.resources import Resources
from edgemark.systems.outsourcing.order import inquiring, ordering
from edgemark.systems.outsourcing.order.finding import MOST_FILE_BYTES, draw_order, read_node_file
from edgemark.systems.outsourcing.order.inquiring import TooFewNodes, choose_nodes
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE, ENCLAVE
from edgemark.systems.outsourcing.steps.inquire import MOST_NAMED, Inquiry, Readiness
from edgemark.transport.faults import PeerRefused, PeerUnreachable, WrongCertificate

FUNCTION, NEEDED = cast.dense_function(), cast.NODE_COUNT
READY = Readiness(Tokens(0), 1, 256, 3600, 600, 2**29, has_function=False)
NODES = [node.address for node in cast.NODES[:40]]
Answer = Callable[[Inquiry], bytes]


def yes(_: Inquiry) -> bytes:
    return READY.to_wire()


def busy(_: Inquiry) -> bytes:
    said = {"error": "NodeBusy", "what": "has as many jobs as it takes", "retry_after_s": "5"}
    raise PeerRefused(503, said, who="https://127.0.0.1:1")


def away(_: Inquiry) -> bytes:
    raise PeerUnreachable("cannot be reached", who="https://127.0.0.1:1", had="no connection")


class Network:
    """Nodes that answer as they are told, and a station that reaches them."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {NODES[int(name[1:]) - 1]: answer for name, answer in answers.items()}
        self.asked = list[tuple[Address, Inquiry]]()
        self.guard = threading.Lock()
        self.roles = dict.fromkeys(NODES, COMPUTE_NODE)
        self.inactive = set[Address]()
        self.providers = {**cast.PROVIDERS, **cast.JUDGE_PROVIDERS}
        self.endpoints = {node: f"https://127.0.0.1:{j}" for j, node in enumerate(NODES, start=1)}

    def request(self, endpoint: str, pin: bytes, *words: Any, card: str, **_: object) -> bytes:
        method, path, body = words
        node = next(each for each in NODES if self.endpoints[each] == endpoint)
        assert (method, path, card, pin) == ("POST", "/v1/inquiries", f"card for {node}", b"pin")
        inquiry = Inquiry.from_wire(body)
        with self.guard:
            self.asked.append((node, inquiry))
        return self.answers.get(node, yes)(inquiry)

    def participants(self, accounts: Sequence[Address]) -> list[Participant]:
        return [
            Participant(
                self.roles.get(each, ENCLAVE),
                Timestamp(1),
                Timestamp(0),
                self.providers[each],
                Hash32(b"pin"),
                self.endpoints.get(each, ""),
                Resources(1, 1, 1, 1),
            )
            for each in accounts
        ]

    def standings(self, accounts: Sequence[Address]) -> list[tuple[Role, Address, bool]]:
        return [
            (self.roles[each], self.providers[each], each not in self.inactive) for each in accounts
        ]

    @property
    def station(self) -> Any:
        return SimpleNamespace(
            client=self,
            visitor=SimpleNamespace(card_for=lambda node: f"card for {node}"),
            registry=self,
            settlement=SimpleNamespace(judges=cast.JUDGE_ADDRESSES),
            deployment=cast.DEPLOYMENT,
            chain=SimpleNamespace(now=lambda: 1_000),
        )

    def choose(self, nodes: Sequence[Address]) -> list[Address]:
        return choose_nodes(self.station, FUNCTION, 2, nodes, cast.WISH)


def test_all_would__the_first_that_were_named_are_taken_in_their_order() -> None:
    named = [*reversed(NODES[:8])]
    assert Network().choose(named) == named[:NEEDED]


def test_some_would_not__those_behind_them_are_taken() -> None:
    network = Network(n2=busy, n3=away)
    assert network.choose(NODES[:8]) == [NODES[0], *NODES[3:8]]


def test_what_is_asked__is_what_would_be_posted_but_for_the_key() -> None:
    network = Network()
    network.choose(NODES[:8])
    (terms,) = {inquiry.terms for _, inquiry in network.asked}
    posted = cast.small_order().terms
    assert terms is not None
    assert terms.job_key != posted.job_key
    same = ("function_hash", "batch", "fee", "stake", "judge_fee", "node_count", "accept_by")
    assert [getattr(terms, name) for name in same] == [getattr(posted, name) for name in same]


def test_too_few_would__nothing_is_chosen_and_each_one_s_words_are_told() -> None:
    network = Network(n1=busy, n2=away, n3=away)
    with pytest.raises(TooFewNodes) as caught:
        network.choose(NODES[:8])
    refused = caught.value
    assert (refused.had, refused.needed) == ("5 of different providers", NEEDED)
    assert refused.said[NODES[0]] == "NodeBusy; has as many jobs as it takes"
    assert refused.said[NODES[1]] == "cannot be reached; had no connection"
    assert refused.said[NODES[7]] == "would accept it"
    assert f"\n  {NODES[0]}: NodeBusy" in str(refused)
    assert {"node": NODES[0], "said": refused.said[NODES[0]]} in refused.as_dict()["nodes"]  # type: ignore[operator]


def test_two_of_one_provider__are_never_taken_together() -> None:
    network = Network()
    network.providers[NODES[1]] = network.providers[NODES[0]]
    assert network.choose(NODES[:8]) == [NODES[0], *NODES[2:7]]


def test_whom_the_contract_would_not_take__is_not_asked() -> None:
    network = Network()
    network.roles[NODES[0]] = ENCLAVE
    network.inactive.add(NODES[1])
    network.providers[NODES[2]] = network.providers[cast.JUDGE_ADDRESSES[0]]
    network.endpoints[NODES[3]] = "ftp://\x1b[2J"
    with pytest.raises(TooFewNodes) as caught:
        network.choose(NODES[:9])
    assert [caught.value.said[node] for node in NODES[:3]] == [
        "is no compute node",
        "is not in good standing",
        "works for a judge's provider",
    ]
    assert "endpoint that is none" in caught.value.said[NODES[3]]
    assert "\x1b" not in str(caught.value)
    assert {node for node, _ in network.asked} == set(NODES[4:9])


def wants_more(_: Inquiry) -> bytes:
    return Readiness(Tokens(1004), 1, 1, 1, 1, 1, has_function=False).to_wire()


def other_key(_: Inquiry) -> bytes:
    raise WrongCertificate("shows another key", who="https://127.0.0.1:1")


def long_words(_: Inquiry) -> bytes:
    raise PeerRefused(400, {"error": "x" * 5000, "what": "\x1b[2J"}, who="https://127.0.0.1:1")


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: b"",
        lambda _: b"\xff" * 37,
        lambda _: READY.to_wire() + b"\0",
        lambda _: b"x" * 4096,
        wants_more,
        other_key,
        long_words,
    ],
)
def test_hostile_answer__counts_as_none_and_stops_nobody(answer: Answer) -> None:
    network = Network(n1=answer)
    assert network.choose(NODES[:7]) == NODES[1:7]
    with pytest.raises(TooFewNodes) as caught:
        Network(n1=answer).choose(NODES[:6])
    assert 0 < len(caught.value.said[NODES[0]]) <= 500
    assert "\x1b[2J" not in str(caught.value)


def test_many_are_named__no_more_are_asked_than_it_takes() -> None:
    network = Network()
    for j, node in enumerate(NODES):
        network.providers[node] = Address(f"0x{j + 1:040x}")
    network.choose(NODES)
    assert {node for node, _ in network.asked} == set(NODES[:16])
    late = Network(**{f"n{j}": away for j in range(1, 20)})
    late.providers = network.providers
    assert late.choose(NODES) == NODES[19:25]
    assert {node for node, _ in late.asked} == set(NODES[:32])


def test_time_is_up__nobody_is_asked_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inquiring, "ASKING_S", -1.0)
    network = Network()
    with pytest.raises(TooFewNodes) as caught:
        network.choose(NODES[:8])
    assert set(caught.value.said.values()) == {"was not asked: the time was up"}
    assert network.asked == []


def test_a_node_that_asks_its_chain_just_then__is_asked_once_more() -> None:
    turns = iter([True, False])

    def asks(inquiry: Inquiry) -> bytes:
        if next(turns):
            said = {"error": "Overloaded", "what": "asks", "retry_after_s": "1"}
            raise PeerRefused(503, said, who="https://127.0.0.1:1")
        return yes(inquiry)

    began = time.monotonic()
    assert Network(n1=asks).choose(NODES[:7]) == NODES[:6]
    assert time.monotonic() - began >= 1


def test_exactly_as_many_as_it_takes__are_not_asked() -> None:
    network = Network(n1=busy)
    station = network.station
    assert ordering.pick(station, FUNCTION, 2, NODES[:6], cast.WISH) == NODES[:6]
    assert network.asked == []
    assert ordering.pick(station, FUNCTION, 2, NODES[:7], cast.WISH) == NODES[1:7]
    with pytest.raises(RefusedInput, match="wrong number of nodes"):
        ordering.pick(station, FUNCTION, 2, NODES[:5], cast.WISH)


# --- a file of nodes -----------------------------------------------------------------------------


def test_more_nodes_of_a_provider__do_not_bring_it_into_more_jobs() -> None:
    def members(provider: int, count: int) -> list[Member]:
        names = [Address(f"0x{provider:020x}{number:020x}") for number in range(count)]
        return [Member(name, COMPUTE_NODE, Address(f"0x{provider:040x}")) for name in names]

    many = [each for provider in (1, 2) for each in members(provider, 400)]
    single = [each for provider in range(3, 43) for each in members(provider, 1)]
    drawn = [draw_order([*many, *single]) for _ in range(40)]
    assert all(len(order) == MOST_NAMED for order in drawn)
    assert all({each.account for each in single} <= set(order[:42]) for order in drawn)
    of_many = {each.account for each in many}
    first = sum(account in of_many for order in drawn for account in order[:7])
    assert first < 70  # about 13 of 280; by nodes it would be nearly all


def test_a_file__has_an_account_a_line_and_remarks(tmp_path: Any) -> None:
    path = tmp_path / "nodes"
    path.write_text(f"# mine\n\n{NODES[0]}  of one\r\n  {NODES[1].lower()}# of another\n")
    assert read_node_file(path) == NODES[:2]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"0x12\n", "line 1: is not an account"),
        (b"#\n\xff\xfe\n", "line 2: is not an account"),
        (b"#" * (MOST_FILE_BYTES + 1), "is too large"),
    ],
)
def test_a_file_of_something_else__is_refused_by_its_line(
    tmp_path: Any, raw: bytes, words: str
) -> None:
    path = tmp_path / "nodes"
    path.write_bytes(raw)
    with pytest.raises(RefusedInput, match=words):
        read_node_file(path)
