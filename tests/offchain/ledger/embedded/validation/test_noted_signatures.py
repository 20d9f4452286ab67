"""Signatures that the ledger itself made: noted, and not checked again."""

from __future__ import annotations

import pytest
from tests.offchain.ledger.embedded.consortium import configuration_of, firm

from edgemark.ledger.embedded.validation import ground
from edgemark.ledger.embedded.validation.ground import Members
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.identities.signing import Signer

ORGANISATIONS = ("Org1MSP", "Org2MSP")


def test_signature_made_here__is_checked_for_the_first_of_an_identity_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[bytes] = []
    check = ground.check_signature

    def counted(certificate: object, message: bytes, signature: bytes, who: str) -> None:
        checked.append(message)
        check(certificate, message, signature, who)  # type: ignore[arg-type]

    monkeypatch.setattr(ground, "check_signature", counted)
    members, signer = members_and_peer()
    for message in (b"one", b"two", b"three"):
        signature = signer.sign(message)
        members.note_made(signer.identity, message, signature)
        assert members.check_signed(signer.identity, message, signature).role is MemberRole.PEER
    assert checked == [b"one"]
    with pytest.raises(IdentityRefused):
        members.check_signed(signer.identity, b"four", signer.sign(b"five"))
    assert checked == [b"one", b"four"]


def test_signature_with_the_key_of_another__counts_for_nothing__noted_or_not() -> None:
    members, signer = members_and_peer()
    other = firm("Org2MSP").somebody("other", MemberRole.PEER)
    mixed = Signer(signer.msp_id, signer.certificate, other.key)
    for message in (b"one", b"two"):
        signature = mixed.sign(message)
        members.note_made(mixed.identity, message, signature)
        with pytest.raises(IdentityRefused):
            members.check_signed(mixed.identity, message, signature)


def test_stranger__stays_one__noted_or_not() -> None:
    stranger = firm("Org3MSP").somebody("peer", MemberRole.PEER)
    members = Members(configuration_of(*ORGANISATIONS))
    for message in (b"one", b"two"):
        signature = stranger.sign(message)
        members.note_made(stranger.identity, message, signature)
        with pytest.raises(IdentityRefused, match="no member"):
            members.check_signed(stranger.identity, message, signature)


def members_and_peer() -> tuple[Members, Signer]:
    signer = firm("Org1MSP").somebody("peer", MemberRole.PEER)
    return Members(configuration_of(*ORGANISATIONS)), signer
