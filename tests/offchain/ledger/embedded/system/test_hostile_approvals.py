"""An organisation writes its own approvals as it likes: that hinders nobody, and itself no longer
than until it approves anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabric_protos.peer.lifecycle import lifecycle_pb2
from tests.offchain.ledger.embedded.consortium import puts
from tests.offchain.ledger.embedded.endorsing_world import (
    CHANNEL,
    ORG1,
    ORG2,
    package_id_of,
)
from tests.offchain.ledger.embedded.package_maker import make_package
from tests.offchain.ledger.embedded.system.test_lifecycle_of_chaincodes import (
    Desk,
    at_a_desk,
)

from edgemark.ledger.embedded.definitions import approval_key
from edgemark.ledger.fabric.packages.reading import parse_package
from edgemark.ledger.fabric.wire.limits import (
    MAX_APPROVAL_BYTES,
    MAX_POLICY_BYTES,
    MAX_POLICY_RULES,
)
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import (
    ENDORSEMENT,
    OutOf,
    PolicyRefused,
    Role,
    SignedBy,
    make_policy,
    parse_policy,
)
from edgemark.ledger.fabric.wire.read_write_sets import make_results

_OTHER = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
    name="another", version="9", sequence=2**62, validation_parameter=b"\xff" * 9
)
_SECRET = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
    name="shelf", version="1.0", sequence=1, validation_parameter=make_policy(ENDORSEMENT)
)
for _each in (_OTHER, _SECRET):
    _each.collections.config.add().static_collection_config.name = "secrets"
_OTHER.source.local_package.package_id = "../" * 99
HOSTILE = {
    "garbage": b"\xff\xff",
    "no text": b"\x12\x01\xff",
    "too long": b"\x12\x01x" * MAX_APPROVAL_BYTES,
    "with private data": _SECRET.SerializeToString(),
    "of another chaincode": _OTHER.SerializeToString(),
}


def plant(desk: Desk, value: bytes, name: str = "shelf", sequence: int = 1) -> None:
    """What stands there for the second organisation; its own endorser is enough."""
    key = approval_key(ORG2, name, sequence)
    desk.channel.commit(make_results([puts({key: value}, LIFECYCLE)]))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_an_approval_that_is_none__counts_as_none__and_its_organisation_mends_it(
    made_organisations: Path, tmp_path: Path, value: bytes
) -> None:
    async def play(desk: Desk) -> None:
        plant(desk, value)
        await desk.approve(ORG1, package_id_of("shelf"))
        assert dict((await desk.readiness()).approvals) == {ORG1: True, ORG2: False}
        await desk.commit()
        found = await desk.ask("QueryChaincodeDefinition", name="shelf")
        assert dict(found.approvals) == {ORG1: True, ORG2: False}
        assert len((await desk.ask("QueryChaincodeDefinitions")).chaincode_definitions) == 1
        assert await desk.approve(ORG2, package_id_of("shelf")) is not None
        found = await desk.ask("QueryChaincodeDefinition", name="shelf")
        assert dict(found.approvals) == {ORG1: True, ORG2: True}

    at_a_desk(made_organisations, tmp_path, play)


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_an_approval_that_is_none__hides_no_other_of_its_organisation(
    made_organisations: Path, tmp_path: Path, value: bytes
) -> None:
    async def play(desk: Desk) -> None:
        raw = make_package(connection={"address": "127.0.0.1:1"})
        package_id = parse_package(raw).package_id
        await desk.ask("InstallChaincode", ORG2, chaincode_install_package=raw)
        for at in (ORG1, ORG2):
            await desk.approve(at, package_id)
        await desk.commit()
        plant(desk, value, sequence=9)
        (told,) = (await desk.ask("QueryInstalledChaincodes", ORG2)).installed_chaincodes
        assert [each.name for each in told.references[CHANNEL].chaincodes] == ["shelf"]
        told = await desk.ask("QueryApprovedChaincodeDefinitions", ORG2)
        named = [
            each.source.local_package.package_id for each in told.approved_chaincode_definitions
        ]
        assert package_id in named
        status, message = await desk.ask(
            "QueryApprovedChaincodeDefinition", ORG2, name="shelf", sequence=8
        )
        assert (status, "could not fetch" in message) == (500, True)

    at_a_desk(made_organisations, tmp_path, play)


def test_a_policy_of_more_bytes_than_the_largest_needs__is_refused_unread() -> None:
    names = [f"{'O' * 60}{each:03}" for each in range(MAX_POLICY_RULES - 1)]
    largest = OutOf(8, tuple(SignedBy(each, Role.PEER) for each in names))
    raw = make_policy(largest)
    assert parse_policy(raw) == largest
    with pytest.raises(PolicyRefused, match="bytes"):
        parse_policy(raw + b"\x12\x00" * MAX_POLICY_BYTES)
