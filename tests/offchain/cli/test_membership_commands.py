"""`account register|rotate|succeed|retire` and `provider ...`: each with its effect on chain."""

from __future__ import annotations

import json

import pytest
from tests.offchain.cli.town import MTC, NEEDED, Town, town
from tests.offchain.small_chain import account, small_chain

from edgemark.cli.outsourcing import servers
from edgemark.cli.terminal.exits import Exit
from edgemark.identifiers import format_time
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Role
from edgemark.party.evm.contracts import DEFAULT_PAUSE_S
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE
from edgemark.transport.ports import hold_ports

__all__ = ["small_chain", "town"]  # the fixtures

pytestmark = pytest.mark.chain
THOUSAND = str(1000 * 10**18)  # MTC, smallest unit


def test_stake__nothing_named__brings_what_is_missing_from_the_wallet(town: Town) -> None:
    me = town.enrich("provider", NEEDED + 5)
    town.do("provider", "provider", "register", "Edge Ltd")
    staked = town.do("provider", "provider", "stake")
    now = town.ground.chain.block("latest").timestamp
    assert (staked["counts"], staked["counts_from"]) == (THOUSAND, now)
    assert town.registry.stake_of(me).amount == NEEDED
    shown = town.do("provider", "provider", "show")
    assert (shown["staked"], shown["needed"], shown["free_at"]) == (THOUSAND, THOUSAND, None)
    assert town.anchor.free_balance(me) == 0


def test_register__of_one_that_is_registered__changes_nothing_and_takes_no_other_name(
    town: Town,
) -> None:
    me = town.enrich("provider")
    first = town.do("provider", "provider", "register", "Edge Ltd")
    assert first == {"provider": me, "name": "Edge Ltd", "changed": True}
    again = town.do("provider", "provider", "register", "Edge Ltd")
    assert again == {**first, "changed": False}
    other = town.run("provider", "provider", "register", "Edge\x1b[31m Ltd")
    assert other.status == Exit.REFUSED_INPUT
    assert "had provider Edge Ltd" in other.error
    assert town.registry.name_of(me) == "Edge Ltd"
    town.enrich("device")
    town.do("device", "account", "register", "--role", "device", "--sign-only", town.folder / "d")
    town.do("device", "account", "register", "--relay", town.folder / "d")
    of_a_device = town.run("device", "provider", "register", "Edge Ltd")
    assert of_a_device.status == Exit.REFUSED_INPUT
    assert "had device" in of_a_device.error


def test_show__says_until_when_a_stake_counts_to_the_second(town: Town) -> None:
    me, chain = town.set_up_provider("provider"), town.ground.chain
    until = town.do("provider", "provider", "show")["renew_before"]
    assert until < town.registry.stake_of(me).expires_at
    for second, counts in ((until, THOUSAND), (until + 1, "0")):
        chain.rpc("evm_setNextBlockTimestamp", second)
        chain.rpc("evm_mine")
        assert town.do("provider", "provider", "show")["counts"] == counts


def test_stake__wallet_too_poor__is_refused_by_name(town: Town) -> None:
    town.enrich("provider", NEEDED - 1)
    town.do("provider", "provider", "register", "Edge Ltd")
    ran = town.run("provider", "provider", "stake")
    assert ran.status == Exit.REFUSED_INPUT
    assert "wallet holds too few tokens" in ran.error


def test_unstake__then_release__waits_for_the_unbonding_time(town: Town) -> None:
    me = town.set_up_provider("provider")
    free_at = town.do("provider", "provider", "unstake")["free_at"]
    assert free_at == town.registry.stake_of(me).free_at > 0
    assert town.registry.active_stake(me) == 0
    early = town.run("provider", "provider", "release")
    assert early.status == Exit.REFUSED_INPUT
    assert "StillBonded" in early.error
    again = town.run("provider", "provider", "unstake")
    assert again.status == Exit.REFUSED_INPUT
    assert "AlreadyUnbonding" in again.error
    back = town.do("provider", "provider", "stake", "0")
    now = town.ground.chain.block("latest").timestamp
    assert (back["counts"], back["counts_from"]) == ("0", now + DEFAULT_PAUSE_S)
    assert town.registry.stake_of(me).amount == NEEDED


