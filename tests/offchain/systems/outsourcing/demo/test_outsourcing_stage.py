"""When the stage of the demonstration has its servers in their places."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.identity.records import Role
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE, ENCLAVE


@pytest.mark.parametrize(
    ("role", "amount", "settled"),
    [(COMPUTE_NODE, 0, False), (COMPUTE_NODE, 1, True), (ENCLAVE, 0, True)],
)
def test_a_node__has_settled_in_when_the_settlement_may_lock_something(
    role: Role, amount: int, settled: bool
) -> None:
    chain: Any = SimpleNamespace(call=lambda *_, **__: (amount, 0))  # a pair is true whatever is in
    deployment = SimpleNamespace(
        contract=lambda _: SimpleNamespace(address="anchor"), contracts={"JobSettlement": "locker"}
    )
    stage: Any = SimpleNamespace(deployment=deployment, chain=chain)
    actor: Any = SimpleNamespace(role=role, account="node")
    assert OutsourcingStage.has_settled_in(stage, actor) is settled
