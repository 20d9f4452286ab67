"""Result verification and reconstruction (Meta-BMEOC IV-A.5, eq. 9), corrected.

| paper                        | here                                                        |
|------------------------------|-------------------------------------------------------------|
| verify Sig_Tj                | `check_answer`: for this task, and it opens the commitment  |
| interpolate phi and psi      | decode c only, one error set for all outputs, radius e - s  |
| psi(0) = alpha phi(0)    (9) | the same, over the indices that are left                    |
| if not: ask the enclave who  | liars are known already; `Undecided` when they cannot be    |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edgemark.crypto.commitments import compute_commitment, split_share
from edgemark.crypto.field import ELEMENT_BYTES, FIELD
from edgemark.crypto.reed_solomon import Undecided
from edgemark.crypto.secp256k1 import check_signature
from edgemark.crypto.typed_data import SettlementDomain
from edgemark.crypto.verification import (
    Answer as NodeValues,
)
from edgemark.crypto.verification import (
    CheckingKey,
    SharingParameters,
    check_answers,
    multiply_checks,
)
from edgemark.errors import PeerFault
from edgemark.identifiers import Address, Hash32, ShareIndex
from edgemark.systems.outsourcing.events import FoundResultUndecided, FoundResultValid, Order
from edgemark.systems.outsourcing.messages import Answer, Task
from edgemark.systems.outsourcing.parameters import Terms, compute_output_bytes


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
    digest = domain.result(
        answer.job, answer.task_id, answer.index, node, answer.share_hash, answer.outputs_hash
    )
    check_signature(digest, answer.signature, node)


def check_outputs(answer: Answer, terms: Terms) -> None:
    """Check length and range of the outputs.

    Raises:
        WrongAnswer: another length. NotAnElement: a value of q or above.
    """
    needed = compute_output_bytes(terms.batch, terms.outputs)
    if len(answer.outputs) != needed:
        raise WrongAnswer(
            "outputs have the wrong length",
            who=f"index {answer.index}",
            had=f"{len(answer.outputs)} bytes",
            needed=needed,
        )
    FIELD.check(answer.outputs, who=f"outputs of index {answer.index}")


def check_opens(
    answer: Answer, node: Address, commitment: Hash32, domain: SettlementDomain
) -> None:
    """Check that the answer opens the node's commitment on chain.

    Raises:
        WrongAnswer: it opens another or none.
    """
    opened = compute_commitment(
        domain.chain_id,
        domain.contract,
        answer.job,
        answer.task_id,
        node,
        answer.outputs_hash,
        answer.salt,
    )
    if opened != commitment:
        raise WrongAnswer(
            "answer does not open the commitment",
            who=f"node {node} at index {answer.index}",
            had=opened.hex(),
            needed=commitment.hex(),
        )


def decode_answers(
    order: Order, answers: Iterable[Answer], challenge: bytes
) -> FoundResultValid | FoundResultUndecided:
    """Name liars and silent nodes and recover F(x), or say that it cannot be decided.

    Args:
        order: terms and secrets of the job.
        answers: verified answers, at most one an index.
        challenge: random packed elements, batch * n of them.
    """
    terms = order.terms
    half = len(challenge)
    values = {
        int(a.index): NodeValues(values=a.outputs[:half], checks=a.outputs[half:]) for a in answers
    }
    silent = tuple(ShareIndex(j) for j in range(1, terms.node_count + 1) if j not in values)
    weights = _weights(order)
    parameters = SharingParameters(
        node_count=terms.node_count,
        threshold=terms.threshold,
        degree=terms.degree,
        errors=terms.errors,
    )
    try:
        found = check_answers(parameters, values, CheckingKey(order.alpha, weights), challenge)
    except Undecided as undecided:
        suspects, mute = _choose_charges(values, weights, silent, terms.errors, challenge)
        return FoundResultUndecided(str(undecided), suspects, mute)
    liars = tuple(ShareIndex(j) for j in sorted(found.liars))
    return FoundResultValid(found.result, liars, silent)


def _weights(order: Order) -> dict[int, int]:
    inputs, batch = order.terms.inputs, order.terms.batch
    return {int(task.index): split_share(task.share, inputs, batch)[1] for task in order.tasks}


def _choose_charges(
    values: Mapping[int, NodeValues],
    weights: Mapping[int, int],
    silent: tuple[ShareIndex, ...],
    errors: int,
    challenge: bytes,
) -> tuple[tuple[ShareIndex, ...], tuple[ShareIndex, ...]]:
    """At most e charges of an undecided job: proven first, then silent, then drawn at random.

    b_j != c_j w(j) proves a lie to the device. The stake is sized so that colluders who leave a
    job undecided lose on average when e of m are drawn at random (parameters.compute_least_stake).
    """
    proven = [j for j, v in values.items() if multiply_checks(v.values, weights[j]) != v.checks]
    drawn = int.from_bytes(challenge[:ELEMENT_BYTES], "big")
    rest = sorted(j for j in values if j not in proven)
    shift = drawn % len(rest) if rest else 0
    wrong = [*sorted(proven), *rest[shift:], *rest[:shift]]
    proven_wrong = wrong[: min(len(proven), errors)]
    mute = silent[: errors - len(proven_wrong)]
    more = wrong[len(proven_wrong) : errors - len(mute)]
    chosen = sorted({*proven_wrong, *more})
    return tuple(ShareIndex(j) for j in chosen), mute
