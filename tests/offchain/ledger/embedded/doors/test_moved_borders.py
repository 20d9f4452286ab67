"""Threat A71: what is hashed without lengths, taken apart at another place, on both ledgers.

Fabric asks for no borders: there one endorsement counts under several ids. Here it does not.
"""

from __future__ import annotations

import os
import time
from typing import Any

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2, transaction_pb2
from tests.offchain.ledger.embedded.served import CHANNEL, LedgerWorld, Proposed, User

from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.digests import compute_transaction_id
from edgemark.ledger.fabric.wire.proposals import make_proposal


@pytest.fixture
def user(world: LedgerWorld) -> User:
    return world.user()


def propose_with(user: User, hidden: bytes, *arguments: bytes) -> tuple[Proposed, Any]:
    """A proposal whose signature header begins with bytes of another message; and its header."""
    nonce, creator = os.urandom(24), user.signer.identity
    facts: Any = {"creator": creator, "nonce": nonce, "timestamp_ns": time.time_ns()}
    proposal = proposal_pb2.Proposal.FromString(make_proposal(CHANNEL, "shelf", arguments, **facts))
    header = common_pb2.Header.FromString(proposal.header)
    header.signature_header = hidden + header.signature_header
    proposal.header = header.SerializeToString()
    raw = proposal.SerializeToString()
    signed = proposal_pb2.SignedProposal(proposal_bytes=raw, signature=user.signer.sign(raw))
    return Proposed(CHANNEL, compute_transaction_id(nonce, creator), signed), header


def test_one_endorsement_under_two_ids__refused_here__counts_twice_on_fabric(
    world: LedgerWorld, user: User
) -> None:
    nonce = os.urandom(24)
    other_id = compute_transaction_id(nonce, user.signer.identity)
    hidden = common_pb2.ChannelHeader(tx_id=other_id).SerializeToString()
    proposed, header = propose_with(user, hidden, b"put", b"paid", b"once")
    if world.thread is not None:
        with pytest.raises(grpc.RpcError, match="signature header has fields that are unknown"):
            user.endorse(proposed)
        return
    prepared = user.endorse(proposed)
    user.submit(user.sign(prepared))
    payload = common_pb2.Payload.FromString(prepared.payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    payload.header.channel_header += hidden
    transaction.actions[0].header = header.signature_header.removeprefix(hidden)
    payload.header.signature_header = common_pb2.SignatureHeader(
        creator=user.signer.identity, nonce=nonce
    ).SerializeToString()
    payload.data = transaction.SerializeToString()
    again = common_pb2.Envelope(payload=payload.SerializeToString())
    user.submit(user.sign(again))
    codes = [user.status(each)[0] for each in (proposed.transaction_id, other_id)]
    assert codes == [Code.VALID, Code.VALID]


def test_block_without_the_arguments__counts_on_neither(user: User) -> None:
    proposed = user.propose("shelf", "put", "hidden", "v")
    payload = common_pb2.Payload.FromString(user.endorse(proposed).payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    (action,) = transaction.actions
    asked = transaction_pb2.ChaincodeActionPayload.FromString(action.payload)
    action.header += asked.chaincode_proposal_payload
    asked.chaincode_proposal_payload = b""
    action.payload = asked.SerializeToString()
    payload.data = transaction.SerializeToString()
    user.submit(user.sign(common_pb2.Envelope(payload=payload.SerializeToString())))
    code, _ = user.status(proposed.transaction_id)
    assert code is Code.INVALID_ENDORSER_TRANSACTION


def test_bytes_beside_payload_and_signature__refused_here__counts_on_fabric(
    world: LedgerWorld, user: User
) -> None:
    proposed = user.propose("shelf", "put", "beside", "v")
    envelope = user.sign(user.endorse(proposed))
    envelope.MergeFromString(b"\x7a\x04EVIL")
    if world.thread is not None:
        with pytest.raises(grpc.RpcError, match="has bytes beside payload and signature"):
            user.submit(envelope)
        return
    user.submit(envelope)
    assert user.status(proposed.transaction_id)[0] is Code.VALID
