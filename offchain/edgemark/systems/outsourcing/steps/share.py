"""Task handling (Meta-BMEOC IV-A.3, eqs 3-6): split x and alpha into one task for each node.

| paper                          | here                                       |
|--------------------------------|--------------------------------------------|
| v(u) = x + sum r_i u^i   (3)   | `shamir.share` of the batch                |
| w(u) = alpha + sum g_i u^i (4) | `shamir.share` of alpha                    |
| share j = (v(j), w(j))   (5)   | `Task.share`                               |
| ID_Tj = H(f_j, share_j)        | `Task.task_id`, with domain, index and job |
| TX_t: ID_T, Dep., m      (6)   | one Merkle root instead of m hashes        |

One alpha and one w serve the whole batch of one attempt: a wrong value passes with probability
B/(q-1) for B values. They never serve a second attempt or other nodes: the caller draws new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgemark.crypto.commitments import compute_leaf, compute_task_id, encode_share
from edgemark.crypto.field import FIELD, Q, element_at
from edgemark.crypto.hashing import keccak256
from edgemark.crypto.merkle import MerkleTree
from edgemark.crypto.shamir import share
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, JobId, ShareIndex
from edgemark.systems.outsourcing.messages import Task


@dataclass(frozen=True)
class SharingSecrets:
    """Randomness of one sharing attempt, drawn once and never used again.

    Attributes:
        alpha: checking key, 1..q-1.
        coefficients: r_1..r_t, packed, t * batch * k elements.
        gammas: gamma_1..gamma_t, packed, t elements.
    """

    alpha: int = field(repr=False)
    coefficients: bytes = field(repr=False)
    gammas: bytes = field(repr=False)


def make_shares(
    batch: bytes, *, node_count: int, threshold: int, secrets: SharingSecrets
) -> tuple[bytes, ...]:
    """Canonical bytes of share 1..m; they belong to no job yet.

    Args:
        batch: packed inputs, batch * k elements.
        node_count: m.
        threshold: t.
        secrets: fresh randomness.

    Raises:
        RefusedInput: alpha is 0 or out of range, or lengths do not fit.
    """
    if not 1 <= secrets.alpha < Q:
        raise RefusedInput("alpha out of range", who="device", needed="1..q-1")
    points = range(1, node_count + 1)
    values = share(batch, threshold, points, secrets.coefficients)
    weights = share(FIELD.pack([secrets.alpha]), threshold, points, secrets.gammas)
    return tuple(
        encode_share(value, element_at(weight, 0))
        for value, weight in zip(values, weights, strict=True)
    )


def bind_shares(
    shares: Sequence[bytes], *, job: JobId, function_hash: Hash32
) -> tuple[tuple[Task, ...], Hash32]:
    """Make shares the tasks of one job.

    Returns:
        T_1..T_m in order, and the root over their leaves.
    """
    ids = [
        compute_task_id(ShareIndex(j), function_hash, keccak256(one), job)
        for j, one in enumerate(shares, start=1)
    ]
    tree = MerkleTree([compute_leaf(task_id) for task_id in ids])
    tasks = tuple(
        Task(job, ShareIndex(j), function_hash, one, tree.branch(j - 1))
        for j, one in enumerate(shares, start=1)
    )
    return tasks, tree.root


def share_inputs(
    batch: bytes,
    *,
    job: JobId,
    function_hash: Hash32,
    node_count: int,
    threshold: int,
    secrets: SharingSecrets,
) -> tuple[tuple[Task, ...], Hash32]:
    """The m tasks of a job and their Merkle root: `make_shares`, then `bind_shares`."""
    shares = make_shares(batch, node_count=node_count, threshold=threshold, secrets=secrets)
    return bind_shares(shares, job=job, function_hash=function_hash)