def test_stake__nothing_named_after_the_lock_expired__brings_all_of_it_again(town: Town) -> None:
    me = town.set_up_provider("provider")
    chain = town.ground.chain
    chain.rpc("evm_setNextBlockTimestamp", town.registry.stake_of(me).expires_at + 1)
    chain.rpc("evm_mine")
    town.enrich("provider", NEEDED)
    back = town.do("provider", "provider", "stake")
    assert back["counts_from"] == chain.block("latest").timestamp + DEFAULT_PAUSE_S
    assert town.registry.stake_of(me).amount == NEEDED
    assert town.anchor.free_balance(me) == NEEDED  # what had expired


def test_release__by_anybody_after_the_unbonding_time__gives_the_stake_back(town: Town) -> None:
    me = town.set_up_provider("provider")
    town.do("provider", "provider", "unstake")
    town.pass_to(town.registry.stake_of(me).free_at + 1)
    town.enrich("stranger")
    released = town.do("stranger", "provider", "release", me)
    assert released == {"provider": me, "released": THOUSAND}
    assert town.anchor.free_balance(me) == NEEDED


def test_register__signed_by_one_and_relayed_by_another__needs_no_gas_of_the_signer(
    town: Town,
) -> None:
    organisation = town.set_up_provider("provider")
    node = town.set_up_node("node", "provider")
    found = town.registry.participant(node)
    assert (found.role, found.provider) == (COMPUTE_NODE, organisation)
    assert town.ground.chain.balance(node) == 0
    assert town.registry.is_active(node)
    again = town.run("provider", "account", "register", "--relay", town.folder / "node.json")
    assert again.status == Exit.REFUSED_INPUT
    assert "AlreadyRegistered" in again.error


@pytest.mark.parametrize("words", [(), ("--sign-only", "x", "--relay", "y"), ("--sign-only", "x")])
def test_register__neither_or_both_or_no_role__says_what_is_needed(
    town: Town, words: tuple[str, ...]
) -> None:
    ran = town.run("node", "account", "register", *words)
    assert ran.status == Exit.REFUSED_INPUT
    assert "needed" in ran.error or "needs" in ran.error


def test_register__a_device_and_a_provider__by_relay(town: Town) -> None:
    town.enrich("relayer")
    for home, words, role in (
        ("device", ("--role", "device"), Role.DEVICE),
        ("other", ("--role", "provider", "--name", "Other Ltd"), Role.PROVIDER),
    ):
        file = town.folder / f"{home}.json"
        town.do(home, "account", "register", *words, "--sign-only", file)
        town.do("relayer", "account", "register", "--relay", file)
        assert town.registry.role_of(town.address(home)) is role
    nameless = ("account", "register", "--role", "provider", "--sign-only", town.folder / "none")
    assert "--name" in town.run("third", *nameless).error


def test_rotate__new_tls_key_and_endpoint__are_registered_once(town: Town) -> None:
    town.set_up_provider("provider")
    node = town.set_up_node("node", "provider")
    town.enrich("node")
    before = KeyStore.open(town.folder / "node" / "keys").tls.pin
    moved = "https://127.0.0.1:9443"
    town.do("node", "config", "set", "registration.advertise", moved)  # R24: kept for both
    facts = town.do("node", "account", "rotate", "--new-tls-key")
    after = KeyStore.open(town.folder / "node" / "keys").tls.pin
    assert facts == {"endpoint": moved, "tls_pin": after.hex(), "changed": True}
    assert before != after
    found = town.registry.participant(node)
    assert (found.endpoint, bytes(found.tls_key_hash)) == (moved, bytes(after))
    assert town.do("node", "account", "rotate")["changed"] is False


def test_rotate__no_server__is_refused_and_keeps_its_key(town: Town) -> None:
    town.enrich("nobody")
    before = KeyStore.open(town.folder / "nobody" / "keys").tls.pin
    words = ("account", "rotate", "--new-tls-key")
    ran = town.run("nobody", *words, advertise="https://127.0.0.1:9443")
    assert ran.status == Exit.REFUSED_INPUT
    assert "is no registered server" in ran.error
    assert KeyStore.open(town.folder / "nobody" / "keys").tls.pin == before


