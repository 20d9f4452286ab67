"""Online computation (Meta-BMEOC IV-A.4, eqs 7-8): what a node does with its task.

| paper                | here              |
|----------------------|-------------------|
| T_j is valid         | `check_task`      |
| F is what was posted | `check_function`  |
| c_j = f_j(v(j))  (7) | `compute_outputs` |
| b_j = c_j w(j)   (8) | `compute_outputs` |

The paper lets nodes take whatever they are sent; a share or a function that nobody can compute
would then convict them. Function and terms are checked before acceptance, the task before work.
"""

from __future__ import annotations

from edgemark.crypto.ethereum.merkle import check_branch
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial import Header, Polynomial
from edgemark.crypto.sharing.verification import multiply_checks
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.outsourcing.contract.hashes import compute_leaf, split_share
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.protocol.messages import Task


class WrongFunction(RefusedInput):
    """The function is not the one that the terms describe."""


class WrongTask(RefusedInput):
    """The task is not the one that was posted."""


def check_function(function: Polynomial, terms: Terms) -> None:
    """Check F against H(F) and the sizes in the terms.

    Raises:
        WrongFunction: hash, length, terms, inputs, outputs or degree differ.
    """
    had, needed = function.hash.hex(), terms.function_hash.hex()
    if had != needed:
        raise WrongFunction("function hash differs", who="terms", had=had, needed=needed)
    check_sizes(function.header, terms)


def check_sizes(header: Header, terms: Terms) -> None:
    """Check the sizes of the F that is stored under its hash against those in the terms.

    Raises:
        WrongFunction: length, terms, inputs, outputs or degree differ.
    """
    facts = {
        "bytes": (header.total_bytes, terms.function_bytes),
        "terms": (header.term_count, terms.term_count),
        "inputs": (header.inputs, terms.inputs),
        "outputs": (header.outputs, terms.outputs),
        "degree": (header.degree, terms.degree),
    }
    for name, (had, needed) in facts.items():
        if had != needed:
            raise WrongFunction(f"function {name} differs", who="terms", had=had, needed=needed)


def check_task(task: Task, terms: Terms, root: Hash32) -> None:
    """Check that T_j opens leaf j of the posted root and is well formed.

    Raises:
        WrongTask: wrong function, length or element; `BranchMismatch`: not under this root.
    """
    if task.function_hash != terms.function_hash:
        raise WrongTask(
            "task names another function",
            who=f"index {task.index}",
            had=task.function_hash.hex(),
            needed=terms.function_hash.hex(),
        )
    if len(task.share) != terms.share_bytes:
        raise WrongTask(
            "share has the wrong length",
            who=f"index {task.index}",
            had=f"{len(task.share)} bytes",
            needed=terms.share_bytes,
        )
    FIELD.check(task.share, who=f"share {task.index}")
    check_branch(root, compute_leaf(task.task_id), task.index - 1, terms.node_count, task.branch)


def compute_outputs(function: Polynomial, task: Task, terms: Terms) -> bytes:
    """c_j and b_j for a checked task.

    Returns:
        packed c (batch * n elements), then packed b as long.
    """
    values, weight = split_share(task.share, terms.inputs, terms.batch)
    outputs = function.evaluate(values)
    return outputs + multiply_checks(outputs, weight)
