"""An organisation approves what is committed already, with the package that it runs then."""

from __future__ import annotations

import grpc
import pytest
from fabric_protos.peer.lifecycle import lifecycle_pb2
from tests.offchain.ledger.embedded.doors.conftest import EITHER
from tests.offchain.ledger.embedded.served import CHANNEL, ORG1, ORG2, LedgerWorld, User
from tests.offchain.ledger.embedded.stubborn_chaincode import Stubborn

from edgemark.ledger.fabric.wire.policy.policies import make_policy

NAME = "late"
SAID = {"name": NAME, "version": "1", "sequence": 1, "validation_parameter": make_policy(EITHER)}


def approve(world: LedgerWorld, msp_id: str, package_id: str = "") -> None:
    approval = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**SAID)
    if package_id:
        approval.source.local_package.package_id = package_id
    else:
        approval.source.unavailable.SetInParent()
    world._agree("ApproveChaincodeDefinitionForMyOrg", approval, msp_id, CHANNEL, [msp_id])


def answer_of(user: User) -> bytes:
    found: bytes = user.evaluate(user.propose(NAME, "differ", "response"), [ORG2]).payload
    return found


def test_who_approves_after_the_commit__endorses_from_then_on__with_the_package_that_it_named(
    world: LedgerWorld,
) -> None:
    approve(world, ORG1, world._install("late_one", ORG1, Stubborn("one")))
    approve(world, ORG2)
    commit = lifecycle_pb2.CommitChaincodeDefinitionArgs(**SAID)
    world._agree("CommitChaincodeDefinition", commit, ORG1, CHANNEL, [ORG1, ORG2])
    first, second = world.user(ORG1), world.user(ORG2)
    world._when_known(lambda: first.evaluate(first.propose(NAME, "get", "k"), [ORG1]))
    with pytest.raises(grpc.RpcError):
        second.endorse(second.propose(NAME, "put", "k", "v"), [ORG2])
    for each in ("early", "changed"):
        approve(world, ORG2, world._install(f"late_{each}", ORG2, Stubborn(each)))
        world._when_known(lambda: second.endorse(second.propose(NAME, "put", "k", "v"), [ORG2]))
        assert answer_of(second) == each.encode()
