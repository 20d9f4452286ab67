"""A chaincode's way to a channel, on either ledger: once, again, changed, disputed, refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from tests.offchain.ledger.embedded.package_maker import make_package as make_any_package
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf
from tests.offchain.ledger.homes_of_ledgers import LedgerHome
from tests.stage.command_line import edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.faults import (
    ApprovalsDiffer,
    ChaincodeRefused,
    IdentityRefused,
    NotEndorsed,
)
from edgemark.ledger.fabric.lifecycle.administrator import Administrator
from edgemark.ledger.fabric.lifecycle.deploying import (
    check_committed,
    deploy,
    members_of,
)
from edgemark.ledger.fabric.lifecycle.opening import list_accesses, open_administrators
from edgemark.ledger.fabric.lifecycle.wishing import Wish
from edgemark.ledger.fabric.opening import open_ledger
from edgemark.ledger.fabric.wire.definitions import Approval, ChaincodeDefinition
from edgemark.ledger.fabric.wire.policy.policies import (
    ENDORSEMENT,
    OutOf,
    Role,
    SignedBy,
    make_policy,
)

ORG1, ORG2 = "Org1MSP", "Org2MSP"
EITHER = make_policy(OutOf(1, (SignedBy(ORG1, Role.PEER), SignedBy(ORG2, Role.PEER))))
NUMBERS = count(1)


@pytest.fixture
def both(ledger_home: LedgerHome) -> Iterator[Sequence[Administrator]]:
    with open_administrators(ledger_home.settings, ledger_home.home) as administrators:
        yield administrators


@pytest.fixture
def name() -> str:
    """Of a chaincode that no other test has."""
    return f"shelf{next(NUMBERS)}"


@pytest.fixture
def packages(ledger_home: LedgerHome, name: str) -> dict[str, bytes]:
    """Of both organisations, each with a process."""
    return {msp_id: ledger_home.serve(name, Shelf()) for msp_id in (ORG1, ORG2)}


def test_open_administrators__are_those_of_all_organisations(
    both: Sequence[Administrator], name: str
) -> None:
    assert [each.msp_id for each in both] == [ORG1, ORG2]
    assert members_of(both[0], name) == [ORG1, ORG2]


def test_deploy__can_be_called_at_once_and_repeats_nothing(
    both: Sequence[Administrator], packages: dict[str, bytes], name: str, ledger_home: LedgerHome
) -> None:
    done: list[str] = []
    deployed = deploy(both, ChaincodeDefinition(name, "1.0"), packages, done.append)
    check_committed(deployed)
    assert deployed.wanted.sequence == 1
    assert f"committing {name} 1.0, sequence 1" in done
    for each, package_id in zip(both, deployed.packages.values(), strict=True):
        assert [held[package_id] for held in each.installed().values()] == [name]
    with open_ledger(ledger_home.settings, ledger_home.home).client() as client:
        client.submit(name, "put", "k", "v")
        assert client.evaluate(name, "get", "k") == b"v"
        height = client.height()
        done.clear()
        assert deploy(both, ChaincodeDefinition(name, "1.0"), packages, done.append) == deployed
        assert [each for each in done if "approving" in each or "committing" in each] == []
        assert client.height() == height
    assert both[1].definition(name) == deployed.wanted
    assert deployed.wanted in both[0].definitions()


def test_deploy__of_another_version_or_policy__is_the_next_sequence(
    both: Sequence[Administrator], packages: dict[str, bytes], name: str, ledger_home: LedgerHome
) -> None:
    deploy(both, ChaincodeDefinition(name, "1.0"), packages)
    assert deploy(both, ChaincodeDefinition(name, "2.0"), packages).wanted.sequence == 2
    last = deploy(both, ChaincodeDefinition(name, "2.0", policy=EITHER), packages)
    assert last.wanted.sequence == 3
    found = both[0].definition(name)
    assert found is not None
    assert (found.version, found.policy, found.sequence) == ("2.0", EITHER, 3)


def test_deploy__of_a_wish__leaves_what_it_does_not_say_as_committed(
    both: Sequence[Administrator], packages: dict[str, bytes], name: str, ledger_home: LedgerHome
) -> None:
    first = deploy(both, Wish(name), packages).wanted
    assert (first.version, first.policy) == ("1.0", make_policy(ENDORSEMENT))
    deploy(both, Wish(name, "2.0", EITHER), packages)
    again = deploy(both, Wish(name), packages)
    assert (again.wanted.version, again.wanted.policy, again.wanted.sequence) == ("2.0", EITHER, 2)
    other = {msp_id: ledger_home.serve(name, Shelf()) for msp_id in (ORG1, ORG2)}
    alone = deploy(both[:1], Wish(name), {ORG1: other[ORG1]})
    assert (alone.wanted.sequence, alone.repackaged) == (2, [ORG1]), "its own affair"
    moved = deploy(both, Wish(name), other)
    assert (moved.wanted, moved.repackaged) == (replace(again.wanted, sequence=3), [ORG2])
    assert deploy(both, Wish(name), other).wanted.sequence == 3


def test_deploy__by_one_of_two__waits_for_the_other_and_names_it(
    both: Sequence[Administrator], packages: dict[str, bytes], name: str
) -> None:
    first = deploy(both[:1], ChaincodeDefinition(name, "1.0"), {ORG1: packages[ORG1]})
    assert not first.is_committed
    assert list(first.missing) == [ORG2]
    with pytest.raises(ApprovalsDiffer, match="too few organisations") as differ:
        check_committed(first)
    assert ORG2 in str(differ.value.had)
    assert both[0].definition(name) is None
    other = deploy(both[1:], ChaincodeDefinition(name, "1.1"), {ORG2: packages[ORG2]})
    assert not other.is_committed
    assert list(other.missing) == [ORG1], "who approved something else is named"
    assert deploy(both[1:], ChaincodeDefinition(name, "1.0"), {ORG2: packages[ORG2]}).is_committed
    assert deploy(both, ChaincodeDefinition(name, "1.0"), packages).wanted.sequence == 1


def test_approve__again_or_out_of_turn(
    both: Sequence[Administrator], packages: dict[str, bytes], name: str
) -> None:
    package = both[0].install(packages[ORG1])
    assert both[0].install(packages[ORG1]) == package, "where it is, it stays"
    approved = Approval(ChaincodeDefinition(name, "1.0"), package.package_id)
    assert both[0].approved(name, 1) is None
    assert both[0].approve(approved)
    assert not both[0].approve(approved)
    assert both[0].approved(name, 1) == approved
    assert both[1].approved(name, 1) is None
    with pytest.raises((ChaincodeRefused, NotEndorsed), match="next available sequence"):
        both[0].approve(replace(approved, definition=ChaincodeDefinition(name, "1.0", 3)))
    with pytest.raises((ChaincodeRefused, NotEndorsed)):
        both[0].readiness(ChaincodeDefinition(name, "1.0", 2))


def test_an_organisation_without_a_package__approves_and_does_not_endorse(
    both: Sequence[Administrator], packages: dict[str, bytes], name: str
) -> None:
    wanted = ChaincodeDefinition(name, "1.0", policy=EITHER)
    deployed = deploy(both, wanted, {ORG1: packages[ORG1]})
    assert deployed.is_committed
    assert deployed.packages[ORG2] == ""
    with pytest.raises(NotEndorsed):
        both[0].wait_until_endorsed(name, [ORG2], 0.0)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"no package", "gzip"),
        (make_any_package(kind="golang"), "type is another"),
        (make_any_package(more={"../outside": b""}), "outside itself"),
        (make_any_package(code={}), "connection.json"),
    ],
    ids=["bytes", "type", "path", "empty"],
)
def test_install__of_a_package_that_is_none__is_refused_and_leaves_nothing(
    both: Sequence[Administrator], raw: bytes, what: str
) -> None:
    before = both[0].installed()
    with pytest.raises(RefusedInput, match=what):
        both[0].install(raw)
    assert both[0].installed() == before


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "a b"}, {"version": ""}])
def test_deploy__of_what_no_ledger_takes__is_refused_before_anything_is_done(
    both: Sequence[Administrator], wrong: dict[str, Any]
) -> None:
    before = both[0].installed()
    with pytest.raises(RefusedInput, match="is wrong"):
        deploy(
            both,
            ChaincodeDefinition(**{"name": "any", "version": "1", **wrong}),
            {ORG1: b"never read"},
        )
    assert both[0].installed() == before


def test_a_client__may_neither_install_nor_approve(
    ledger_home: LedgerHome, packages: dict[str, bytes], name: str
) -> None:
    access = open_ledger(ledger_home.settings, ledger_home.home)
    with access.client() as client:
        user = Administrator(client, access.peers)
        with pytest.raises((ChaincodeRefused, IdentityRefused, NotEndorsed)):
            user.install(packages[ORG1])
        with pytest.raises((ChaincodeRefused, IdentityRefused, NotEndorsed)):
            user.approve(Approval(ChaincodeDefinition(name, "1.0"), ""))


def test_by_a_profile__the_own_organisation_alone_is_acted_for(ledger_home: LedgerHome) -> None:
    first = list_accesses(ledger_home.settings, ledger_home.home)[0]
    named = replace(
        ledger_home.settings,
        kind="profile",
        profile=first.profile.source,
        msp_folder=first.settings.msp_folder,
    )
    (only,) = list_accesses(named, ledger_home.home)
    assert only.signer.msp_id == ORG1
    no_admin = replace(ledger_home.settings, msp_id="Org9MSP")
    with pytest.raises(RefusedInput, match="is no organisation of this home"):
        list_accesses(no_admin, ledger_home.home)


def test_a_chaincode_that_wants_a_first_call__takes_it_marked_and_once(
    both: Sequence[Administrator], packages: dict[str, bytes], name: str, ledger_home: LedgerHome
) -> None:
    deployed = deploy(
        both, ChaincodeDefinition(name, "1.0", init_required=True), packages, lambda _: None
    )
    check_committed(deployed)
    typed = ("--ledger", ledger_home.settings.kind, "--home", ledger_home.home)
    for words in (("invoke", name, "put", "k", "v"), ("query", name, "get", "k")):
        refused = edgemark_here("ledger", *words, *typed)
        assert refused.status == Exit.REFUSED_INPUT
        assert "Make it: `edgemark ledger invoke NAME --init ...`" in refused.complaint
    done = edgemark_here("ledger", "invoke", name, "--init", "hello", "--json", *typed)
    assert done.value["response"] == "begun"
    with open_ledger(ledger_home.settings, ledger_home.home).client() as client:
        assert client.evaluate(name, "get", "begun") == b"hello"
        with pytest.raises(NotEndorsed, match=r"already initialized .* Leave --init"):
            client.submit(name, "hello", is_init=True)
        client.submit(name, "put", "k", "v")
