"""What Fabric serves and this ledger does not: refused by name, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.offchain.ledger.embedded.served import ORG1, LedgerWorld, development_ledger

from edgemark.ledger.embedded.doors.serving.absent import NOT_HERE

PAGE = Path(__file__).resolve().parents[5] / "docs" / "ledger-answers.md"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerWorld]:
    with development_ledger(tmp_path_factory.mktemp("ledger")) as running:
        yield running


def ask(ledger: LedgerWorld, port: str, path: str) -> tuple[grpc.StatusCode, str]:
    development = ledger.development.ledger
    root = development.organisations.tls_of(port).root
    target = f"localhost:{development.ports[port]}"
    credentials = grpc.ssl_channel_credentials(root)
    with (
        grpc.secure_channel(target, credentials) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        channel.unary_unary(path)(b"", timeout=10)
    error: Any = caught.value
    return error.code(), error.details()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/discovery.Discovery/Discover", ("service discovery", "edgemark ledger profile")),
        ("/gossip.Gossip/GossipStream", ("gossip",)),
        ("/protos.Deliver/DeliverWithPrivateData", ("private data", "Deliver")),
        ("/protos.ChaincodeSupport/Register", ("run it as a service",)),
        ("/orderer.AtomicBroadcast/Broadcast", ("not at this port", "the orderer")),
    ],
)
def test_service_that_a_peer_has_not__is_refused_by_name(
    ledger: LedgerWorld, path: str, words: tuple[str, ...]
) -> None:
    code, told = ask(ledger, ORG1, path)
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert all(word in told for word in words), told


def test_service_of_a_peer_at_the_orderer__is_said_to_be_at_another_port(
    ledger: LedgerWorld,
) -> None:
    orderer = ledger.development.ledger.organisations.orderer.msp_id
    code, told = ask(ledger, orderer, "/gateway.Gateway/Evaluate")
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert "gateway.Gateway is not at this port; ask that of a peer" in told


def test_service_that_nobody_knows__is_left_to_grpc(ledger: LedgerWorld) -> None:
    assert ask(ledger, ORG1, "/nosuch.Thing/Do")[0] is grpc.StatusCode.UNIMPLEMENTED
    assert "not in the development ledger" not in ask(ledger, ORG1, "/gateway.Gateway/Nope")[1]


def test_page__names_what_is_refused() -> None:
    text = PAGE.read_text()
    assert [what for what, _ in NOT_HERE.values() if what not in text] == []
