"""Result verification and reconstruction (Meta-BMEOC IV-A.5, eq. 9), corrected.

| paper                        | here                                                        |
|------------------------------|-------------------------------------------------------------|
| verify Sig_Tj                | `check_signed_answer`, and `check_opens` the commitment     |
| interpolate phi and psi      | decode c only, one error set for all outputs, radius e - s  |
| psi(0) = alpha phi(0)    (9) | the same, over the indices that are left                    |
| if not: ask the enclave who  | liars are known already; if they cannot be: `charging.py`    |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, element_at
from edgemark.crypto.sharing.reed_solomon import Undecided, decode
from edgemark.crypto.sharing.verification import (
    Answer as NodeValues,
)
from edgemark.crypto.sharing.verification import (
    CheckingKey,
    SharingParameters,
    check_answers,
    multiply_checks,
)
from edgemark.errors import PeerFault
from edgemark.identifiers import Address, Hash32, ShareIndex
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import Terms, compute_output_bytes
from edgemark.systems.outsourcing.protocol.events import (
    FoundResultEarly,
    FoundResultUndecided,
    FoundResultValid,
    Order,
)
from edgemark.systems.outsourcing.protocol.messages import Answer, Task
from edgemark.systems.outsourcing.steps.charging import (
    NO_CHARGES,
    Docket,
    Suspicion,
    choose_charges,
)


class WrongAnswer(PeerFault):
    """An answer that does not verify for its task: it counts as none."""


def check_signed_answer(
    answer: Answer, task: Task, node: Address, domain: SettlementDomain
) -> None:
    """Check that `node` signed this answer for this very task.

    Raises:
        WrongAnswer: another task, share or job. BadSignature: another signer.
    """
    place = (answer.job, answer.index, answer.task_id, answer.share_hash)
    if place != (task.job, task.index, task.task_id, task.share_hash):
        raise WrongAnswer(
            "answer belongs to another task",
            who=f"node {node} at index {task.index}",
            had=answer.task_id.hex(),
            needed=task.task_id.hex(),
        )
    check_signature(answer.digest(domain, node), answer.signature, node)


class Sizes(Protocol):
    """Numbers of a job, or of a sharing that is for one."""

    @property
    def node_count(self) -> int:
        """The number m."""

    @property
    def threshold(self) -> int:
        """The number t."""

    @property
    def degree(self) -> int:
        """Of the function, d."""

    @property
    def errors(self) -> int:
        """Liars and silent nodes that are survived, e."""

    @property
    def batch(self) -> int:
        """Inputs."""

    @property
    def outputs(self) -> int:
        """Values of the function for each input."""


def check_outputs(answer: Answer, sizes: Sizes) -> None:
    """Check length and range of the outputs.

    Raises:
        WrongAnswer: another length. NotAnElement: a value of q or above.
    """
    needed = compute_output_bytes(sizes.batch, sizes.outputs)
    if len(answer.outputs) != needed:
        raise WrongAnswer(
            "outputs have the wrong length",
            who=f"index {answer.index}",
            had=f"{len(answer.outputs)} bytes",
            needed=needed,
        )
    FIELD.check(answer.outputs, who=f"outputs of index {answer.index}")


def opens(answer: Answer, node: Address, commitment: Hash32, domain: SettlementDomain) -> bool:
    """Whether the answer opens the node's commitment on chain."""
    return answer.commitment(domain, node) == commitment


def check_opens(
    answer: Answer, node: Address, commitment: Hash32, domain: SettlementDomain
) -> None:
    """Check that the answer opens the node's commitment on chain.

    Raises:
        WrongAnswer: it opens another or none.
    """
    if not opens(answer, node, commitment, domain):
        raise WrongAnswer(
            "answer does not open the commitment",
            who=f"node {node} at index {answer.index}",
            had=answer.commitment(domain, node).hex(),
            needed=commitment.hex(),
        )


