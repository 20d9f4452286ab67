"""Two organisations with two chaincodes: on the development ledger, and on Fabric itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.offchain.ledger.embedded.served import (
    ORG1,
    ORG2,
    LedgerWorld,
    development_ledger,
    fabric_ledger,
)
from tests.offchain.ledger.embedded.stubborn_chaincode import Stubborn

from edgemark.ledger.fabric.wire.policy.policies import OutOf, Role, SignedBy

EITHER = OutOf(1, (SignedBy(ORG1, Role.PEER), SignedBy(ORG2, Role.PEER)))
LEDGERS = ["development", pytest.param("fabric", marks=pytest.mark.fabric)]
TIMEOUT_S = 2


@pytest.fixture(scope="package", params=LEDGERS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LedgerWorld]:
    folder = tmp_path_factory.mktemp("ledger")
    begin: Callable[..., Any] = development_ledger
    if request.param == "fabric":
        begin = fabric_ledger
    with begin(folder, execute_timeout_s=TIMEOUT_S) as running:
        for name, policy in (("shelf", None), ("lone", EITHER)):
            processes = {each: Stubborn(each) for each in (ORG1, ORG2)}
            running.deploy(name, processes, policy=policy)
        yield running
