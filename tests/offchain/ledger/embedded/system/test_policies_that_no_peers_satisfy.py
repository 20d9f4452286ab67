"""Definitions whose policy no set of peers can satisfy: refused before anybody agrees on them."""

from __future__ import annotations

import time

import pytest
from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.system.rules import read_asked
from edgemark.ledger.fabric.wire.policy.policies import make_policy
from edgemark.ledger.fabric.wire.policy.texts import parse_policy_text

PEER = "'Org1MSP.peer'"


def asked(policy: str) -> lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs:
    return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
        name="shelf",
        version="1",
        sequence=1,
        validation_parameter=make_policy(parse_policy_text(policy)),
    )


@pytest.mark.parametrize(
    "policy",
    [
        "AND('Org1MSP.client')",
        f"AND({PEER}, {PEER})",
        f"AND({PEER}, 'Org2MSP.admin')",
        f"OutOf(12, {', '.join([PEER] * 24)})",
    ],
)
def test_policy_that_no_peers_satisfy__is_not_agreed_on(policy: str) -> None:
    began = time.process_time()
    with pytest.raises(RefusedInput, match="cannot be satisfied"):
        read_asked(asked(policy))
    assert time.process_time() - began < 5


def test_policy_that_peers_satisfy__is_read() -> None:
    policy = f"OR(AND({PEER}, 'Org2MSP.member'), AND('Org3MSP.peer', 'Org1MSP.client'))"
    assert read_asked(asked(policy)).name == "shelf"
