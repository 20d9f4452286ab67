"""From what a user wants to an order: terms, fresh secrets, tasks and root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import Polynomial
from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.systems.outsourcing.contract.hashes import compute_job_id
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    check_sharing,
    check_terms,
    compute_least_judge_fee,
    compute_least_stake,
    compute_most_judge_fee,
    compute_share_bytes,
)
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.sharing import Sharing, count_inputs
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.messages import Task
from edgemark.systems.outsourcing.steps.inquire import MOST_NAMED
from edgemark.systems.outsourcing.steps.share import SharingSecrets, bind_shares, share_inputs

NONCE_BYTES = 16
GATHER_PART = 3  # answers are waited for during a third of the time from compute_by to collect_by
LAST_PART = 6  # whatever may still be charged is charged when a sixth of that time is left
LONGEST_WINDOW_S = 2**32  # where no deployment says; three of them fit the contract's times
LEAST_COLLECT_S = 3600  # of the window that is chosen for a user who names none


class Limits(Protocol):
    """What the defaults of a wish follow from (`contract.records.Limits` has it)."""

    @property
    def judge_floor(self) -> int:
        """The least judges' fee, whatever the work."""

    @property
    def judge_price(self) -> int:
        """Of a product: term count times inputs of the batch."""

    @property
    def judge_window(self) -> int:
        """W, seconds."""

    @property
    def min_window(self) -> int:
        """The shortest window of a job, seconds."""

    @property
    def max_window(self) -> int:
        """The longest window of a job, seconds."""


@dataclass(frozen=True)
class Wish:
    """What the user chooses.

    A device of an undecided job charges one index, waits for what the judges pass on, decodes anew
    and charges again: its own window leaves W + J for the first, J = max(W, compute_by - start).

    Attributes:
        threshold: t, colluding nodes that learn nothing.
        errors: e, liars or silent nodes that are survived.
        fee: f for each node; smallest token unit.
        judge_fee: g for each verdict; None: the least that the deployment takes.
        accept_s, compute_s, collect_s: lengths of the three windows, seconds of chain time; with a
            collect_s of None there is time for two rounds of charges.
    """

    threshold: int
    errors: int
    fee: Tokens
    judge_fee: Tokens | None
    accept_s: int
    compute_s: int
    collect_s: int | None

    def compute_costs(self, degree: int) -> int:
        """Most tokens that a job over a function of this degree locks: m fees and e bonds."""
        nodes = compute_least_nodes(degree, self.threshold, self.errors)
        most = compute_most_judge_fee(self.fee) if self.judge_fee is None else self.judge_fee
        return nodes * self.fee + self.errors * (self.fee + most)

    def choose_judge_fee(self, products: int, limits: Limits | None) -> Tokens:
        """The judges' fee that was asked for, or the least."""
        if self.judge_fee is not None:
            return self.judge_fee
        floor, price = (limits.judge_floor, limits.judge_price) if limits else (0, 0)
        return Tokens(compute_least_judge_fee(self.fee, products, floor=floor, price=price))

    def choose_collect_s(self, limits: Limits | None) -> int:
        """The window for charges that was asked for, or one for two rounds of them."""
        if self.collect_s is not None:
            return self.collect_s
        window = limits.judge_window if limits else 0
        answering = max(window, self.accept_s + self.compute_s)
        wanted = max(LEAST_COLLECT_S, 3 * (window + answering))
        return min(wanted, limits.max_window) if limits else wanted


@dataclass(frozen=True)
class Venue:
    """Where a job is ordered, when, and of whom.

    Attributes:
        payer: account of the device.
        settlement: contract of the job.
        chain_id: of its chain.
        nodes: m compute nodes, index j at position j - 1; ascending by provider, see
            `sort_by_provider`.
        judges: all of the settlement's.
        now: chain time.
        limits: of the settlement; None: not known, and the chain says what it does not take.
    """

    payer: Address
    settlement: Address
    chain_id: int
    nodes: Sequence[Address]
    judges: Sequence[Address]
    now: Timestamp
    limits: Limits | None = None


def sort_by_provider(
    nodes: Sequence[Address], providers: Mapping[Address, Address]
) -> tuple[Address, ...]:
    """The nodes as a posting names them: strictly ascending by their providers' addresses.

    Raises:
        RefusedInput: two of them work for one provider.
    """
    ascending = sorted(nodes, key=lambda node: int(providers[node], 16))
    for one, other in pairwise(ascending):
        if providers[one] == providers[other] and one != other:
            raise RefusedInput(
                "two nodes work for one provider",
                who="job",
                had=f"{one} and {other} of {providers[one]}",
                needed="nodes of different providers",
            )
    return tuple(ascending)


def draft_terms(
    function: Polynomial,
    batch: bytes,
    job_key: bytes,
    wish: Wish,
    now: Timestamp,
    limits: Limits | None = None,
) -> Terms:
    """Terms of a job over `batch` (packed, a whole number of inputs) that starts now.

    Raises:
        RefusedInput: inputs of the wrong length or outside the field, or numbers out of range.
    """
    count = count_inputs(function, batch)
    return draft_terms_for(function, count, job_key, wish, now, limits)


