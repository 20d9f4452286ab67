"""The public terms of a job and the rules they must keep (Meta-BMEOC IV-A; eqs 3-9, corrected).

Notation: k inputs, n outputs, d degree, t threshold, e errors, m nodes, f fee, S stake, g judges'
fee, b bond, z equal harm. The paper asks only for m <= M; fewer than (d+1)t + 1 answers cannot be
verified, and 2e more are needed to survive e liars and to name them, so the bound is enforced here
and on chain.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from edgemark.crypto.commitments import compute_terms_hash
from edgemark.crypto.field import ELEMENT_BYTES
from edgemark.crypto.secp256k1 import address_of
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.systems.outsourcing.limits import (
    MAX_BATCH,
    MAX_DEGREE,
    MAX_FUNCTION_BYTES,
    MAX_INPUTS,
    MAX_JOB_VALUES,
    MAX_NODES,
    MAX_OUTPUTS,
    MAX_PRODUCTS,
    MAX_TERMS,
    MAX_VALUES,
    RECORD_HEAD_BYTES,
)

MAX_AMOUNT = 2**96 - 1  # one amount on chain
JOB_KEY_BYTES = 33  # compressed secp256k1 point
LOOKS = 3  # at the chain within each window: to see, to act, to see what came of it
HARM_DIVISOR = 10  # z = f / 10: what both lose when nobody can say who failed


@dataclass(frozen=True)
class Terms:
    """What everybody may know of a job; the fields stand in the order of `ISettlement.Terms`.

    Amounts are in the token's smallest unit, times in Unix seconds of chain time, lengths in bytes.
    """

    function_hash: Hash32
    function_bytes: int
    term_count: int
    inputs: int
    outputs: int
    degree: int
    threshold: int
    errors: int
    node_count: int
    batch: int
    share_bytes: int
    job_key: bytes
    fee: Tokens
    stake: Tokens
    judge_fee: Tokens
    accept_by: Timestamp
    compute_by: Timestamp
    collect_by: Timestamp

    @property
    def bond(self) -> Tokens:
        """The bond b = g + f, what the device puts up for each charge."""
        return Tokens(self.judge_fee + self.fee)

    @property
    def harm(self) -> Tokens:
        """The equal harm z = f / 10, rounded down."""
        return Tokens(self.fee // HARM_DIVISOR)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return astuple(self)

    @property
    def hash(self) -> Hash32:
        """keccak256(abi.encode(terms)): what acceptances sign and the chain stores."""
        return compute_terms_hash(self.as_abi())


def compute_least_nodes(degree: int, threshold: int, errors: int) -> int:
    """(d+1)t + 1 + 2e."""
    return (degree + 1) * threshold + 1 + 2 * errors


def compute_least_stake(fee: int, judge_fee: int, node_count: int, errors: int) -> int:
    """max(ceil(m*f/e), 2g + f); 2g + f when e = 0.

    With it a lie costs more than it can gain: an undecided job is charged at random among the
    nodes, e of m, so a liar's expected loss is at least the fee of the whole job.
    """
    floor = 2 * judge_fee + fee
    return floor if errors == 0 else max(-(-node_count * fee // errors), floor)


def compute_share_bytes(batch: int, inputs: int) -> int:
    """Canonical length of one share: batch * k elements of v(j), then w(j)."""
    return ELEMENT_BYTES * (batch * inputs + 1)


def compute_output_bytes(batch: int, outputs: int) -> int:
    """Canonical length of one node's outputs: batch * n elements of c_j, then as many of b_j."""
    return 2 * ELEMENT_BYTES * batch * outputs


def compute_device_bytes(terms: Terms) -> int:
    """What the device needs of its disk: all shares and answers, in the journal and archived."""
    of_a_node = terms.share_bytes + compute_output_bytes(terms.batch, terms.outputs)
    return 2 * (terms.node_count + 1) * (of_a_node + RECORD_HEAD_BYTES)


