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
from edgemark.crypto.typed_data import SettlementDomain
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.systems.outsourcing.messages import Answer, ChargeKind, Finding, Task
from edgemark.systems.outsourcing.parameters import Terms
from edgemark.systems.outsourcing.steps.compute import check_function, check_task, compute_outputs
from edgemark.systems.outsourcing.steps.decode import (
    WrongAnswer,
    check_opens,
    check_outputs,
    check_signed_answer,
)

NO_COMMITMENT = Hash32(bytes(32))


class EvidenceIncomplete(RefusedInput):
    """A charge as wrong comes with the answer that the node signed."""


def check_evidence(
    kind: ChargeKind,
    task: Task,
    answer: Answer | None,
    *,
    function: Polynomial,
    terms: Terms,
    root: Hash32,
    node: Address,
    domain: SettlementDomain,
) -> None:
    """Check what `served` states: T_j opens leaf j, is well formed, and F is the posted one.

    Raises:
        WrongTask, BranchMismatch, WrongFunction, WrongAnswer, BadSignature, EvidenceIncomplete.
    """
    check_function(function, terms)
    check_task(task, terms, root)
    if kind is ChargeKind.WRONG:
        if answer is None:
            raise EvidenceIncomplete(
                "signed answer is missing", who=f"index {task.index}", needed="R_j"
            )
        check_signed_answer(answer, task, node, domain)
        check_outputs(answer, terms)


def find(
    task: Task,
    answer: Answer,
    *,
    function: Polynomial,
    terms: Terms,
    node: Address,
    commitment: Hash32,
    kind: ChargeKind,
    domain: SettlementDomain,
) -> Finding:
    """Re-execute a checked task and compare with a validly signed answer.

    An answer to a charge as silent must also open the node's commitment, if it made one: otherwise
    a node could commit to anything and compute only when charged.
    """
    if compute_outputs(function, task, terms) != answer.outputs:
        return Finding.WRONG
    if kind is ChargeKind.SILENT and commitment != NO_COMMITMENT:
        try:
            check_opens(answer, node, commitment, domain)
        except WrongAnswer:
            return Finding.WRONG
    return Finding.RIGHT
