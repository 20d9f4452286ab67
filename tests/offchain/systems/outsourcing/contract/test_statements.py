"""What stands beside a signature is noticed when it is changed: every field of every statement.

Signed structs are found in the module, fields of messages in their classes: a new one is tried
without being listed here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import fields, replace
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from typing import cast as typed

import pytest
from tests.offchain.systems.outsourcing import cast, sample_evidence
from tests.offchain.systems.outsourcing.doors import knock, make_judge, make_node
from tests.offchain.systems.outsourcing.station.test_f6_functions import (
    make_node as make_offered_node,
)

from edgemark.anchoring import statements as of_the_anchor
from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.crypto.ethereum.typed_data import DOMAIN, Domain, StructType
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.identity import statements as of_participants
from edgemark.systems.outsourcing.contract import statements as of_a_job
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.evidence.retrial import Outcome, retry_bundle
from edgemark.systems.outsourcing.protocol.messages import (
    Acceptance,
    Answer,
    Evidence,
    Offer,
    Opinion,
    ReadRequest,
    Task,
)
from edgemark.systems.outsourcing.station.read_requests import check_read
from edgemark.systems.outsourcing.station.station import FUNCTION_NEEDED, OutsourcingStation
from edgemark.systems.outsourcing.steps.accept import check_acceptance
from edgemark.systems.outsourcing.steps.accuse import compute_opinion_digest
from edgemark.systems.outsourcing.steps.decode import check_opens, check_signed_answer
from edgemark.token import statements as of_the_token

SIGNED = (of_the_anchor, of_participants, of_a_job, of_the_token)
STRUCTS = [
    DOMAIN,
    *(each for module in SIGNED for each in vars(module).values() if isinstance(each, StructType)),
]
DOMAINS = [
    each
    for module in SIGNED
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Domain) and each is not Domain
]
ORDER = cast.small_order()
NODE, JUDGE = cast.NODES[2], cast.JUDGES[0]
ANSWER = cast.wrong_answer(ORDER, 3)
COMMITMENT = cast.commitment_to(ANSWER, NODE)
CASE = cast.case_of(ORDER, 3, ChargeKind.WRONG, commitment=COMMITMENT)
NOW = Timestamp(1_000)
NO_JOB = SimpleNamespace(terms_hash=bytes(32), nodes_hash=bytes(32))  # of a number never posted


def changed(value: Any) -> Any:  # noqa: PLR0911 - one line a type
    """Another value of the same type, as near as there is."""
    match value:
        case IntEnum():
            kinds = list(type(value))
            return kinds[(kinds.index(value) + 1) % len(kinds)]
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case int():
            return value + 1
        case str() if value.startswith("0x"):
            return cast.OUTSIDER.address
        case str():
            return value + " "
        case tuple():
            return (*value[:-1], changed(value[-1]))
        case Terms():
            return replace(value, stake=value.stake + 1)  # no other field forbids it
        case Task():
            return replace(value, share=changed(value.share))
        case Answer():
            return replace(value, salt=changed(value.salt))
        case _:
            raise TypeError(value)


# --- what is signed ----------------------------------------------------------------------------

EXAMPLES: dict[str, Any] = {
    "bytes32": bytes(range(32)),
    "address": NODE.address,
    "string": "a text",
    "uint8": 7,
    "uint16": 7,
    "uint256": 7,
}


@pytest.mark.parametrize(
    ("struct", "at"),
    [(struct, at) for struct in STRUCTS for at in range(len(struct.fields))],
    ids=lambda value: getattr(value, "name", value),
)
def test_signed_struct__with_one_field_changed__is_another(struct: StructType, at: int) -> None:
    values = [EXAMPLES[kind] for kind, _ in struct.fields]
    others = [*values[:at], changed(values[at]), *values[at + 1 :]]
    assert struct.hash_struct(values) != struct.hash_struct(others)
    if struct is not DOMAIN:
        domain = SettlementDomain(1, NODE.address)
        assert domain.digest(struct, values) != domain.digest(struct, others)


def test_domains__are_all_different_for_the_same_chain_and_contract() -> None:
    made = [kind(1, NODE.address) for kind in DOMAINS]
    assert len({domain.separator for domain in made}) == len(made) >= 4
    for domain in made:
        for name in ("name", "version", "chain_id", "contract"):
            facts = {n: getattr(domain, n) for n in ("name", "version", "chain_id", "contract")}
            other = Domain(**facts | {name: changed(facts[name])})
            assert other.separator != domain.separator


@pytest.mark.parametrize("name", ["job", "index", "root", "kind", "node"])
@pytest.mark.parametrize("finding", Finding)
def test_opinion__about_another_charge__comes_from_nobody(name: str, finding: Finding) -> None:
    opinion = cast.sign_opinion(JUDGE, CASE, finding)
    other = replace(CASE, **{name: changed(getattr(CASE, name))})
    digest = compute_opinion_digest(other, finding, cast.DOMAIN)
    assert recover(digest, opinion.signature) not in cast.JUDGE_ADDRESSES


# --- what is sent ------------------------------------------------------------------------------


def take_answer(answer: Answer) -> None:
    """As a device, and as a judge of a charge as wrong, takes it."""
    check_signed_answer(answer, ORDER.tasks[2], NODE.address, cast.DOMAIN)
    check_opens(answer, NODE.address, COMMITMENT, cast.DOMAIN)


def take_opinion(opinion: Opinion) -> None:
    """As another judge of the charge takes it."""
    knock(make_judge(CASE, ORDER)._take_opinion, opinion)


def take_task(task: Task) -> None:
    """As the node at index 3, which waits for it, takes it."""
    knock(make_node(ORDER, 3)._take_task, task)


def take_evidence(evidence: Evidence) -> None:
    """As a judge takes it."""
    knock(make_judge(CASE, ORDER)._take_evidence, evidence)


def take_offer(offer: Offer) -> None:
    """As the first node takes it, up to the function that it then asks for."""
    node = make_offered_node(Path("/"), ORDER)
    posted = node.station.settlement.job
    node.station.settlement.job = lambda job: NO_JOB if job != ORDER.job else posted(job)
    node.station.functions = SimpleNamespace(
        make_free=lambda wanted: wanted, using=lambda _: nullcontext(None), ask_for=lambda *_: None
    )
    assert knock(node._take_offer, offer) == FUNCTION_NEEDED


def take_acceptance(acceptance: Acceptance) -> None:
    """As a device takes it of the node at index 3."""
    check_acceptance(acceptance, ORDER, ShareIndex(3), cast.DOMAIN)


def take_read(read: ReadRequest) -> None:
    """As the node that is asked takes it, about its own place."""
    station = SimpleNamespace(
        address=NODE.address,
        settlement=SimpleNamespace(domain=cast.DOMAIN),
    )
    check_read(typed(OutsourcingStation, station), read, cast.PAYER.address, lambda: NOW)


def signed_read() -> ReadRequest:
    """The payer asks the node at index 3."""
    reader: Address = cast.PAYER.address
    facts = (ORDER.job, ShareIndex(3), reader, NODE.address, Timestamp(NOW + 30))
    return ReadRequest(*facts, cast.PAYER.sign(cast.DOMAIN.read_request(*facts)))


SENT: list[tuple[Any, Callable[[Any], None]]] = [
    (ANSWER, take_answer),
    (cast.sign_opinion(JUDGE, CASE, Finding.NONE), take_opinion),
    (cast.sign_opinion(JUDGE, CASE, Finding.WRONG), take_opinion),
    (ORDER.tasks[2], take_task),
    (Evidence(ORDER.terms, ORDER.tasks[2], ANSWER), take_evidence),
    (Offer(ORDER.job, ShareIndex(1), ORDER.terms, ORDER.nodes), take_offer),
    (cast.acceptance_of(ORDER, 3), take_acceptance),
    (signed_read(), take_read),
]


@pytest.mark.parametrize(
    ("message", "take", "name"),
    [(message, take, each.name) for message, take in SENT for each in fields(message)],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_message__with_one_field_changed__is_not_taken(
    message: Any, take: Callable[[Any], None], name: str
) -> None:
    take(message)
    other = replace(message, **{name: changed(getattr(message, name))})
    with pytest.raises((PeerFault, RefusedInput)):
        take(other)


@pytest.mark.parametrize("name", [each.name for each in fields(Terms)])
def test_terms__with_one_field_changed__have_another_hash(name: str) -> None:
    other = replace(ORDER.terms, **{name: changed(getattr(ORDER.terms, name))})
    assert other.hash != ORDER.terms.hash


# --- what is shown -----------------------------------------------------------------------------


def test_sample_evidence__is_what_its_generator_writes() -> None:
    assert sample_evidence.PATH.read_bytes() == sample_evidence.compute().to_json()


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": ChargeKind.SILENT},
        {"node": cast.NODES[3].address},
        {"finding": Finding.RIGHT, "end": IndexPhase.REFUTED},
    ],
    ids=str,
)
def test_bundle__offline_with_another_charge__is_signed_by_no_judge(
    changes: dict[str, Any],
) -> None:
    bundle = sample_evidence.compute()
    assert retry_bundle(bundle, sample_evidence.read_function()).outcome is Outcome.AGREES
    case = replace(bundle.cases[0], **changes)
    trial = retry_bundle(replace(bundle, cases=(case,)), sample_evidence.read_function())
    assert trial.outcome is Outcome.UNSOUND
    failed = {check.name for check in trial.receipt.checks if not check.passed}
    assert "index 3: judges signed their finding" in failed