def check_sharing(*, degree: int, threshold: int, errors: int, node_count: int) -> None:
    """Check d, t, e and m against each other.

    Raises:
        RefusedInput: out of range, or m below (d+1)t + 1 + 2e.
    """
    _check_range("degree d", degree, 1, MAX_DEGREE)
    if threshold < 1:
        raise RefusedInput(
            "t is too small to hide anything", who="job", had=threshold, needed=">= 1"
        )
    if not 0 <= errors <= threshold:
        raise RefusedInput(
            "e is out of range", who="job", had=f"e = {errors}", needed=f"0 <= e <= t = {threshold}"
        )
    least = compute_least_nodes(degree, threshold, errors)
    if not least <= node_count <= MAX_NODES:
        raise RefusedInput(
            "m is out of range",
            who="job",
            had=f"m = {node_count}",
            needed=f"{least} <= m <= {MAX_NODES}",
            remedy=f"(d+1)t + 1 + 2e = {least} nodes verify and survive e = {errors} liars.",
        )


def check_terms(terms: Terms) -> None:
    """Check everything about terms that needs no chain and no function.

    Raises:
        RefusedInput: a field out of range or two that contradict each other.
    """
    check_sharing(
        degree=terms.degree,
        threshold=terms.threshold,
        errors=terms.errors,
        node_count=terms.node_count,
    )
    _check_sizes(terms)
    address_of(terms.job_key)  # a key that is no point could never read an answer
    _check_range("fee", terms.fee, HARM_DIVISOR, MAX_AMOUNT)
    _check_range("judges' fee", terms.judge_fee, 1, terms.fee)
    least = compute_least_stake(terms.fee, terms.judge_fee, terms.node_count, terms.errors)
    _check_range("stake", terms.stake, least, MAX_AMOUNT)
    if not terms.accept_by < terms.compute_by < terms.collect_by:
        raise RefusedInput(
            "deadlines are out of order",
            who="job",
            had=f"{terms.accept_by}, {terms.compute_by}, {terms.collect_by}",
            needed="accept_by < compute_by < collect_by",
        )


def check_pace(terms: Terms, poll_s: float, *, who: str) -> None:
    """Check that somebody who looks at the chain so often is in time for every deadline.

    Raises:
        RefusedInput: a deadline could pass between two looks.
    """
    shortest = min(terms.compute_by - terms.accept_by, terms.collect_by - terms.compute_by)
    if LOOKS * poll_s > shortest:
        raise RefusedInput(
            "looks at the chain too seldom for this job",
            who=who,
            had=f"poll_s = {poll_s:g}",
            needed=f"<= {shortest / LOOKS:g} s, for a window of {shortest} s",
            remedy="Longer windows, or a smaller poll_s.",
        )


def _check_sizes(terms: Terms) -> None:
    """Nobody accepts a job whose function, shares or outputs could never travel."""
    check_work(terms.batch, terms.term_count, terms.function_bytes)
    _check_range("inputs k", terms.inputs, 1, MAX_INPUTS)
    _check_range("outputs n", terms.outputs, 1, MAX_OUTPUTS)
    check_volume(terms.batch, terms.inputs, terms.outputs, terms.node_count)
    share_bytes = compute_share_bytes(terms.batch, terms.inputs)
    _check_range("share bytes", terms.share_bytes, share_bytes, share_bytes)


def check_work(batch: int, term_count: int, function_bytes: int) -> None:
    """Check that F can be sent, and a task over this batch computed by every judge in its window.

    Raises:
        RefusedInput: F is larger, or coefficients * batch are more, than `limits.py` takes.
    """
    _check_range("function bytes", function_bytes, 1, MAX_FUNCTION_BYTES)
    _check_range("term count", term_count, 1, MAX_TERMS)
    remedy = "Split the batch into several jobs, or take a smaller function."
    _check_range("products", max(1, batch) * term_count, 1, MAX_PRODUCTS, remedy)


def check_volume(batch: int, inputs: int, outputs: int, node_count: int) -> None:
    """Check that shares and answers of these sizes can be held, sent and judged.

    Raises:
        RefusedInput: more inputs in a batch, or values of a node or of all nodes, than `limits.py`
            takes.
    """
    smaller = "Split the batch into several jobs."
    _check_range("batch", batch, 1, MAX_BATCH, smaller)
    _check_range("input values", batch * inputs, 1, MAX_VALUES, smaller)
    _check_range("output values", batch * outputs, 1, MAX_VALUES, smaller)
    larger = max(inputs, outputs)
    _check_range("values of all nodes", node_count * batch * larger, 1, MAX_JOB_VALUES, smaller)


def _check_range(name: str, had: int, least: int, most: int, remedy: str = "") -> None:
    if not least <= had <= most:
        needed = f"{least}..{most}"
        raise RefusedInput(f"{name} out of range", who="job", had=had, needed=needed, remedy=remedy)
