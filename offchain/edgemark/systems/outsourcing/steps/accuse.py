"""Accountability (Meta-BMEOC IV-A.6, algorithm 1), corrected.

| algorithm 1                       | here                                                  |
|-----------------------------------|-------------------------------------------------------|
| isTransaction, isPublicKey (2)    | the charge stands on chain                            |
| all T_j and R_j, j = 1..m (14-15) | the charged task alone: t + 1 of them would be x      |
| T_j as the device says            | `check_evidence`: T_j opens leaf j of the posted root |
| c'_j, b'_j compared (16-18)       | `find`                                                |
| MList (20)                        | one signed finding for one index                      |
"""

from __future__ import annotations

from edgemark.crypto.polynomial import Polynomial
from edgemark.errors import RefusedInput
from edgemark.identifiers import NO_HASH, Address, Hash32
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.protocol.events import HeardAnswer, HeardStrayAnswer, SawCase
from edgemark.systems.outsourcing.protocol.messages import Answer, Task
from edgemark.systems.outsourcing.steps.compute import check_task, compute_outputs
from edgemark.systems.outsourcing.steps.decode import (
    check_opens,
    check_outputs,
    check_signed_answer,
    opens,
)


def compute_opinion_digest(case: SawCase, finding: Finding, domain: SettlementDomain) -> Hash32:
    """What a judge signs about a charge: `served` when the finding is NONE, else its verdict."""
    charge = (case.job, case.index, case.root, case.node, int(case.kind))
    if finding is Finding.NONE:
        return domain.served(*charge)
    return domain.verdict(*charge, int(finding))


class EvidenceIncomplete(RefusedInput):
    """A charge as wrong comes with the answer that the node signed."""


def check_evidence(
    case: SawCase, task: Task, answer: Answer | None, *, terms: Terms, domain: SettlementDomain
) -> None:
    """Check what `served` states of the task: T_j opens leaf j, and is well formed.

    For a charge as wrong also that R_j is what the node signed *and* committed to: another answer
    is no evidence, and a charge without evidence is void. Whether F is here is looked at last, by
    whoever took this: it may be long, and who sends junk has nothing read.

    Raises:
        WrongTask, BranchMismatch, WrongAnswer, BadSignature, EvidenceIncomplete.
    """
    check_task(task, terms, case.root)
    if case.kind is ChargeKind.WRONG:
        if answer is None:
            raise EvidenceIncomplete(
                "signed answer is missing", who=f"index {task.index}", needed="R_j"
            )
        check_signed_answer(answer, task, case.node, domain)
        check_outputs(answer, terms)
        check_opens(answer, case.node, case.commitment, domain)


def hear_answer(
    answer: Answer, task: Task, case: SawCase, domain: SettlementDomain
) -> HeardAnswer | HeardStrayAnswer:
    """What an answer is to a judge, whoever brought it.

    Raises:
        WrongAnswer, BadSignature: the node never signed it for this task.
    """
    check_signed_answer(answer, task, case.node, domain)
    counts = is_answer(answer, case.kind, case.node, case.commitment, domain)
    return HeardAnswer(answer) if counts else HeardStrayAnswer(answer)


def is_answer(
    answer: Answer, kind: ChargeKind, node: Address, commitment: Hash32, domain: SettlementDomain
) -> bool:
    """Whether what a node signed for its task answers a charge.

    What does not open the node's commitment is none: else a node could commit to anything and
    compute only when charged. A silent node without a commitment has nothing to open.
    """
    if kind is ChargeKind.SILENT and commitment == NO_HASH:
        return True
    return opens(answer, node, commitment, domain)


def find(task: Task, answer: Answer, *, function: Polynomial, terms: Terms) -> Finding:
    """Re-execute a checked task and compare with an answer that counts."""
    is_right = compute_outputs(function, task, terms) == answer.outputs
    return Finding.RIGHT if is_right else Finding.WRONG
