"""The people of the outsourcing tests and one small job of six nodes (t = 1, d = 2, e = 1).

Roles, never names: a payer with a device, nodes 1..6, judges 1..4, a pool, an outsider. Keys are
derived from the roles, so every run has the same accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.field import FIELD, count_elements
from edgemark.crypto.field.randomness import SeededRandomness
from edgemark.crypto.polynomial import DenseQuadratic, Polynomial, SparsePolynomial
from edgemark.crypto.sharing.verification import multiply_checks
from edgemark.identifiers import (
    NO_HASH,
    NO_TIME,
    Address,
    Hash32,
    ShareIndex,
    Timestamp,
    Tokens,
    parse_address,
)
from edgemark.systems.outsourcing.contract.hashes import split_share
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, Limits
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.offline.drafting import Venue, Wish, draft_order, order_of_sharing
from edgemark.systems.outsourcing.offline.exported_answers import ExportedAnswers
from edgemark.systems.outsourcing.offline.sharing import Sharing
from edgemark.systems.outsourcing.protocol.events import (
    HeardAnswer,
    HeardOffer,
    Order,
    SawCase,
)
from edgemark.systems.outsourcing.protocol.messages import (
    SALT_BYTES,
    Acceptance,
    Answer,
    Opinion,
    Task,
)
from edgemark.systems.outsourcing.steps.accept import compute_waiting, sign_acceptance
from edgemark.systems.outsourcing.steps.accuse import (
    compute_opinion_digest,
    find,
    hear_answer,
)
from edgemark.systems.outsourcing.steps.compute import compute_outputs

CHAIN_ID = 31337
SETTLEMENT = parse_address("0x" + "5e" * 20)
DOMAIN = SettlementDomain(CHAIN_ID, SETTLEMENT)
NODE_COUNT = 6
START = Timestamp(1_000)  # chain time when the job is drafted
SERVED_BY = Timestamp(2_000)  # of a charge that a judge takes up
WINDOW = 20  # W, seconds
LIMITS = Limits(
    min_fee=Tokens(12),
    max_fee=Tokens(10**24),
    judge_floor=Tokens(1),
    judge_price=Tokens(0),
    min_window=10,
    max_window=600,
    judge_window=WINDOW,
    exit_grace=500,
)
# Odd amounts, so that every rounding shows: g = 263 of 251..334, b = 1266, S = 6018, and 5015 of
# S - g = 5755 compensate the payer.
WISH = Wish(
    threshold=1,
    errors=1,
    fee=Tokens(1003),
    judge_fee=Tokens(263),
    accept_s=30,
    compute_s=40,
    collect_s=60,
)
WEALTH = 100_000  # what everybody has in the anchor at the start


def key_of_role(role: str) -> SecretKey:
    """The account key of a role."""
    return SecretKey(keccak256(role.encode()))


PAYER = key_of_role("payer")
NODES = tuple(key_of_role(f"node {j}") for j in range(1, 65))
JUDGES = tuple(  # ascending, as the contract wants their signatures
    sorted((key_of_role(f"judge {j}") for j in range(1, 5)), key=lambda key: int(key.address, 16))
)
DECIDED = SimpleNamespace(judges=tuple(judge.address for judge in JUDGES), limits=LIMITS)
DEPLOYMENT: Any = SimpleNamespace(group=lambda _: DECIDED)  # as far as servers look at it
POOL = key_of_role("pool").address
OUTSIDER = key_of_role("outsider")
JUDGE_ADDRESSES = tuple(judge.address for judge in JUDGES)
NODE_ADDRESSES = tuple(node.address for node in NODES[:NODE_COUNT])
PROVIDERS = {  # ascending in the order of the nodes, as a posting names them
    node.address: parse_address(f"0x{j:040x}") for j, node in enumerate(NODES, start=1)
}
JUDGE_PROVIDERS = {
    judge: parse_address(f"0x{1000 + j:040x}") for j, judge in enumerate(JUDGE_ADDRESSES)
}


def seeded(name: str) -> SeededRandomness:
    """The same draws for the same name."""
    return SeededRandomness(name.encode(), for_tests_only=True)


@cache
def dense_function(inputs: int = 2, outputs: int = 2, name: str = "dense") -> Polynomial:
    """A random dense quadratic."""
    terms = outputs * (inputs + 1) * (inputs + 2) // 2
    return DenseQuadratic(inputs, outputs, seeded(name).elements(terms))


@cache
def sparse_function(degree: int = 3, name: str = "sparse") -> Polynomial:
    """A random sparse function F_q^3 -> F_q^2 of this degree."""
    draw = seeded(name)
    terms = {
        (): [draw.element(), draw.element()],
        (1,): [draw.element(), 0],
        (0,) * degree: [draw.nonzero_element(), draw.element()],
        (0,) * (degree - 1) + (2,): [0, draw.nonzero_element()],
    }
    return SparsePolynomial.from_terms(3, 2, terms)


def order_of(
    function: Polynomial | None = None,
    batch: bytes | None = None,
    *,
    wish: Wish = WISH,
    name: str = "order",
    nodes: Sequence[SecretKey] | None = None,
) -> Order:
    """A drafted job; without a batch, two random inputs."""
    function = function or dense_function()
    draw = seeded(name)
    batch = draw.elements(2 * function.inputs) if batch is None else batch
    needed = (function.degree + 1) * wish.threshold + 1 + 2 * wish.errors
    named = [key.address for key in nodes or NODES[:needed]]
    return draft_order(function, batch, wish, venue(PAYER.address, named), draw)


def order_over(
    sharing: Sharing,
    *,
    nodes: Sequence[Address] | None = None,
    payer: Address = PAYER.address,
    function: Polynomial | None = None,
) -> Order:
    """The job over a sharing of a function; the dense one when None."""
    named = [key.address for key in NODES[: sharing.announcement.node_count]]
    where = venue(payer, named if nodes is None else nodes)
    return order_of_sharing(sharing, function or dense_function(), WISH, where)


def venue(payer: Address, nodes: Sequence[Address]) -> Venue:
    """The cast's settlement and judges at the start."""
    return Venue(payer, SETTLEMENT, CHAIN_ID, nodes, JUDGE_ADDRESSES, START)


