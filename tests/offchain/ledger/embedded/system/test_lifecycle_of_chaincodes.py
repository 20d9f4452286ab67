"""`_lifecycle`: the messages of `peer lifecycle chaincode`, sent to two endorsers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.peer import collection_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2 as messages
from tests.offchain.ledger.embedded.endorsing_world import (
    CHANNEL,
    ORG1,
    ORG2,
    World,
    client_of,
    endorsing,
    package_id_of,
)
from tests.offchain.ledger.embedded.package_maker import make_package
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark.ledger.embedded.definitions import approver_of
from edgemark.ledger.embedded.endorsers import Endorsers
from edgemark.ledger.embedded.simulation.faults import NotSimulated
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.packages.reading import Package, parse_package
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import OutOf, Role, SignedBy, make_policy
from edgemark.ledger.fabric.wire.read_write_sets import parse_results
from edgemark_chaincode.shim.server import ChaincodeServer

Play = Callable[["Desk"], Awaitable[None]]
EITHER = make_policy(OutOf(1, (SignedBy(ORG1, Role.PEER), SignedBy(ORG2, Role.PEER))))


class Desk:
    """Administrators at both organisations' endorsers."""

    def __init__(self, world: World, endorsers: Endorsers) -> None:
        self.world = world
        self.endorsers = endorsers
        self.channel = world.channels[CHANNEL]

    async def ask(
        self,
        function: str,
        at: str = ORG1,
        who: str = "Admin",
        of: str | None = None,
        **fields: Any,
    ) -> Any:
        """A function's result, or (status, message)."""
        argument = getattr(messages, f"{function}Args")(**fields).SerializeToString()
        signer = client_of(self.world.organisations, of or at, who)
        endorsed = await self.world.endorse(LIFECYCLE, function, argument, at=at, by=signer)
        simulated = endorsed.simulated
        if not simulated.is_good:
            return simulated.status, simulated.message
        if not function.startswith(("Query", "Check", "Get", "Install")):
            self.results = simulated.results
            self.channel.commit(simulated.results)
        return getattr(messages, f"{function}Result").FromString(simulated.response)

    async def approve(
        self, at: str, package_id: str = "", name: str = "shelf", sequence: int = 1, **more: Any
    ) -> Any:
        source = messages.ChaincodeSource()
        if package_id:
            source.local_package.package_id = package_id
        fields = {"name": name, "version": "1.0", "sequence": sequence, "source": source, **more}
        return await self.ask("ApproveChaincodeDefinitionForMyOrg", at=at, **fields)

    async def commit(self, at: str = ORG1, **more: Any) -> Any:
        fields = {"name": "shelf", "version": "1.0", "sequence": 1, **more}
        return await self.ask("CommitChaincodeDefinition", at=at, **fields)

    async def readiness(self, **more: Any) -> Any:
        fields = {"name": "shelf", "version": "1.0", "sequence": 1, **more}
        return await self.ask("CheckCommitReadiness", **fields)


def at_a_desk(made: Path, tmp_path: Path, play: Play) -> None:
    async def run() -> None:
        async with endorsing(made) as world:
            endorsers = Endorsers.open(tmp_path, world.channels, world.organisations.peer_signer)
            world.endorser, world.links = endorsers.endorser, endorsers.links
            try:
                await play(Desk(world, endorsers))
            finally:
                await endorsers.close()

    asyncio.run(run())


def test_a_chaincode__is_installed_approved_committed_and_called(
    made_organisations: Path, tmp_path: Path
) -> None:
    async def play(desk: Desk) -> None:
        server = ChaincodeServer(Shelf(), "", "127.0.0.1:0")
        address = await server.start()
        raw = make_package(connection={"address": address})
        package_id = parse_package(raw).package_id
        server._package_id = package_id
        for at in (ORG1, ORG2):
            installed = await desk.ask("InstallChaincode", at, chaincode_install_package=raw)
            assert (installed.package_id, installed.label) == (package_id, "shelf_1")
            assert await desk.approve(at, package_id) is not None
        assert dict((await desk.readiness()).approvals) == {ORG1: True, ORG2: True}
        await desk.commit()
        found = await desk.ask("QueryChaincodeDefinition", name="shelf")
        assert (found.sequence, found.version, dict(found.approvals)) == (
            1,
            "1.0",
            {ORG1: True, ORG2: True},
        )
        assert (found.endorsement_plugin, found.validation_plugin) == ("escc", "vscc")
        told = await desk.ask("QueryInstalledChaincode", package_id=package_id)
        (user,) = told.references[CHANNEL].chaincodes
        assert (user.name, user.version) == ("shelf", "1.0")
        try:
            assert await desk.world.do("shelf", "put", "k", "v", at=ORG2) == b"kept"
            assert await desk.world.do("shelf", "get", "k") == b"v"
        finally:
            await desk.world.links.close()
            await server.stop(0)

    at_a_desk(made_organisations, tmp_path, play)