def test_succeed__a_new_home__has_the_place_and_the_old_one_retires(town: Town) -> None:
    organisation = town.set_up_provider("provider")
    node = town.set_up_node("node", "provider")
    successor = town.enrich("successor")
    ran = town.run("successor", "account", "succeed", town.folder / "node", "--yes")
    assert ran.value == {"account": successor, "succeeds": node}
    assert "until its provider has admitted this account" in ran.error
    assert not town.registry.is_active(successor)
    admitted = town.do("provider", "provider", "admit", successor)
    left = town.registry.participant(node).retired_at
    assert admitted["counts_from"] == left + DEFAULT_PAUSE_S
    assert not town.registry.is_active(successor)
    assert not town.registry.is_active(node)
    assert town.registry.participant(successor).provider == organisation


def test_succeed__of_an_organisation__keeps_its_name_members_and_stake(town: Town) -> None:
    organisation = town.set_up_provider("provider")
    node = town.set_up_node("node", "provider")
    actor = town.enrich("actor")
    town.do("actor", "account", "succeed", town.folder / "provider", "--yes")
    registry = town.ground.deployment.contract("ParticipantRegistry")
    assert town.ground.chain.call(registry, "actorOf", organisation, block="latest") == actor
    subject = bytes.fromhex(organisation[2:]).rjust(32, b"\0")
    assert town.anchor.place(town.registry.address, subject, 0).owner == actor
    admitted = town.do("actor", "provider", "admit", account(4))
    counts_from = town.ground.chain.block("latest").timestamp
    assert admitted == {
        "provider": organisation,
        "admitted": account(4),
        "counts_from": counts_from,
        "counts_from_utc": format_time(counts_from),
        "changed": True,
    }
    again = town.do("actor", "provider", "admit", account(4))
    assert again == {**admitted, "changed": False}
    assert town.registry.is_active(node)
    assert town.do("actor", "provider", "show")["provider"] == organisation
    refused = town.run("provider", "provider", "admit", account(5))
    assert refused.status == Exit.REFUSED_INPUT


def test_retire__and_dismiss__end_new_work_and_nothing_else(town: Town) -> None:
    town.set_up_provider("provider")
    first = town.set_up_node("node", "provider")
    second = town.set_up_node("other", "provider")
    town.enrich("node")
    town.do("node", "account", "retire", "--yes")
    assert not town.registry.is_active(first)
    assert town.registry.is_active(second)
    town.do("provider", "provider", "dismiss", second)
    assert not town.registry.is_active(second)
    assert town.registry.participant(first).role is COMPUTE_NODE
    again = town.run("node", "account", "retire", "--yes")
    assert again.status == Exit.REFUSED_INPUT
    assert "HasRetired" in again.error


def test_dismiss__of_an_account_that_is_not_admitted__is_refused_by_name(town: Town) -> None:
    town.set_up_provider("provider")
    node = town.set_up_node("node", "provider")
    town.do("provider", "provider", "dismiss", node)
    for stranger in (account(6), node):
        ran = town.run("provider", "provider", "dismiss", stranger)
        assert ran.status == Exit.REFUSED_INPUT
        assert "is not admitted" in ran.error
        assert stranger in ran.error


def test_first_start_of_a_server__says_in_its_log_what_it_paid(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation = town.set_up_provider("provider")
    node = town.enrich("node", 30 * MTC)
    town.do("provider", "provider", "admit", node)
    monkeypatch.setattr(servers, "serve", lambda station, _: station.close())
    said = []
    with hold_ports(1) as held:
        settings = {"provider": organisation, "listen_port": held.numbers[0], "deposit": "25"}
        for _ in range(2):
            ran = town.run("node", "node", "run", **settings)
            assert ran.status == Exit.DONE, ran.error
            said += map(json.loads, ran.error.splitlines())
    (paid,) = [line for line in said if line["part"] == "joining"]
    assert (paid["event"], paid["free"]) == ("registered and funded", "25 MTC")
    assert paid["gas"] > 200_000
    assert paid["role"] == "compute node"
    assert 0 < int(paid["gas_wei"]) < 10**18
    assert isinstance(paid["gas_wei"], str)  # no program loses digits of it to a float
