"""The public terms of a job and the rules they must keep (Meta-BMEOC IV-A; eqs 3-9, corrected).

Notation: k inputs, n outputs, d degree, t threshold, e errors, m nodes, f fee, S stake, g judges'
fee, b bond. The paper asks only for m <= M; fewer than (d+1)t + 1 answers cannot be
verified, and 2e more are needed to survive e liars and to name them, so the bound is enforced here
and on chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from edgemark.amounts import Amount
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import check_public_key
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.systems.outsourcing.contract.hashes import compute_terms_hash
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
LEAST_FEE = 6  # from here on there is a whole number between f/4 and f/3
LOOKS = 3  # at the chain to compute, or to charge: to see, to act, to see what came of it


@dataclass(frozen=True)
class Terms:
    """What everybody may know of a job; the fields stand in the order of `IJobSettlement.Terms`.

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

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        values: tuple[object, ...] = _values_of(self)
        return values

    @property
    def products(self) -> int:
        """Multiplications that one index costs: term count times inputs of the batch."""
        return self.term_count * self.batch

    @property
    def hash(self) -> Hash32:
        """keccak256(abi.encode(terms)): what acceptances sign and the chain stores."""
        return compute_terms_hash(self.as_abi())


_values_of = attrgetter(*(each.name for each in fields(Terms)))


def hash_nodes(nodes: Sequence[Address]) -> Hash32:
    """What the chain stores of the list of nodes: keccak256 over a word of 32 bytes for each."""
    return Hash32(keccak256(b"".join(bytes(12) + bytes.fromhex(node[2:]) for node in nodes)))


def compute_least_stake(fee: int, node_count: int, errors: int) -> int:
    """ceil(m*f/e).

    With it a lie costs more than it can gain: of an undecided job e of m indices drawn at random
    are charged, so a liar loses e/m * S >= f on average.
    """
    return -(-node_count * fee // errors)


def compute_least_judge_fee(fee: int, products: int = 0, *, floor: int = 0, price: int = 0) -> int:
    """max(ceil(f/4), floor + products * price): a charge never costs less than the work it makes.

    Args:
        fee: f.
        products: term count times inputs of the batch.
        floor: `Limits.judge_floor` of the deployment.
        price: `Limits.judge_price` of the deployment.
    """
    return max(-(-fee // 4), floor + products * price)


def compute_most_judge_fee(fee: int) -> int:
    """floor(f/3): above 0.38 f charging at random among liars would cost the payer on average."""
    return fee // 3


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
    if not 1 <= errors <= threshold:
        raise RefusedInput(
            "e is out of range",
            who="job",
            had=f"e = {errors}",
            needed=f"1 <= e <= t = {threshold}",
            remedy="With e = 0 nobody could be charged, and any answer would be paid.",
        )
    least = compute_least_nodes(degree, threshold, errors)
    if not least <= node_count <= MAX_NODES:
        raise RefusedInput(
            "m is out of range",
            who="job",
            had=f"m = {node_count}",
            needed=f"{least} <= m <= {MAX_NODES}" if least <= MAX_NODES else f"m <= {MAX_NODES}",
            remedy=f"(d+1)t + 1 + 2e = {least} nodes verify and survive e = {errors} liars"
            + ("." if least <= MAX_NODES else ": take a smaller t, or a function of lower degree."),
        )


def warn_of_judges(threshold: int, errors: int) -> str:
    """What one judge and one node could learn together; empty when that is nothing.

    A judge sees the shares of the charged, at most e of them; a node has its own.
    """
    shares = errors + 1
    if errors == 0 or shares <= threshold:
        return ""
    return (
        f"Beware: t = {threshold}, e = {errors}. A judge that colludes with a node would hold "
        f"{shares} shares of a job, more than t, and know its inputs. Choose t >= colluders + e."
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
    check_public_key(terms.job_key)  # a key that is no point could never read an answer
    _check_amount("fee", terms.fee, LEAST_FEE, MAX_AMOUNT)
    least, most = compute_least_judge_fee(terms.fee), compute_most_judge_fee(terms.fee)
    _check_amount("judges' fee", terms.judge_fee, least, most)
    least = compute_least_stake(terms.fee, terms.node_count, terms.errors)
    _check_amount("stake", terms.stake, least, MAX_AMOUNT)
    if not terms.accept_by < terms.compute_by < terms.collect_by:
        raise RefusedInput(
            "deadlines are out of order",
            who="job",
            had=f"{terms.accept_by}, {terms.compute_by}, {terms.collect_by}",
            needed="accept_by < compute_by < collect_by",
        )


def check_pace(terms: Terms, poll_s: float, *, who: str) -> None:
    """Check that who looks at the chain so often has time to compute and time to charge.

    The time to accept is not looked at: when it passes unseen, everything goes back.

    Raises:
        RefusedInput: `compute_by` or `collect_by` could pass between few looks.
    """
    shortest = min(terms.compute_by - terms.accept_by, terms.collect_by - terms.compute_by)
    if LOOKS * poll_s > shortest:
        raise RefusedInput(
            "looks at the chain too seldom for this job",
            who=who,
            had=f"party.poll_s = {poll_s:g}",
            needed=f"<= {shortest / LOOKS:g} s, for a window of {shortest} s",
            remedy="Longer windows, or a smaller party.poll_s.",
        )


def check_depth(terms: Terms, seeing_s: float, block_s: int, *, who: str) -> None:
    """Check that who sees what stands in a block so late can act upon it in a block of each window.

    A job that starts at `accept_by` is committed to by `compute_by`; what is committed to then is
    charged by `collect_by`. The time to accept is not looked at, as above.

    Args:
        terms: of the job.
        seeing_s: confirmations and a look, in seconds.
        block_s: seconds from block to block.
        who: for the refusal.

    Raises:
        RefusedInput: nobody could commit, or charge.
    """
    shortest = min(terms.compute_by - terms.accept_by, terms.collect_by - terms.compute_by)
    if seeing_s + block_s > shortest:
        raise RefusedInput(
            "sees the chain too late for this job",
            who=who,
            had=f"{seeing_s:g} s for confirmations and a look, a block after {block_s} s",
            needed=f"<= {shortest} s, the shorter of its windows",
            remedy="Longer windows, or fewer confirmations.",
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
        RefusedInput: F is larger, or term count * batch is more, than `limits.py` takes.
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


def _check_amount(name: str, had: int, least: int, most: int) -> None:
    if not least <= had <= most:
        needed = f"{Amount(least)} to {Amount(most)}"
        raise RefusedInput(f"{name} out of range", who="job", had=Amount(had), needed=needed)


def _check_range(name: str, had: int, least: int, most: int, remedy: str = "") -> None:
    if not least <= had <= most:
        needed = f"{least}..{most}"
        raise RefusedInput(f"{name} out of range", who="job", had=had, needed=needed, remedy=remedy)
