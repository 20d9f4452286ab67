"""F3 above the transport: whatever stands in a message that arrived well is refused by name."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing.cast import (
    DOMAIN,
    JUDGE_ADDRESSES,
    JUDGES,
    NODE_ADDRESSES,
    NODES,
    acceptance_of,
    case_of,
    commitment_to,
    dense_function,
    key_of_role,
    right_answer,
    sign_opinion,
    small_order,
    sparse_function,
    wrong_answer,
)
from tests.offchain.systems.outsourcing.doors import make_judge

from edgemark.crypto.polynomial import parse_polynomial
from edgemark.errors import EdgemarkError, PeerFault, RefusedInput
from edgemark.identifiers import ShareIndex, Timestamp, Tokens
from edgemark.loop.machine import TryAgain
from edgemark.party.standing import Standing
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.contract.terms import check_terms
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.refusals import RefusedAnswers
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.protocol.messages import (
    Acceptance,
    Answer,
    Evidence,
    Offer,
    ReadRequest,
    Task,
)
from edgemark.systems.outsourcing.station.read_requests import check_read
from edgemark.systems.outsourcing.station.server import check_place, parse_place
from edgemark.systems.outsourcing.steps.accept import check_acceptance
from edgemark.systems.outsourcing.steps.accuse import check_evidence
from edgemark.systems.outsourcing.steps.compute import check_sizes, check_task
from edgemark.systems.outsourcing.steps.decode import check_outputs, check_signed_answer
from edgemark.systems.outsourcing.steps.inquire import Inquiry, Readiness
from edgemark.transport.serving.routes import Request

SEED, EACH = 7, 910  # of eleven doors: 10,000 messages
ORDER, FUNCTION, NODE = small_order(), dense_function(), NODE_ADDRESSES[0]
JOB = DeviceJob(order=ORDER)
TASK, ANSWER = ORDER.tasks[0], right_answer(ORDER, 1)
CASE = case_of(ORDER, 1, commitment=commitment_to(wrong_answer(ORDER, 1), NODES[0]))
STATION: Any = SimpleNamespace(
    address=NODE,
    settlement=SimpleNamespace(domain=DOMAIN),
)
READY = Readiness(Tokens(1), 2, 3, 4, 5, 6, has_function=False)
READ = ReadRequest(ORDER.job, ShareIndex(1), NODES[0].address, NODE, Timestamp(1_010), bytes(65))


def take_offer(raw: bytes) -> None:
    check_terms(Offer.from_wire(raw).terms)


def take_acceptance(raw: bytes) -> None:
    check_acceptance(Acceptance.from_wire(raw), ORDER, ShareIndex(1), DOMAIN)


def take_task(raw: bytes) -> None:
    check_task(Task.from_wire(raw), ORDER.terms, ORDER.root)


def take_answer(raw: bytes) -> None:
    answer = Answer.from_wire(raw)
    check_signed_answer(answer, TASK, NODE, DOMAIN)
    check_outputs(answer, ORDER.terms)


def take_evidence(raw: bytes) -> None:
    evidence = Evidence.from_wire(raw)
    check_terms(evidence.terms)
    check_sizes(FUNCTION.header, evidence.terms)
    check_evidence(
        CASE,
        evidence.task,
        evidence.answer,
        terms=evidence.terms,
        domain=DOMAIN,
    )


def take_inquiry(raw: bytes) -> None:
    terms = Inquiry.from_wire(raw).terms
    if terms is not None:
        check_terms(terms)


def take_readiness(raw: bytes) -> None:
    Readiness.from_wire(raw).check_fee(2**95, who=NODE)


def take_opinion(raw: bytes) -> None:
    request = Request("POST", "/v1/opinions", {}, raw, "127.0.0.1")
    make_judge(CASE, ORDER)._take_opinion(request)


def take_read(raw: bytes) -> None:
    check_read(STATION, ReadRequest.from_wire(raw), NODE, lambda: 1_000)


DOORS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "offer": (Offer(ORDER.job, ShareIndex(1), ORDER.terms, ORDER.nodes).to_wire(), take_offer),
    "acceptance": (acceptance_of(ORDER, 1).to_wire(), take_acceptance),
    "task": (TASK.to_wire(), take_task),
    "answer": (ANSWER.to_wire(), take_answer),
    "evidence": (Evidence(ORDER.terms, TASK, wrong_answer(ORDER, 1)).to_wire(), take_evidence),
    "opinion": (sign_opinion(JUDGES[0], CASE, Finding.WRONG).to_wire(), take_opinion),
    "read request": (READ.to_wire(), take_read),
    "inquiry": (Inquiry(ORDER.terms).to_wire(), take_inquiry),
    "readiness": (READY.to_wire(), take_readiness),
    "dense function": (FUNCTION.to_bytes(), parse_polynomial),
    "sparse function": (sparse_function().to_bytes(), parse_polynomial),
}


def spoil(message: bytes, source: random.Random) -> bytes:
    """Change bytes, cut, insert, double, or make it all up."""
    place = source.randrange(len(message))
    match source.randrange(6):
        case 0:
            return message[:place]
        case 1:
            return message[:place] + source.randbytes(source.choice((1, 4, 40))) + message[place:]
        case 2:
            return source.randbytes(source.randrange(300))
        case 3:
            end = place + source.choice((1, 2, 4, 17))
            return message[:place] + source.choice((b"\0", b"\xff")) * (end - place) + message[end:]
        case _:
            spoilt = bytearray(message)
            for _ in range(source.choice((1, 1, 3, 20))):
                spoilt[source.randrange(len(spoilt))] ^= 1 << source.randrange(8)
            return bytes(spoilt)


@pytest.mark.parametrize("door", DOORS)
def test_f3_strange_messages__are_refused_by_name(door: str) -> None:
    message, take = DOORS[door]
    source, ends = random.Random(f"{SEED} {door}"), Counter[str]()
    for _ in range(EACH):
        try:
            take(spoil(message, source))
            ends["taken"] += 1
        except (RefusedInput, PeerFault) as refused:
            ends[type(refused).__name__] += 1
    assert ends["MalformedMessage"] + ends["MalformedFunction"] > EACH // 20
    assert len(ends) > 1


@pytest.mark.parametrize(
    ("job", "index"),
    [
        ("", "1"),
        ("zz", "1"),
        ("00" * 32, "-1"),
        ("00" * 32, "9" * 5000),
        ("00" * 32, "\xb2"),
        ("00" * 32, "0"),
        ("00" * 32, "65"),
        ("\u0660" * 64, "1"),
    ],
)
def test_f3_a_strange_path__is_refused_by_name(job: str, index: str) -> None:
    with pytest.raises(RefusedInput):
        parse_place({"job": job, "index": index})


def test_a_message__about_another_index_than_its_path__is_refused() -> None:
    request = Request("POST", "/", {"job": ORDER.job.hex(), "index": "1"}, b"", "127.0.0.1")
    check_place(request, ORDER.job, ShareIndex(1))
    with pytest.raises(RefusedInput):
        check_place(request, ORDER.job, ShareIndex(2))


def make_device(answers: Callable[[], bytes]) -> Device:
    """A device of which only what asks and reads is there."""
    device: Any = Device.__new__(Device)
    committed = commitment_to(ANSWER, NODES[0])
    settlement = SimpleNamespace(domain=DOMAIN, commitment=lambda *_: committed)
    device.station = SimpleNamespace(
        standing=Standing(),
        chain=SimpleNamespace(now=lambda: 1_000),
        settlement=settlement,
        ask=lambda *_, **__: answers(),
    )
    device.refusals = RefusedAnswers()
    device.log = SimpleNamespace(warning=_nothing, debug=_nothing)
    found: Device = device
    return found


def _nothing(*_: object, **__: object) -> None:
    """Says nothing."""


def test_f3_a_device__takes_the_answer_and_no_strange_one() -> None:
    source, raw = random.Random(SEED), DOORS["answer"][0]
    assert make_device(lambda: raw)._fetch_answer(JOB, ShareIndex(1)) == ANSWER
    device = make_device(lambda: spoil(raw, source))
    for _ in range(500):
        for fetch in (device._fetch_answer, device._fetch_from_judges):
            try:
                assert fetch(JOB, ShareIndex(1)).outputs == ANSWER.outputs
            except (TryAgain, PeerFault):
                continue


def test_f3_a_device__takes_what_nobody_thought_of_for_the_peers_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: bytes) -> Answer:
        raise IndexError("secret")

    monkeypatch.setattr(Answer, "from_wire", staticmethod(fail))
    device = make_device(lambda: b"any")
    with pytest.raises(TryAgain) as caught:
        device._fetch_answer(JOB, ShareIndex(1))
    assert "secret" not in str(caught.value)
    with pytest.raises(TryAgain):
        device._fetch_from_judges(JOB, ShareIndex(1))


def test_f3_a_node_that_asks_judges_for_its_task__takes_no_strange_one() -> None:
    source, raw = random.Random(SEED), DOORS["task"][0]
    node: Any = ComputeNode.__new__(ComputeNode)
    node.log = SimpleNamespace(debug=_nothing)
    node.station = SimpleNamespace(
        standing=Standing(),
        chain=SimpleNamespace(now=lambda: 1_000),
        settlement=SimpleNamespace(domain=DOMAIN),
        keys=SimpleNamespace(account=key_of_role("node 1")),
        ask=lambda *_, **__: spoil(raw, source),
    )
    offer = SimpleNamespace(
        job=ORDER.job,
        index=ShareIndex(1),
        terms=ORDER.terms,
        root=ORDER.root,
        judges=JUDGE_ADDRESSES,
    )
    summoned = SimpleNamespace(known=offer, deadline=lambda _: 70.0)
    for _ in range(300):
        try:
            assert node._fetch_task(summoned) == TASK
        except EdgemarkError as later:
            assert isinstance(later, TryAgain)


def test_a_message__with_index_0__is_refused() -> None:
    with pytest.raises(RefusedInput):
        Task.from_wire(replace(TASK, index=ShareIndex(0)).to_wire())
