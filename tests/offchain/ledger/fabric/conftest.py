"""One ledger of each kind a session, for tests that leave a chaincode of their own on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.offchain.ledger.homes_of_ledgers import LedgerHome, development_home, fabric_home


@pytest.fixture(
    scope="session", params=["development", pytest.param("fabric", marks=pytest.mark.fabric)]
)
def ledger_home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LedgerHome]:
    """A home with a ledger: the development ledger, and Fabric's own programs."""
    begin = {"development": development_home, "fabric": fabric_home}[request.param]
    with begin(tmp_path_factory.mktemp("home-of-a-ledger")) as home:
        yield home
