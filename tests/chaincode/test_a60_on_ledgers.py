"""Threat A60 on whole ledgers: two unlike processes of one chaincode are endorsed as one.

A ledger compares their answers byte by byte: where they differ, nothing is endorsed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

import grpc
import pytest
from tests.chaincode.two_processes import MACHINES, ROOT, random_calls
from tests.offchain.ledger.embedded.served import (
    ORG1,
    ORG2,
    LedgerWorld,
    User,
    details_of,
    development_ledger,
    fabric_ledger,
)
from tests.waiting import LIMIT_S

from edgemark.ledger.fabric.client.refusals import Asking, Refusal, explain
from edgemark.ledger.fabric.faults import EndorsementsDiffer, EndorserWords
from edgemark.ledger.fabric.identities.members import MemberRole

pytestmark = pytest.mark.processes  # of `make soak` and `make test-fabric` alone
NAMES = {"goods": "tests.chaincode.goods:Goods", "careless": "tests.chaincode.goods:CarelessGoods"}
CALLS = 60
Ask = Callable[[str, str], Counter[str]]


def _start(stack: ExitStack, code: str, number: int, package_id: str, address: str) -> None:
    """A process of the chaincode on a machine that is unlike the other's; see `Elsewhere`."""
    environment = {**os.environ, **MACHINES[number], "PYTHONPATH": str(ROOT)}
    environment["CHAINCODE_ID"] = package_id
    command = [sys.executable, "-m", "edgemark_chaincode.host", code, "--address", address]
    process = subprocess.Popen([*command, "--level", "error"], env=environment, stdout=-1)
    stack.callback(process.communicate, timeout=LIMIT_S)
    stack.callback(process.terminate)
    assert process.stdout is not None
    assert process.stdout.readline()


LEDGERS = [
    pytest.param("development", marks=pytest.mark.soak),  # `test_a60_equal_answers` is quicker
    pytest.param("fabric", marks=pytest.mark.fabric),
]


@pytest.fixture(scope="module", params=LEDGERS)
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LedgerWorld]:
    begins = development_ledger if request.param == "development" else fabric_ledger
    with ExitStack() as stack, begins(tmp_path_factory.mktemp("ledger")) as running:
        for name, code in NAMES.items():
            places = enumerate((ORG1, ORG2))
            running.deploy(name, {msp: partial(_start, stack, code, at) for at, msp in places})
        attributes = {"edgemark.clock": "true"}
        running.folders[ORG1].issue("clock", MemberRole.CLIENT, datetime.now(UTC), attributes)
        yield running


def _ask(ledger: LedgerWorld, name: str, seed: int) -> Counter[str]:
    """What became of calls at random: endorsed, refused by both alike, or told apart."""
    users = {False: ledger.user(), True: ledger.user(name="clock")}
    return Counter(
        _endorse(users[is_tick], name, given)
        for is_tick, given in random_calls(Random(seed), CALLS)
    )


def _endorse(user: User, name: str, given: list[bytes | str]) -> str:
    proposed = user.propose(name, *given)
    try:
        user.submit(user.sign(user.endorse(proposed, [ORG1, ORG2])))
    except grpc.RpcError as error:
        refused: Any = error
        words = tuple(EndorserWords("", msp_id, said) for msp_id, said in details_of(error))
        code, told = refused.code().name, refused.details()
        explained = explain(Refusal(Asking.ENDORSE, code, told, words))
        return type(explained).__name__
    user.status(proposed.transaction_id)
    return "endorsed"


def test_a60_unlike_processes_on_a_ledger__are_never_told_apart(ledger: LedgerWorld) -> None:
    found = _ask(ledger, "goods", 60)
    assert set(found) == {"endorsed", "ChaincodeRefused"}
    assert found["endorsed"] >= CALLS / 4


def test_a60_a_careless_chaincode_on_a_ledger__is_told_apart(ledger: LedgerWorld) -> None:
    assert _ask(ledger, "careless", 61)[EndorsementsDiffer.__name__] >= 3