def test_an_approval__stands_under_a_key_of_its_organisation_alone(
    made_organisations: Path, tmp_path: Path
) -> None:
    async def play(desk: Desk) -> None:
        await desk.approve(ORG2, package_id_of("shelf"))
        (held,) = [each for each in parse_results(desk.results) if each.writes]
        assert held.namespace == LIFECYCLE
        assert [approver_of(write.key) for write in held.writes] == [ORG2]
        await desk.approve(ORG1)
        await desk.commit()
        (held,) = [each for each in parse_results(desk.results) if each.writes]
        assert {approver_of(write.key) for write in held.writes} == {None}

    at_a_desk(made_organisations, tmp_path, play)


def test_a_commit__is_the_same_bytes_at_each_organisation(
    made_organisations: Path, tmp_path: Path
) -> None:
    async def play(desk: Desk) -> None:
        for at in (ORG1, ORG2):
            await desk.approve(at, package_id_of(at))
        argument = messages.CommitChaincodeDefinitionArgs(name="shelf", version="1.0", sequence=1)
        asked = desk.world.ask(LIFECYCLE, "CommitChaincodeDefinition", argument.SerializeToString())
        one, other = [await desk.world.put_to(asked, at) for at in (ORG1, ORG2)]
        assert one.simulated.is_good
        assert one.payload == other.payload

    at_a_desk(made_organisations, tmp_path, play)


@pytest.mark.parametrize(
    ("different", "words"),
    [
        ({"version": "2.0"}, ["EndorsementInfo"]),
        ({"init_required": True}, ["EndorsementInfo"]),
        ({"validation_parameter": EITHER}, ["ValidationInfo"]),
        ({"version": "2.0", "validation_parameter": EITHER}, ["EndorsementInfo", "ValidationInfo"]),
    ],
)
def test_differing_approvals__are_named(
    made_organisations: Path, tmp_path: Path, different: dict[str, Any], words: list[str]
) -> None:
    async def play(desk: Desk) -> None:
        await desk.approve(ORG1)
        await desk.approve(ORG2, **different)
        found = await desk.readiness()
        assert dict(found.approvals) == {ORG1: True, ORG2: False}
        assert list(found.mismatches[ORG2].items) == words
        assert ORG1 not in found.mismatches
        status, message = await desk.commit(at=ORG2)
        assert status == 500
        assert "not agreed to by this org (Org2MSP)" in message
        assert f"Org2MSP: {', '.join(words)}" in message
        await desk.commit(at=ORG1)
        with pytest.raises(NotSimulated, match="has not yet been approved by this org"):
            await desk.world.endorse("shelf", "get", "k", at=ORG2)

    at_a_desk(made_organisations, tmp_path, play)


def test_nobody_approved__is_a_mismatch_of_everything(
    made_organisations: Path, tmp_path: Path
) -> None:
    async def play(desk: Desk) -> None:
        found = await desk.readiness()
        assert list(found.mismatches[ORG1].items) == ["ChaincodeParameters"]

    at_a_desk(made_organisations, tmp_path, play)


