"""The evidence bundle that the documentation shows: a regression job in which node 3 lied.

`python -m tests.offchain.systems.outsourcing.sample_evidence` writes `docs/sample-evidence.json`
anew. No chain is needed for what can be checked without one; F stays the one that is in the file.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.polynomial import Polynomial, parse_polynomial
from edgemark.systems.outsourcing.contract.amounts import compute_judge_threshold
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.evidence.bundle import Bundle, Case
from edgemark.systems.outsourcing.protocol.events import Order

PATH = Path(__file__).resolve().parents[4] / "docs" / "sample-evidence.json"
LIAR = 3
BATCH = 20


def read_function() -> Polynomial:
    """F of the sample."""
    return parse_polynomial(bytes.fromhex(json.loads(PATH.read_text())["function"]))


@cache
def compute() -> Bundle:
    """The same bundle every time."""
    function = read_function()
    batch = cast.seeded("sample").elements(BATCH * function.inputs)
    order = cast.order_of(function, batch, name="sample")
    return Bundle(
        chain_id=cast.CHAIN_ID,
        settlement=cast.SETTLEMENT,
        job=order.job,
        root=order.root,
        terms=order.terms,
        judges=cast.JUDGE_ADDRESSES,
        threshold=compute_judge_threshold(len(cast.JUDGES)),
        function=function.to_bytes(),
        cases=(_convict(order, function),),
    )


def _convict(order: Order, function: Polynomial) -> Case:
    answer, node, terms = (
        cast.wrong_answer(order, LIAR, function),
        cast.NODES[LIAR - 1],
        order.terms,
    )
    commitment = cast.commitment_to(answer, node)
    charge = cast.case_of(order, LIAR, ChargeKind.WRONG, commitment=commitment)
    accepted = cast.DOMAIN.acceptance(
        order.job, charge.index, order.root, terms.hash, terms.stake, terms.accept_by
    )
    served, verdict = (
        tuple(cast.sign_opinion(judge, charge, finding).signature for judge in judges)
        for finding, judges in ((Finding.NONE, cast.JUDGES), (Finding.WRONG, cast.JUDGES[1:]))
    )
    return Case(
        index=charge.index,
        node=node.address,
        kind=charge.kind,
        task=order.tasks[LIAR - 1],
        answers=(answer,),
        commitment=charge.commitment,
        acceptance=node.sign(accepted),
        valid_until=terms.accept_by,
        end=IndexPhase.CONVICTED,
        finding=Finding.WRONG,
        served=served,
        verdict=verdict,
    )


if __name__ == "__main__":
    PATH.write_bytes(compute().to_json())
