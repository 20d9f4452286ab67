"""Two organisations, and a Gateway of a script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.offchain.ledger.fabric.client.scripted_gateway import Cast, ScriptedGateway

from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.fabric.client.blocking import GatewayClient


@pytest.fixture(scope="session")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Cast:
    folder = tmp_path_factory.mktemp("cast")
    return Cast(Organisations.make(folder, 2, datetime.now(UTC)))


@pytest.fixture
def gateway(cast: Cast) -> Iterator[ScriptedGateway]:
    with ScriptedGateway(cast) as running:
        yield running


@pytest.fixture
def client(gateway: ScriptedGateway, tmp_path: Path) -> Iterator[GatewayClient]:
    desk = gateway.desk(tmp_path / "submissions")
    with desk.journal(), GatewayClient([gateway.address], desk) as opened:
        yield opened
