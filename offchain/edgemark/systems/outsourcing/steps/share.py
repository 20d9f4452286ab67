"""Task handling (Meta-BMEOC IV-A.3, eqs 3-6): split x and alpha into one task for each node.

| paper                          | here                                       |
|--------------------------------|--------------------------------------------|
| v(u) = x + sum r_i u^i   (3)   | `shamir.share` of the batch,               |
| w(u) = alpha + sum g_i u^i (4) | ... and of alpha, in one go                |
| share j = (v(j), w(j))   (5)   | `Task.share`                               |
| ID_Tj = H(f_j, share_j)        | `Task.task_id`, with domain, index and job |
| TX_t: ID_T, Dep., m      (6)   | one Merkle root instead of m hashes        |

One alpha and one w serve the whole batch of one attempt: a wrong value passes with probability
B/(q-1) for B values. They never serve a second attempt or other nodes: the caller draws new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgemark.crypto.ethereum.merkle import MerkleTree
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, Q, count_elements, require_count
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.sharing.shamir import share
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, ShareIndex
from edgemark.systems.outsourcing.contract.hashes import (
    compute_leaf,
    compute_share_hash,
    compute_task_id,
)
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.messages import Task


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

    @classmethod
    def draw(cls, randomness: Randomness, *, threshold: int, elements: int) -> SharingSecrets:
        """New ones, for t and a batch of so many elements; vectors hold the order of the draws."""
        return cls(
            alpha=randomness.nonzero_element(),
            coefficients=randomness.elements(threshold * elements),
            gammas=randomness.elements(threshold),
        )


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
    if not batch:
        raise RefusedInput("is empty", who="batch", had=0, needed="B * k elements")
    points = range(1, node_count + 1)
    require_count(secrets.coefficients, threshold * count_elements(batch), who="coefficients")
    require_count(secrets.gammas, threshold, who="gammas")
    # alpha is one element more, behind the inputs: what comes out is (v(j), w(j))
    coefficients = b"".join(
        secrets.coefficients[at * len(batch) : (at + 1) * len(batch)]
        + secrets.gammas[at * ELEMENT_BYTES : (at + 1) * ELEMENT_BYTES]
        for at in range(threshold)
    )
    secret = batch + FIELD.pack([secrets.alpha])
    return tuple(share(secret, threshold, points, coefficients))


def bind_shares(
    shares: Sequence[bytes], *, job: JobId, function_hash: Hash32
) -> tuple[tuple[Task, ...], Hash32]:
    """Make shares the tasks of one job.

    Returns:
        T_1..T_m in order, and the root over their leaves.
    """
    hashes = [compute_share_hash(one) for one in shares]
    ids = [
        compute_task_id(ShareIndex(j), function_hash, one, job)
        for j, one in enumerate(hashes, start=1)
    ]
    tree = MerkleTree([compute_leaf(one) for one in ids])
    tasks = []
    for at, one in enumerate(shares):
        task = Task(job, ShareIndex(at + 1), function_hash, one, tree.branch(at))
        vars(task).update(share_hash=hashes[at], task_id=ids[at])  # not computed a second time
        tasks.append(task)
    return tuple(tasks), tree.root


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
