"""How a server finds its place again, and how tokens come into the anchor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain

from edgemark.errors import RefusedInput
from edgemark.identity.keys import KeyStore
from edgemark.ledger.records import Resources, Role
from edgemark.settings import load_settings
from edgemark.systems.outsourcing.joining import join_as_server, provide_balance
from edgemark.systems.outsourcing.membership import rotate_server
from edgemark.systems.outsourcing.station import Station
from edgemark.token.metacoin import MetaCoin

__all__ = ["small_chain"]  # the fixture

pytestmark = pytest.mark.chain
RESOURCES = Resources(1, 1, 1, 1)
HERE, ELSEWHERE = "https://127.0.0.1:1", "https://127.0.0.1:2"
WALLET = 10**6


@pytest.fixture
def station(small_chain: SmallChain, tmp_path: Path) -> Iterator[Station]:
    """A node's, whose provider admitted it, with gas and some tokens."""
    small_chain.deployment.save(tmp_path / "deployment.json")
    settings = load_settings(
        file=None,
        environ={},
        overrides={
            "home": tmp_path,
            "chain_url": small_chain.chain.url,
            "confirmations": 0,
            "manifest": tmp_path / "deployment.json",
        },
    )
    me = KeyStore.open(tmp_path / "keys").account.address
    small_chain.operator.transfer_many([(me, 10**18)])
    token = MetaCoin(small_chain.chain, small_chain.deployment.contract("MetaCoin"))
    small_chain.operator.send(token.transfer(me, WALLET))
    with Station.open(settings) as opened:
        with small_chain.lane(8) as provider:
            if opened.registry.role_of(account(8)) is Role.NONE:
                small_chain.enlist_provider(provider)
            provider.send(opened.registry.admit(me))
        yield opened


def transactions_of(station: Station) -> int:
    """How many the account has on the chain."""
    found = station.chain.rpc("eth_getTransactionCount", station.address, "latest")
    return int(found, 16)


def test_provide_balance__from_the_wallet__needs_one_transaction_and_leaves_no_allowance(
    station: Station,
) -> None:
    me, anchor = station.address, station.accounts.contract.address
    provide_balance(station, 100)  # a deposit, and leave for the settlement to lock it
    before = transactions_of(station)
    provide_balance(station, 700)
    assert transactions_of(station) == before + 1
    assert station.accounts.free_balance(me) == 700
    assert station.token.balance(me) == WALLET - 700
    assert station.token.allowance(me, anchor) == 0
    provide_balance(station, 700)
    assert transactions_of(station) == before + 1


def test_provide_balance__more_than_the_wallet__is_refused_and_costs_nothing(
    station: Station,
) -> None:
    with pytest.raises(RefusedInput, match="wallet holds too few tokens") as refused:
        provide_balance(station, WALLET + 1)
    assert (refused.value.had, refused.value.needed) == (WALLET, WALLET + 1)
    assert transactions_of(station) == 0


def test_join_as_server__elsewhere__is_offered_the_rotation_and_joins_after_it(
    station: Station,
) -> None:
    assert join_as_server(station, Role.COMPUTE_NODE, account(8), HERE, RESOURCES)
    assert not join_as_server(station, Role.COMPUTE_NODE, account(8), HERE, RESOURCES)
    with pytest.raises(RefusedInput, match="account rotate"):
        join_as_server(station, Role.COMPUTE_NODE, account(8), ELSEWHERE, RESOURCES)
    assert rotate_server(station, ELSEWHERE, RESOURCES)
    assert not join_as_server(station, Role.COMPUTE_NODE, account(8), ELSEWHERE, RESOURCES)
    assert not rotate_server(station, ELSEWHERE, RESOURCES)


def test_join_as_server__not_admitted__says_to_ask_the_provider(station: Station) -> None:
    with pytest.raises(RefusedInput, match="admit") as refused:
        join_as_server(station, Role.COMPUTE_NODE, account(5), HERE, RESOURCES)
    assert refused.value.had == "NotAdmitted"


def test_join_as_server__retired__comes_back_for_its_open_jobs(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    join_as_server(station, Role.COMPUTE_NODE, account(8), HERE, RESOURCES)
    station.lane.send(station.registry.retire())
    assert not join_as_server(station, Role.COMPUTE_NODE, account(8), HERE, RESOURCES)
    assert "takes no new work" in caplog.text
    with pytest.raises(RefusedInput, match="updateServer is refused"):
        rotate_server(station, ELSEWHERE, RESOURCES)
