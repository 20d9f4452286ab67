"""`_lifecycle`, `qscc` and `cscc` answer alike on the development ledger and on Fabric.

Statuses are equal; of the texts, the words that are looked for here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fabric_protos.common import common_pb2, configtx_pb2, ledger_pb2
from fabric_protos.peer import query_pb2, transaction_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2 as messages
from tests.offchain.ledger.embedded.package_maker import make_package, pack
from tests.offchain.ledger.embedded.served import (
    CHANNEL,
    ORG1,
    ORG2,
    LedgerWorld,
    development_ledger,
    fabric_ledger,
)
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark.ledger.fabric.wire.policy.policies import Role, SignedBy, make_policy

LEDGERS = ["development", pytest.param("fabric", marks=pytest.mark.fabric)]
ONE_ALONE = make_policy(SignedBy(ORG1, Role.PEER))
WHERE = {"address": "127.0.0.1:9", "dial_timeout": "1s", "tls_required": False}
Answer = tuple[int, str, bytes]


@pytest.fixture(scope="module", params=LEDGERS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LedgerWorld]:
    """A ledger with the chaincode `shelf` of both organisations, and one approval of `next`."""
    make: Callable[..., Any] = {"development": development_ledger, "fabric": fabric_ledger}[
        request.param
    ]
    with make(tmp_path_factory.mktemp("ledger")) as running:
        running.deploy("shelf", {ORG1: Shelf(), ORG2: Shelf()})
        approval = messages.ApproveChaincodeDefinitionForMyOrgArgs(
            name="next", version="1", sequence=1
        )
        approval.source.unavailable.SetInParent()
        function = "ApproveChaincodeDefinitionForMyOrg"
        running._agree(function, approval, ORG1, CHANNEL, organisations=[ORG1])
        yield running


def ask(
    world: LedgerWorld,
    chaincode: str,
    *arguments: bytes | str,
    who: str = "Admin",
    at: str = ORG1,
    of: str | None = None,
    channel: str = CHANNEL,
) -> Answer:
    user = world.user(of or at, who, at=at)
    response = user.process(user.propose(chaincode, *arguments, channel=channel)).response
    return response.status, response.message, response.payload


def lifecycle(world: LedgerWorld, function: str, **fields: Any) -> Answer:
    facts = {key: fields.pop(key) for key in ("who", "at", "of", "channel") if key in fields}
    argument = getattr(messages, f"{function}Args")(**fields).SerializeToString()
    return ask(world, "_lifecycle", function, argument, **facts)


def defined(**fields: Any) -> dict[str, Any]:
    return {"name": "next", "version": "1", "sequence": 1, **fields}


APPROVE, COMMIT = "ApproveChaincodeDefinitionForMyOrg", "CommitChaincodeDefinition"
READY = "CheckCommitReadiness"
REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("QueryChaincodeDefinition", {"name": "none"}, 404, "namespace none is not defined"),
    ("QueryInstalledChaincode", {"package_id": "none"}, 500, "could not find chaincode with"),
    ("GetInstalledChaincodePackage", {"package_id": "none"}, 500, "not found"),
    ("QueryApprovedChaincodeDefinition", {"name": "none"}, 500, "could not fetch approved"),
    ("InstallChaincode", {"chaincode_install_package": b""}, 500, ""),
    ("InstallChaincode", {"chaincode_install_package": b"x"}, 500, ""),
    ("InstallChaincode", {"chaincode_install_package": pack({})}, 500, ""),
    ("InstallChaincode", {"chaincode_install_package": make_package("!")}, 500, "label"),
    ("InstallChaincode", {"who": "User1"}, 500, "Failed to authorize invocation"),
    ("InstallChaincode", {"of": ORG2}, 500, "Failed to authorize invocation"),
    ("QueryInstalledChaincodes", {"who": "User1"}, 500, "Failed to authorize invocation"),
    (APPROVE, defined(sequence=0), 500, "first definable sequence number is 1"),
    (APPROVE, defined(sequence=2), 500, "larger than the next available sequence number 1"),
    (APPROVE, defined(), 500, "unchanged content"),
    (APPROVE, defined(name="a/b"), 500, "invalid chaincode name 'a/b'"),
    (APPROVE, defined(name="qscc"), 500, "is the name of a system chaincode"),
    (APPROVE, defined(version="1 0"), 500, "invalid chaincode version '1 0'"),
    (APPROVE, defined(name="shelf", version="2"), 500, "with different parameters"),
    (APPROVE, defined(name="shelf", sequence=0), 500, "currently defined sequence 1 is larger"),
    (APPROVE, defined(who="User1"), 500, "Failed to authorize invocation"),
    (COMMIT, defined(at=ORG2), 500, "chaincode definition not agreed to by this org (Org2MSP)"),
    (COMMIT, defined(name="shelf"), 500, "new definition must be sequence 2"),
    (COMMIT, defined(sequence=2), 500, "new definition must be sequence 1"),
    (READY, defined(name="shelf"), 500, "new definition must be sequence 2"),
    ("Nothing", {}, 500, ""),
]


@pytest.mark.parametrize(("function", "fields", "status", "words"), REFUSED)
def test_what_the_lifecycle_refuses__is_refused_alike(
    world: LedgerWorld, function: str, fields: dict[str, Any], status: int, words: str
) -> None:
    if function == "Nothing":
        found = ask(world, "_lifecycle", function, b"")
    else:
        found = lifecycle(world, function, **fields)
    assert found[0] == status, found
    assert words in found[1]


@pytest.mark.parametrize("arguments", [(), ("InstallChaincode",), ("InstallChaincode", b"", b"")])
def test_another_number_of_arguments__is_refused_alike(
    world: LedgerWorld, arguments: tuple[str | bytes, ...]
) -> None:
    assert ask(world, "_lifecycle", *arguments)[0] == 500


@pytest.mark.parametrize(
    ("fields", "approved", "mismatches"),
    [
        ({}, True, []),
        ({"version": "2"}, False, ["EndorsementInfo"]),
        ({"init_required": True}, False, ["EndorsementInfo"]),
        ({"validation_parameter": ONE_ALONE}, False, ["ValidationInfo"]),
    ],
)
def test_readiness__names_the_same_mismatches(
    world: LedgerWorld, fields: dict[str, Any], approved: bool, mismatches: list[str]
) -> None:
    status, message, payload = lifecycle(world, READY, **defined(**fields))
    assert status == 200, message
    found = messages.CheckCommitReadinessResult.FromString(payload)
    assert dict(found.approvals) == {ORG1: approved, ORG2: False}
    assert list(found.mismatches[ORG1].items) == mismatches
    assert list(found.mismatches[ORG2].items) == ["ChaincodeParameters"]


def test_a_definition__is_told_alike(world: LedgerWorld) -> None:
    status, _, payload = lifecycle(world, "QueryChaincodeDefinition", name="shelf", who="User1")
    found = messages.QueryChaincodeDefinitionResult.FromString(payload)
    assert (status, found.sequence, found.version) == (200, 1, "1")
    assert (found.endorsement_plugin, found.validation_plugin) == ("escc", "vscc")
    assert found.validation_parameter == b"\x12\x20/Channel/Application/Endorsement"
    assert dict(found.approvals) == {ORG1: True, ORG2: True}


def test_all_definitions_and_approvals__are_listed_alike(world: LedgerWorld) -> None:
    _, _, payload = lifecycle(world, "QueryChaincodeDefinitions")
    listed = messages.QueryChaincodeDefinitionsResult.FromString(payload)
    assert [each.name for each in listed.chaincode_definitions] == ["shelf"]
    _, _, payload = lifecycle(world, "QueryApprovedChaincodeDefinitions")
    approved = messages.QueryApprovedChaincodeDefinitionsResult.FromString(payload)
    assert {
        (each.name, each.sequence, each.source.WhichOneof("Type"))
        for each in approved.approved_chaincode_definitions
    } == {("shelf", 1, "local_package"), ("next", 1, "unavailable")}


def test_an_installed_package__is_told_and_given_back_alike(world: LedgerWorld) -> None:
    raw = make_package("given_back", connection=WHERE)
    asked: dict[str, Any] = {"chaincode_install_package": raw, "channel": ""}
    _, message, payload = lifecycle(world, "InstallChaincode", **asked)
    installed = messages.InstallChaincodeResult.FromString(payload)
    assert installed.label == "given_back", message
    status, message, _ = lifecycle(world, "InstallChaincode", **asked)
    assert (status, "chaincode already successfully installed" in message) == (500, True)
    wanted = {"package_id": installed.package_id, "channel": ""}
    _, _, payload = lifecycle(world, "GetInstalledChaincodePackage", **wanted)
    given = messages.GetInstalledChaincodePackageResult.FromString(payload)
    assert given.chaincode_install_package == raw
    _, _, payload = lifecycle(world, "QueryInstalledChaincode", **wanted)
    assert messages.QueryInstalledChaincodeResult.FromString(payload).label == "given_back"
    _, _, payload = lifecycle(world, "QueryInstalledChaincodes", channel="")
    listed = messages.QueryInstalledChaincodesResult.FromString(payload).installed_chaincodes
    (shelf,) = [each for each in listed if each.label == f"shelf_1_{ORG1}"]
    assert [each.name for each in shelf.references[CHANNEL].chaincodes] == ["shelf"]


def test_blocks_and_transactions__are_told_alike(world: LedgerWorld) -> None:
    user = world.user()
    _, identity = user.do("shelf", "put", "k", "v", organisations=[ORG1, ORG2])
    asked: dict[str, Any] = {"who": "User1"}
    info = ledger_pb2.BlockchainInfo.FromString(
        ask(world, "qscc", "GetChainInfo", CHANNEL, **asked)[2]
    )
    number = str(info.height - 1)
    newest = ask(world, "qscc", "GetBlockByNumber", CHANNEL, number, **asked)[2]
    assert common_pb2.Block.FromString(newest).header.previous_hash == info.previousBlockHash
    for function, argument in (
        ("GetBlockByHash", info.currentBlockHash),
        ("GetBlockByTxID", identity),
        ("GetBlockByNumber", str(2**64 - 1)),
    ):
        assert ask(world, "qscc", function, CHANNEL, argument, **asked)[2] == newest
    raw = ask(world, "qscc", "GetTransactionByID", CHANNEL, identity, **asked)[2]
    assert transaction_pb2.ProcessedTransaction.FromString(raw).validationCode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("GetChainInfo",),
        ("GetChainInfo", "none"),
        ("GetBlockByNumber", CHANNEL),
        ("GetBlockByNumber", CHANNEL, "-1"),
        ("GetBlockByNumber", CHANNEL, "999"),
        ("GetBlockByHash", CHANNEL, b"\xff"),
        ("GetBlockByTxID", CHANNEL, "none"),
        ("GetTransactionByID", CHANNEL, "none"),
        ("Drop", CHANNEL, "x"),
    ],
)
def test_what_qscc_has_not__is_refused_alike(
    world: LedgerWorld, arguments: tuple[str | bytes, ...]
) -> None:
    assert ask(world, "qscc", *arguments)[0] == 500


def test_channels_and_their_configuration__are_told_alike(world: LedgerWorld) -> None:
    found = query_pb2.ChannelQueryResponse.FromString(
        ask(world, "cscc", "GetChannels", who="User1", channel="")[2]
    )
    assert [each.channel_id for each in found.channels] == [CHANNEL]
    block = common_pb2.Block.FromString(
        ask(world, "cscc", "GetConfigBlock", CHANNEL, who="User1")[2]
    )
    envelope = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(envelope.payload)
    held = configtx_pb2.ConfigEnvelope.FromString(payload.data).config
    config = configtx_pb2.Config.FromString(ask(world, "cscc", "GetChannelConfig", CHANNEL)[2])
    assert set(config.channel_group.groups["Application"].groups) == {ORG1, ORG2}
    assert held.channel_group.groups.keys() == config.channel_group.groups.keys()


@pytest.mark.parametrize(
    "arguments",
    [(), ("GetConfigBlock",), ("GetConfigBlock", "none"), ("JoinChain", b"\xff"), ("Drop", "x")],
)
def test_what_cscc_has_not__is_refused_alike(
    world: LedgerWorld, arguments: tuple[str | bytes, ...]
) -> None:
    assert ask(world, "cscc", *arguments)[0] == 500