def draft_terms_for(
    function: Polynomial,
    count: int,
    job_key: bytes,
    wish: Wish,
    now: Timestamp,
    limits: Limits | None = None,
) -> Terms:
    """Terms of a job over `count` inputs that nobody need see.

    Raises:
        RefusedInput: numbers out of range.
    """
    nodes = compute_least_nodes(function.degree, wish.threshold, wish.errors)
    check_sharing(
        degree=function.degree, threshold=wish.threshold, errors=wish.errors, node_count=nodes
    )
    check_windows(wish, limits)
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
        stake=Tokens(compute_least_stake(wish.fee, nodes, wish.errors)),
        judge_fee=wish.choose_judge_fee(function.term_count * count, limits),
        accept_by=accept_by,
        compute_by=compute_by,
        collect_by=Timestamp(compute_by + wish.choose_collect_s(limits)),
    )
    check_terms(terms)
    return terms


def draft_order(
    function: Polynomial,
    batch: bytes,
    wish: Wish,
    venue: Venue,
    randomness: Randomness,
    *,
    nonce: int | None = None,
) -> Order:
    """Share a batch for the nodes, with secrets that are drawn here and never used again.

    `nonce` is the number of the job among the payer's, 0 .. 2^128 - 1; drawn when None.

    Raises:
        RefusedInput: see `draft_terms`; or the number of nodes is not m, or one stands twice.
    """
    secret = SecretKey.generate(randomness)
    terms = draft_terms(function, batch, secret.public_key, wish, venue.now, venue.limits)
    check_node_list(venue.nodes, terms.node_count)
    number = int.from_bytes(randomness.octets(NONCE_BYTES), "big") if nonce is None else nonce
    job = compute_job_id(venue.chain_id, venue.settlement, venue.payer, number)
    elements = terms.batch * terms.inputs
    secrets = SharingSecrets.draw(randomness, threshold=terms.threshold, elements=elements)
    tasks, root = share_inputs(
        batch,
        job=job,
        function_hash=terms.function_hash,
        node_count=terms.node_count,
        threshold=terms.threshold,
        secrets=secrets,
    )
    kept = (secrets.alpha, secret.reveal())
    return _write_order(venue, terms, (job, number), (tasks, root), kept)


def number_of(sharing: Sharing) -> int:
    """Number of the one job of a sharing, among its payer's."""
    return int.from_bytes(sharing.id[:NONCE_BYTES], "big")


def order_of_sharing(sharing: Sharing, function: Polynomial, wish: Wish, venue: Venue) -> Order:
    """A job over shares that were made elsewhere.

    The number of the job follows from the sharing: the contract takes it from this payer once, and
    its masks never serve a second attempt.

    Raises:
        RefusedInput: the sharing is for another function, threshold or number of errors; see
            `draft_terms` and `check_node_list`.
    """
    sharing.check_fits(function, wish.threshold, wish.errors)
    drafted = (function, sharing.batch, sharing.job_key, wish, venue.now, venue.limits)
    terms = draft_terms_for(*drafted)
    check_node_list(venue.nodes, terms.node_count)
    number = number_of(sharing)
    job = compute_job_id(venue.chain_id, venue.settlement, venue.payer, number)
    bound = bind_shares(sharing.shares, job=job, function_hash=terms.function_hash)
    kept = (sharing.secret.alpha, sharing.secret.job_secret)
    return _write_order(venue, terms, (job, number), bound, kept)


def check_windows(wish: Wish, limits: Limits | None) -> None:
    """Check each window of a job against those that the deployment takes.

    Raises:
        RefusedInput: one is shorter or longer, in the seconds that its user wrote.
    """
    least, most = (limits.min_window, limits.max_window) if limits else (1, LONGEST_WINDOW_S)
    windows = {
        "accept": wish.accept_s,
        "compute": wish.compute_s,
        "collect": wish.choose_collect_s(limits),
    }
    for name, seconds in windows.items():
        if not least <= seconds <= most:
            raise RefusedInput(
                f"the time to {name} is out of range",
                who="job",
                had=f"{seconds} s",
                needed=f"{least} s to {most} s",
            )


def _write_order(
    venue: Venue,
    terms: Terms,
    name: tuple[JobId, int],
    bound: tuple[tuple[Task, ...], Hash32],
    kept: tuple[int, bytes],
) -> Order:
    """Put together what both ways to an order have found out.

    Args:
        venue: where, when and of whom.
        terms: agreed on.
        name: id of the job, and its number among the payer's.
        bound: the tasks, and the root over them.
        kept: alpha and the job's key, which never leave the device.
    """
    job, number = name
    tasks, root = bound
    alpha, job_secret = kept
    return Order(
        job=job,
        nonce=number,
        terms=terms,
        root=root,
        nodes=tuple(venue.nodes),
        judges=tuple(venue.judges),
        tasks=tasks,
        alpha=alpha,
        job_secret=job_secret,
        gather_until=Timestamp(terms.compute_by + _window(terms) // GATHER_PART),
        last_charges_at=Timestamp(terms.collect_by - _window(terms) // LAST_PART),
    )


def _window(terms: Terms) -> int:
    return terms.collect_by - terms.compute_by


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
    _check_once(nodes)


def check_named(nodes: Sequence[Address], needed: int) -> None:
    """Check that m nodes are named, or more to choose from, each once.

    Raises:
        RefusedInput: fewer, more than `MOST_NAMED`, or one twice.
    """
    if not needed <= len(nodes) <= MOST_NAMED:
        raise RefusedInput(
            "wrong number of nodes",
            who="job",
            had=len(nodes),
            needed=f"{needed}, or up to {MOST_NAMED} to choose from",
            remedy="m = (d+1)t + 1 + 2e nodes of different providers.",
        )
    _check_once(nodes)


def _check_once(nodes: Sequence[Address]) -> None:
    twice = sorted({node for node in nodes if nodes.count(node) > 1})
    if twice:
        raise RefusedInput("a node is named twice", who="job", had=", ".join(twice))