def test_sequences__go_up_by_one(made_organisations: Path, tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        for sequence, words in (
            (0, "first definable sequence number is 1"),
            (-1, "currently defined sequence 0 is larger than requested sequence -1"),
            (2, "larger than the next available sequence number 1"),
        ):
            status, message = await desk.approve(ORG1, sequence=sequence)
            assert (status, words in message) == (500, True)
        status, message = await desk.readiness(sequence=2)
        assert "new definition must be sequence 1" in message
        for at in (ORG1, ORG2):
            await desk.approve(at)
        await desk.commit()
        status, message = await desk.commit()
        assert "new definition must be sequence 2" in message
        status, message = await desk.approve(ORG1, version="9")
        assert "with different parameters" in message
        status, message = await desk.approve(ORG1)
        assert "unchanged content" in message
        await desk.approve(ORG1, package_id_of("other"))
        found = await desk.ask("QueryApprovedChaincodeDefinition", name="shelf")
        assert found.source.local_package.package_id == package_id_of("other")
        await desk.approve(ORG1, sequence=2, version="2.0")
        found = await desk.ask("QueryApprovedChaincodeDefinition", name="shelf")
        assert (found.sequence, found.version, found.source.WhichOneof("Type")) == (
            2,
            "2.0",
            "unavailable",
        )
        found = await desk.ask("QueryApprovedChaincodeDefinitions")
        assert [each.sequence for each in found.approved_chaincode_definitions] == [1, 2]
        found = await desk.ask("QueryChaincodeDefinitions")
        assert [each.name for each in found.chaincode_definitions] == ["shelf"]

    at_a_desk(made_organisations, tmp_path, play)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "invalid chaincode name"),
        ({"name": "a/b"}, "invalid chaincode name"),
        ({"name": "a" * 65}, "invalid chaincode name"),
        ({"name": "_lifecycle"}, "invalid chaincode name"),
        ({"name": "qscc"}, "system chaincode"),
        ({"version": ""}, "invalid chaincode version"),
        ({"version": "1 0"}, "invalid chaincode version"),
        ({"endorsement_plugin": "mine"}, "plugin is unknown"),
        ({"validation_plugin": "mine"}, "plugin is unknown"),
        ({"validation_parameter": b"\xff"}, "is no message of the protocol"),
        ({"validation_parameter": b"\x0a\x00"}, "policy"),
        ({"package_id": "p" * 257}, "package id is too long"),
    ],
)
def test_a_definition_that_is_none__is_refused(
    made_organisations: Path, tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    async def play(desk: Desk) -> None:
        status, message = await desk.approve(ORG1, **fields)
        assert status == 500
        assert words in message

    at_a_desk(made_organisations, tmp_path, play)


def test_private_data__is_refused_by_name(made_organisations: Path, tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        collections = collection_pb2.CollectionConfigPackage()
        collections.config.add().static_collection_config.name = "secrets"
        status, message = await desk.approve(ORG1, collections=collections)
        assert (status, "private data" in message) == (500, True)

    at_a_desk(made_organisations, tmp_path, play)


@pytest.mark.parametrize(
    ("function", "who", "of"),
    [
        ("InstallChaincode", "User1", ORG1),
        ("InstallChaincode", "Admin", ORG2),
        ("ApproveChaincodeDefinitionForMyOrg", "User1", ORG1),
        ("ApproveChaincodeDefinitionForMyOrg", "Admin", ORG2),
        ("QueryInstalledChaincodes", "User1", ORG1),
        ("GetInstalledChaincodePackage", "User1", ORG1),
        ("QueryApprovedChaincodeDefinition", "User1", ORG1),
    ],
)
def test_an_administrator_s_functions__are_refused_to_others(
    made_organisations: Path, tmp_path: Path, function: str, who: str, of: str
) -> None:
    async def play(desk: Desk) -> None:
        status, message = await desk.ask(function, ORG1, who=who, of=of)
        assert status == 500
        assert "access denied" in message

    at_a_desk(made_organisations, tmp_path, play)


@pytest.mark.parametrize(
    "arguments",
    [(), ("InstallChaincode",), ("Other", b""), ("InstallChaincode", b"", b""), (b"\xff", b"")],
)
def test_calls_of_another_form__are_refused(
    made_organisations: Path, tmp_path: Path, arguments: tuple[str | bytes, ...]
) -> None:
    async def play(desk: Desk) -> None:
        endorsed = await desk.world.endorse(LIFECYCLE, *arguments)
        assert endorsed.simulated.status == 500

    at_a_desk(made_organisations, tmp_path, play)


def test_a_chaincode_of_a_stranger__administers_nothing(
    made_organisations: Path, tmp_path: Path
) -> None:
    async def play(desk: Desk) -> None:
        world = desk.world
        argument = messages.ApproveChaincodeDefinitionForMyOrgArgs(
            name="x", version="1", sequence=1
        )
        package_id = package_id_of("shelf")
        server = ChaincodeServer(Shelf(), package_id, "127.0.0.1:0")
        address = await server.start()
        desk.endorsers.installed.packages[ORG1] = {
            package_id: Package("shelf", package_id, Connection(address))
        }
        desk.channel.define("shelf", {ORG1: package_id})
        try:
            admin = client_of(world.organisations, ORG1, "Admin")
            text = argument.SerializeToString().decode()
            endorsed = await world.endorse(
                "shelf", "call", LIFECYCLE, "", "ApproveChaincodeDefinitionForMyOrg", text, by=admin
            )
            assert b"answers no chaincode" in endorsed.simulated.response
        finally:
            await world.links.close()
            await server.stop(0)

    at_a_desk(made_organisations, tmp_path, play)