def decode_answers(
    order: Order, answers: Iterable[Answer], challenge: bytes, docket: Docket = NO_CHARGES
) -> FoundResultValid | FoundResultUndecided:
    """Name liars and silent nodes and recover F(x), or say that it cannot be decided.

    Args:
        order: terms and secrets of the job.
        answers: verified answers, at most one an index.
        challenge: random packed elements, batch * n of them.
        docket: what may be charged if it is undecided.
    """
    values = read_values(answers)
    weights = _weights(order)
    try:
        return find_result(order.terms, CheckingKey(order.alpha, weights), values, challenge)
    except Undecided as undecided:
        suspicion = _suspect(order, values, weights, challenge)
        return FoundResultUndecided(str(undecided), *choose_charges(suspicion, docket))


def decode_early(
    order: Order, answers: Iterable[Answer], challenge: bytes
) -> FoundResultEarly | None:
    """The result and whose answers are right, as far as these answers alone decide it.

    With s of m answers missing, at most e - s of the others are corrected. Whatever the s say when
    they come, the same polynomial is within e errors of all m answers, and is the only one: so
    `decode_answers` of all finds the same result. What it takes to be wrong here is what it takes
    there: more than t + e liars among those that answered.

    Args:
        order: terms and secrets of the job.
        answers: verified answers, at most one an index.
        challenge: as in `decode_answers`.
    """
    values, key = read_values(answers), CheckingKey(order.alpha, _weights(order))
    try:
        found = find_result(order.terms, key, values, challenge)
    except Undecided:
        return None
    right = sorted(values.keys() - set(found.liars))
    return FoundResultEarly(found.result, tuple(ShareIndex(j) for j in right))


def read_values(answers: Iterable[Answer]) -> dict[int, NodeValues]:
    """By index, what verified answers say: half of the outputs are values, half their checks."""
    halves = ((int(answer.index), answer.outputs, len(answer.outputs) // 2) for answer in answers)
    return {j: NodeValues(values=out[:half], checks=out[half:]) for j, out, half in halves}


def find_result(
    sizes: Sizes, key: CheckingKey, values: Mapping[int, NodeValues], challenge: bytes
) -> FoundResultValid:
    """The result, who answered falsely, and who not at all.

    Args:
        sizes: of the job.
        key: alpha and w(1)..w(m).
        values: by index, 1..m.
        challenge: random packed elements, batch * n of them.

    Raises:
        Undecided: silent and false answers together are more than e.
    """
    found = check_answers(parameters_of(sizes), values, key, challenge)
    liars = tuple(ShareIndex(j) for j in sorted(found.liars))
    return FoundResultValid(found.result, liars, list_silent(sizes, values))


def list_silent(sizes: Sizes, values: Mapping[int, NodeValues]) -> tuple[ShareIndex, ...]:
    """Indices without an answer that counts."""
    return tuple(ShareIndex(j) for j in range(1, sizes.node_count + 1) if j not in values)


def parameters_of(sizes: Sizes) -> SharingParameters:
    """What decoding needs of the sizes."""
    return SharingParameters(
        node_count=sizes.node_count,
        threshold=sizes.threshold,
        degree=sizes.degree,
        errors=sizes.errors,
    )


def _weights(order: Order) -> dict[int, int]:
    # the last element of what the device made itself
    return {int(task.index): element_at(task.share[-ELEMENT_BYTES:], 0) for task in order.tasks}


def _suspect(
    order: Order, values: Mapping[int, NodeValues], weights: Mapping[int, int], challenge: bytes
) -> Suspicion:
    """What can be said of an undecided job: b_j != c_j w(j) proves a lie to the device."""
    proven = [j for j, v in values.items() if multiply_checks(v.values, weights[j]) != v.checks]
    return Suspicion(
        answered=frozenset(values),
        proven=frozenset(proven),
        findable=_find_with_one_more(order.terms, values, frozenset(proven), challenge),
    )


def _find_with_one_more(
    terms: Terms, values: Mapping[int, NodeValues], proven: frozenset[int], challenge: bytes
) -> frozenset[int] | None:
    """The liars at the radius that one answer more would give; None when that does not do."""
    radius = terms.errors - (terms.node_count - len(values)) + 1
    if radius < 0 or len(values) == terms.node_count:
        return None
    points, degree = sorted(values), terms.degree * terms.threshold
    try:
        word = decode(points, [values[j].values for j in points], degree, radius, challenge)
    except Undecided:
        return None
    liars = word.errors | proven
    return liars if len(liars) <= radius else None
