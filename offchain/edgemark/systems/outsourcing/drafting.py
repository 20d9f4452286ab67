"""From what a user wants to an order: terms, fresh secrets, tasks and root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemark.crypto.commitments import compute_job_id
from edgemark.crypto.field import FIELD
from edgemark.crypto.polynomial import Polynomial
from edgemark.crypto.randomness import Randomness
from edgemark.crypto.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.systems.outsourcing.events import Order
from edgemark.systems.outsourcing.parameters import (
    Terms,
    check_sharing,
    check_terms,
    compute_least_nodes,
    compute_least_stake,
    compute_share_bytes,
)
from edgemark.systems.outsourcing.sharing import Sharing
from edgemark.systems.outsourcing.steps.share import SharingSecrets, bind_shares, share_inputs

NONCE_BYTES = 16
GATHER_PART = (
    3  # answers are waited for during a third of the time between compute_by and collect_by
)


@dataclass(frozen=True)
class Wish:
    """What the user chooses.

    Attributes:
        threshold: t, colluding nodes that learn nothing.
        errors: e, liars or silent nodes that are survived.
        fee: f for each node; smallest token unit.
        judge_fee: g for each served charge.
        accept_s, compute_s, collect_s: lengths of the three windows, seconds of chain time.
    """

    threshold: int
    errors: int
    fee: Tokens
    judge_fee: Tokens
    accept_s: int
    compute_s: int
    collect_s: int

    def compute_costs(self, degree: int) -> int:
        """Most tokens that a job over a function of this degree locks: m fees and e bonds."""
        nodes = compute_least_nodes(degree, self.threshold, self.errors)
        return nodes * self.fee + self.errors * (self.fee + self.judge_fee)


def draft_terms(
    function: Polynomial, batch: bytes, job_key: bytes, wish: Wish, now: Timestamp
) -> Terms:
    """Terms of a job over `batch` (packed, a whole number of inputs) that starts now.

    Raises:
        RefusedInput: inputs of the wrong length or outside the field, or numbers out of range.
    """
    elements = FIELD.check(batch, who="input")
    if elements == 0 or elements % function.inputs:
        raise RefusedInput(
            "input has the wrong length",
            who="input",
            had=f"{elements} elements",
            needed=f"a multiple of k = {function.inputs}",
        )
    return draft_terms_for(function, elements // function.inputs, job_key, wish, now)


def draft_terms_for(
    function: Polynomial, count: int, job_key: bytes, wish: Wish, now: Timestamp
) -> Terms:
    """Terms of a job over `count` inputs that nobody need see.

    Raises:
        RefusedInput: numbers out of range.
    """
    nodes = compute_least_nodes(function.degree, wish.threshold, wish.errors)
    check_sharing(
        degree=function.degree, threshold=wish.threshold, errors=wish.errors, node_count=nodes
    )
    accept_by = Timestamp(now + wish.accept_s)
    compute_by = Timestamp(accept_by + wish.compute_s)
    terms = Terms(
        function_hash=function.hash,
        function_bytes=function.header.total_bytes,
        term_count=function.term_count,
        inputs=function.inputs,
        outputs=function.outputs,
        degree=function.degree,
        threshold=wish.threshold,
        errors=wish.errors,
        node_count=nodes,
        batch=count,
        share_bytes=compute_share_bytes(count, function.inputs),
        job_key=job_key,
        fee=wish.fee,
        stake=Tokens(compute_least_stake(wish.fee, wish.judge_fee, nodes, wish.errors)),
        judge_fee=wish.judge_fee,
        accept_by=accept_by,
        compute_by=compute_by,
        collect_by=Timestamp(compute_by + wish.collect_s),
    )
    check_terms(terms)
    return terms


def draft_order(  # noqa: PLR0913 - all that a job depends on, by name
    function: Polynomial,
    batch: bytes,
    *,
    nodes: Sequence[Address],
    judges: Sequence[Address],
    wish: Wish,
    payer: Address,
    settlement: Address,
    chain_id: int,
    now: Timestamp,
    randomness: Randomness,
    nonce: int | None = None,
) -> Order:
    """Share a batch for these nodes, with secrets that are drawn here and never used again.

    `nonce` is the number of the job among the payer's, 0 .. 2^128 - 1; drawn when None.

    Raises:
        RefusedInput: see `draft_terms`; or the number of nodes is not m, or one stands twice.
    """
    secret = SecretKey.generate(randomness)
    terms = draft_terms(function, batch, secret.public_key, wish, now)
    check_node_list(nodes, terms.node_count)
    number = int.from_bytes(randomness.octets(NONCE_BYTES), "big") if nonce is None else nonce
    job = compute_job_id(chain_id, settlement, payer, number)
    secrets = _draw_secrets(terms, randomness)
    tasks, root = share_inputs(
        batch,
        job=job,
        function_hash=terms.function_hash,
        node_count=terms.node_count,
        threshold=terms.threshold,
        secrets=secrets,
    )
    return Order(
        job=job,
        nonce=number,
        terms=terms,
        root=root,
        nodes=tuple(nodes),
        judges=tuple(judges),
        tasks=tasks,
        alpha=secrets.alpha,
        job_secret=secret.reveal(),
        gather_until=_compute_gather_until(terms),
    )


def order_of_sharing(  # noqa: PLR0913 - all that a job depends on, by name
    sharing: Sharing,
    function: Polynomial,
    *,
    nodes: Sequence[Address],
    judges: Sequence[Address],
    wish: Wish,
    payer: Address,
    settlement: Address,
    chain_id: int,
    now: Timestamp,
) -> Order:
    """A job over shares that were made elsewhere.

    The number of the job follows from the sharing: the contract takes it from this payer once, and
    its masks never serve a second attempt.

    Raises:
        RefusedInput: the sharing is for another function, threshold or number of errors; see
            `draft_terms` and `check_node_list`.
    """
    sharing.check_fits(function, wish.threshold, wish.errors)
    terms = draft_terms_for(function, sharing.batch, sharing.job_key, wish, now)
    check_node_list(nodes, terms.node_count)
    number = int.from_bytes(sharing.id[:NONCE_BYTES], "big")
    job = compute_job_id(chain_id, settlement, payer, number)
    tasks, root = bind_shares(sharing.shares, job=job, function_hash=terms.function_hash)
    return Order(
        job=job,
        nonce=number,
        terms=terms,
        root=root,
        nodes=tuple(nodes),
        judges=tuple(judges),
        tasks=tasks,
        alpha=sharing.secret.alpha,
        job_secret=sharing.secret.job_secret,
        gather_until=_compute_gather_until(terms),
    )


def _compute_gather_until(terms: Terms) -> Timestamp:
    return Timestamp(terms.compute_by + (terms.collect_by - terms.compute_by) // GATHER_PART)


def _draw_secrets(terms: Terms, randomness: Randomness) -> SharingSecrets:
    return SharingSecrets(
        alpha=randomness.nonzero_element(),
        coefficients=randomness.elements(terms.threshold * terms.batch * terms.inputs),
        gammas=randomness.elements(terms.threshold),
    )


def check_node_list(nodes: Sequence[Address], needed: int) -> None:
    """Check that there are m nodes, each once.

    Raises:
        RefusedInput: another number, or one named twice.
    """
    if len(nodes) != needed:
        raise RefusedInput(
            "wrong number of nodes",
            who="job",
            had=len(nodes),
            needed=needed,
            remedy="m = (d+1)t + 1 + 2e nodes of different providers.",
        )
    twice = sorted({node for node in nodes if nodes.count(node) > 1})
    if twice:
        raise RefusedInput("a node is named twice", who="job", had=", ".join(twice))
