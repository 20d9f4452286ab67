"""How a server finds its place again, and how tokens come into the anchor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, Timestamp
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Role
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.sending.intent import Call
from edgemark.party.evm import joining
from edgemark.party.evm.joining import (
    ALLOWANCE_MARGIN_S,
    allow_again,
    join_as_server,
    provide_balance,
)
from edgemark.party.evm.membership import rotate_server
from edgemark.party.evm.station import EvmStation
from edgemark.settings.loading import load_settings
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE, OutsourcingContracts
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.token.metacoin import MetaCoin

__all__ = ["small_chain"]  # the fixture

pytestmark = pytest.mark.chain
RESOURCES = Resources(1, 1, 1, 1)
HERE, ELSEWHERE = "https://127.0.0.1:1", "https://127.0.0.1:2"
WALLET = 10**6


@pytest.fixture
def station(small_chain: SmallChain, tmp_path: Path) -> Iterator[EvmStation]:
    """A node's, whose provider admitted it, with gas and some tokens."""
    small_chain.deployment.save(tmp_path / "deployment.json")
    settings = load_settings(
        file=None,
        environ={},
        overrides={
            "home": tmp_path,
            "chain.url": small_chain.chain.url,
            "chain.confirmations": 0,
            "chain.manifest": tmp_path / "deployment.json",
        },
        sections=OutsourcingStation.SECTIONS,
    )
    me = KeyStore.open(tmp_path / "keys").account.address
    small_chain.operator.transfer_many([(me, 10**18)])
    token = MetaCoin(small_chain.chain, small_chain.deployment.contract("MetaCoin"))
    small_chain.operator.send(token.transfer(me, WALLET))
    with OutsourcingStation.open(settings) as opened:
        with small_chain.lane(8) as provider:
            if opened.registry.role_of(account(8)) is Role.NONE:
                small_chain.enlist_provider(provider)
            provider.send(opened.registry.admit(me))
        yield opened


def transactions_of(station: EvmStation) -> int:
    """How many the account has on the chain."""
    found = station.chain.rpc("eth_getTransactionCount", station.address, "latest")
    return int(found, 16)


def test_provide_balance__from_the_wallet__is_a_deposit_and_an_exact_allowance_that_ends(
    station: EvmStation,
) -> None:
    me, anchor = station.address, station.accounts.contract.address
    (locker,) = station.lockers
    for wanted in (100, 700):
        before = transactions_of(station)
        provide_balance(station, wanted, lasts_s=3600)
        now = station.chain.block("latest").timestamp
        assert transactions_of(station) == before + 2
        assert station.accounts.free_balance(me) == wanted
        allowance = station.accounts.locker_allowance(me, locker)
        assert allowance.amount == wanted
        assert now + 3600 <= allowance.expires_at <= now + 3600 + ALLOWANCE_MARGIN_S
        assert station.token.balance(me) == WALLET - wanted
        assert station.token.allowance(me, anchor) == 0
    provide_balance(station, 700, lasts_s=3600)
    assert transactions_of(station) == before + 2


