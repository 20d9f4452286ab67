"""A transaction from proposal to state: two organisations, real chaincode, real gRPC and TLS."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from tests.offchain.ledger.embedded.served import ORG1, ORG2, LedgerWorld, development_ledger
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import MAX_ENVELOPE_BYTES


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerWorld]:
    with development_ledger(tmp_path_factory.mktemp("ledger")) as running:
        running.deploy("shelf", {ORG1: Shelf(), ORG2: Shelf()})
        yield running


def test_transaction_that_no_orderer_takes__is_not_prepared__and_the_largest_counts(
    ledger: LedgerWorld,
) -> None:
    user = ledger.user(ORG1)
    with pytest.raises(grpc.RpcError, match="too many to be ordered"):
        user.endorse(user.propose("shelf", "repeat", "k", str(MAX_ENVELOPE_BYTES)))
    code, _ = user.do("shelf", "repeat", "k", str(MAX_ENVELOPE_BYTES - 16 * 1024))
    assert code is Code.VALID


def test_transaction__is_endorsed_ordered_and_read_again(ledger: LedgerWorld) -> None:
    user, other = ledger.user(ORG1), ledger.user(ORG2)
    code, _ = user.do("shelf", "put", "k", "hello")
    assert code is Code.VALID
    for each in (user, other):
        answer = each.evaluate(each.propose("shelf", "get", "k"))
        assert (answer.status, answer.payload) == (200, b"hello")