def small_batch() -> bytes:
    """Two random inputs of the dense function."""
    return seeded("batch").elements(4)


@cache
def small_order() -> Order:
    """The order of the small job."""
    return order_of(dense_function(), small_batch())


def offer_to(order: Order, index: int, now: int | None = None) -> HeardOffer:
    """What the node of `index` remembers of a checked offer.

    Args:
        order: the job.
        index: of the node.
        now: when it left its acceptance to the device; None when it brings it itself at once.
    """
    until = NO_TIME if now is None else compute_waiting(now, order.terms.accept_by)
    offer = (order.job, ShareIndex(index), order.terms, order.root, order.nodes, order.judges)
    return HeardOffer(*offer, until)


def acceptance_of(order: Order, index: int, key: SecretKey | None = None) -> Acceptance:
    """What the node of `index` leaves to the device, or somebody else in its place."""
    return sign_acceptance(offer_to(order, index), key or NODES[index - 1], DOMAIN)


def right_outputs(function: Polynomial, order: Order, index: int) -> bytes:
    """What an honest node of this index computes."""
    return compute_outputs(function, order.tasks[index - 1], order.terms)


def lie_about_values(outputs: bytes, order: Order, index: int, shift: bytes | None = None) -> bytes:
    """A wrong c_j with the b_j that fits it; `shift` is added to c_j (1 in every component)."""
    values = outputs[: len(outputs) // 2]
    shift = shift or FIELD.pack([1] * count_elements(values))
    false = FIELD.add(values, shift)
    terms = order.terms
    _, weight = split_share(order.tasks[index - 1].share, terms.inputs, terms.batch)
    return false + multiply_checks(false, weight)


def lie_about_checks(outputs: bytes) -> bytes:
    """The right c_j with a wrong b_j."""
    half = len(outputs) // 2
    checks = outputs[half:]
    return outputs[:half] + FIELD.add(checks, FIELD.pack([1] * count_elements(checks)))


def salt_of(task: Task, key: SecretKey) -> bytes:
    """The salt that a node drew for its task: another for every task and node."""
    return seeded(f"salt {task.task_id.hex()} {key.address}").octets(SALT_BYTES)


def sign_answer(
    task: Task,
    outputs: bytes,
    key: SecretKey,
    *,
    domain: SettlementDomain = DOMAIN,
    salt: bytes | None = None,
) -> Answer:
    """R_j for these outputs, signed for this very task; without a salt, one of their own."""
    if salt is None:
        salt = salt_of(task, key)
    blank = Answer(task.job, task.index, task.task_id, task.share_hash, outputs, salt, b"")
    return replace(blank, signature=key.sign(blank.digest(domain, key.address)))


def right_answer(
    order: Order, index: int, function: Polynomial | None = None, *, salt: bytes | None = None
) -> Answer:
    """What an honest node of this index answers."""
    outputs = right_outputs(function or dense_function(), order, index)
    return sign_answer(order.tasks[index - 1], outputs, NODES[index - 1], salt=salt)


def wrong_answer(order: Order, index: int, function: Polynomial | None = None) -> Answer:
    """A lie that its b_j fits, signed in due form."""
    outputs = right_outputs(function or dense_function(), order, index)
    lie = lie_about_values(outputs, order, index)
    return sign_answer(order.tasks[index - 1], lie, NODES[index - 1])


def export_answers(order: Order, answers: Sequence[Answer]) -> ExportedAnswers:
    """The file of answers that the payer gives to the owner of the secret."""
    return ExportedAnswers(
        CHAIN_ID,
        SETTLEMENT,
        order.job,
        order.nodes,
        tuple((a.index, a.outputs, a.salt, a.signature) for a in answers),
    )


def commitment_to(answer: Answer, key: SecretKey, domain: SettlementDomain = DOMAIN) -> Hash32:
    """What the node puts on chain before it shows the answer."""
    return answer.commitment(domain, key.address)


def sign_opinion(
    judge: SecretKey, case: SawCase, finding: Finding, domain: SettlementDomain = DOMAIN
) -> Opinion:
    """A judge's signature under `served` (NONE) or a verdict."""
    digest = compute_opinion_digest(case, finding, domain)
    return Opinion(case.job, case.index, finding, judge.sign(digest))


def case_of(
    order: Order,
    index: int,
    kind: ChargeKind = ChargeKind.WRONG,
    *,
    commitment: Hash32 = NO_HASH,
    served_by: Timestamp = SERVED_BY,
) -> SawCase:
    """The charge of an index of this order, as a judge takes it up."""
    return SawCase(
        job=order.job,
        index=ShareIndex(index),
        root=order.root,
        kind=kind,
        node=order.nodes[index - 1],
        commitment=commitment,
        served_by=served_by,
        judges=JUDGE_ADDRESSES,
        threshold=3,
    )


FUNCTIONS = {
    "dense quadratic": dense_function(),
    "sparse cubic": sparse_function(3),
    "sparse of degree 5": sparse_function(5),
}


def job_of(function: Polynomial, wish: Wish = WISH) -> tuple[Order, bytes]:
    """A job over two random inputs, and its right result."""
    batch = seeded("steps").elements(2 * function.inputs)
    return order_of(function, batch, wish=wish), function.evaluate(batch)


def sign_again(order: Order, index: int, outputs: bytes) -> Answer:
    """Other outputs of a node, signed in due form."""
    return sign_answer(order.tasks[index - 1], outputs, NODES[index - 1])


def judged(
    order: Order,
    answer: Answer,
    function: Polynomial,
    *,
    kind: ChargeKind = ChargeKind.WRONG,
    commitment: Hash32 = NO_HASH,
) -> Finding:
    """What a judge finds about an answer; MISSING when it is none."""
    case = case_of(order, answer.index, kind, commitment=commitment)
    task = order.tasks[answer.index - 1]
    heard = hear_answer(answer, task, case, DOMAIN)
    if not isinstance(heard, HeardAnswer):
        return Finding.MISSING
    return find(task, heard.answer, function=function, terms=order.terms)