def test_provide_balance__of_a_party_that_only_follows__allows_no_contract_anything(
    station: EvmStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    settlement = station.lockers[0]
    monkeypatch.setattr(OutsourcingContracts, "LOCKERS", ())
    provide_balance(station, 100)
    assert station.contracts
    assert station.accounts.free_balance(station.address) == 100
    assert station.accounts.locker_allowance(station.address, settlement).amount == 0


def test_allow_again__sends_nothing_while_enough_is_left_for_long_enough(
    station: EvmStation,
) -> None:
    me, (locker,) = station.address, station.lockers
    allow_again(station, 50, 80, lasts_s=3600)
    before = transactions_of(station)
    allow_again(station, 80, 90, lasts_s=3600)
    assert transactions_of(station) == before
    allow_again(station, 81, 90, lasts_s=3600)
    assert station.accounts.locker_allowance(me, locker).amount == 90
    allow_again(station, 10, 60, lasts_s=ALLOWANCE_MARGIN_S + 7200)
    assert station.accounts.locker_allowance(me, locker).amount == 90  # longer, never less
    assert transactions_of(station) == before + 2


def test_provide_balance__more_than_the_wallet__is_refused_and_costs_nothing(
    station: EvmStation,
) -> None:
    with pytest.raises(RefusedInput, match="wallet holds too few tokens") as refused:
        provide_balance(station, WALLET + 1)
    assert (refused.value.had, refused.value.needed) == (Amount(WALLET), Amount(WALLET + 1))
    assert transactions_of(station) == 0


def send_first(
    station: EvmStation, monkeypatch: pytest.MonkeyPatch, sooner: Callable[[Call], None]
) -> list[Call]:
    """Let something happen between the signing of a permit and its deposit; the deposits."""
    deposits: list[Call] = []
    send_many = station.lane.send_many

    def late(calls: Sequence[Call], **options: int | None) -> list[Receipt]:
        deposits.extend(call for call in calls if call.function == "depositWithPermit")
        if len(deposits) == 1:
            sooner(deposits[0])
        return send_many(calls, **options)

    monkeypatch.setattr(station.lane, "send_many", late)
    return deposits


def permit(station: EvmStation, amount: int, deadline: int, v: int, r: bytes, s: bytes) -> Call:
    """The token's own call, which anybody may send who has seen the signature."""
    owner, spender = station.address, station.accounts.contract.address
    return Call(station.token.contract, "permit", (owner, spender, amount, deadline, v, r, s))


def test_a30_permit_that_somebody_sends_first__is_as_good_for_the_deposit(
    station: EvmStation, small_chain: SmallChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, anchor = station.address, station.accounts.contract.address

    def outrun(deposit: Call) -> None:
        small_chain.operator.send(permit(station, *deposit.args[1:]))
        assert station.token.allowance(me, anchor) == 600

    deposits = send_first(station, monkeypatch, outrun)
    provide_balance(station, 600)
    assert len(deposits) == 1
    assert station.accounts.free_balance(me) == 600
    assert station.token.allowance(me, anchor) == 0


def test_provide_balance__permit_outrun_by_another_of_the_account__signs_again(
    station: EvmStation, small_chain: SmallChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, anchor = station.address, station.accounts.contract.address

    def outrun(deposit: Call) -> None:
        deadline = Timestamp(deposit.args[2])
        digest = station.token.permit_digest(me, anchor, 1, deadline)
        signature = station.keys.account.sign(digest)
        parts = signature[64], signature[:32], signature[32:64]
        small_chain.operator.send(permit(station, 1, deadline, *parts))

    monkeypatch.setattr(joining, "PERMIT_PAUSE_S", 0.0)
    deposits = send_first(station, monkeypatch, outrun)
    provide_balance(station, 600)
    assert len(deposits) == 2
    assert station.accounts.free_balance(me) == 600
    assert station.token.allowance(me, anchor) == 0


def test_provide_balance__deposit_of_the_account_came_in_meanwhile__is_not_made_twice(
    station: EvmStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash: the deposit of the run before is mined when the new one is signed."""
    me, anchor = station.address, station.accounts.contract.address

    def deposit_before(late: Call) -> None:
        deadline = Timestamp(late.args[2] - 1)
        signature = station.keys.account.sign(
            station.token.permit_digest(me, anchor, 600, deadline)
        )
        station.lane.send(station.accounts.deposit_with_permit(me, 600, deadline, signature))

    monkeypatch.setattr(joining, "PERMIT_PAUSE_S", 0.0)
    deposits = send_first(station, monkeypatch, deposit_before)
    provide_balance(station, 600)
    assert len(deposits) == 2  # the late one, and the one that was under way
    assert station.accounts.free_balance(me) == 600
    assert station.token.balance(me) == WALLET - 600


def test_provide_balance__permit_refused_for_good__says_so_after_some_attempts(
    station: EvmStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "PERMIT_PAUSE_S", 0.0)
    monkeypatch.setattr(MetaCoin, "permit_digest", lambda *_: Hash32(bytes(32)))
    with pytest.raises(ContractRefused) as refused:
        provide_balance(station, 600)
    assert refused.value.error_name == "PermitRefused"
    assert station.token.balance(station.address) == WALLET


def test_join_as_server__elsewhere__is_offered_the_rotation_and_joins_after_it(
    station: EvmStation,
) -> None:
    assert join_as_server(station, COMPUTE_NODE, account(8), HERE, RESOURCES)
    assert not join_as_server(station, COMPUTE_NODE, account(8), HERE, RESOURCES)
    with pytest.raises(RefusedInput, match="account rotate"):
        join_as_server(station, COMPUTE_NODE, account(8), ELSEWHERE, RESOURCES)
    assert rotate_server(station, ELSEWHERE, RESOURCES)
    assert not join_as_server(station, COMPUTE_NODE, account(8), ELSEWHERE, RESOURCES)
    assert not rotate_server(station, ELSEWHERE, RESOURCES)


def test_join_as_server__not_admitted__says_to_ask_the_provider(
    station: EvmStation,
) -> None:
    with pytest.raises(RefusedInput, match="admit") as refused:
        join_as_server(station, COMPUTE_NODE, account(5), HERE, RESOURCES)
    values = f"account {station.address}, provider {account(5)}"
    assert refused.value.had == f"NotAdmitted, {values}"


def test_join_as_server__retired__comes_back_for_its_open_jobs(
    station: EvmStation, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("edgemark")  # as it is before a program configures it
    monkeypatch.setattr(log, "propagate", True)
    caplog.set_level(logging.WARNING, logger=log.name)
    join_as_server(station, COMPUTE_NODE, account(8), HERE, RESOURCES)
    station.lane.send(station.registry.retire())
    assert not join_as_server(station, COMPUTE_NODE, account(8), HERE, RESOURCES)
    assert "takes no new work" in caplog.text
    with pytest.raises(RefusedInput, match="updateServer is refused"):
        rotate_server(station, ELSEWHERE, RESOURCES)
