"""Identities of strangers: however many and large, little of them stays in memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from tests.offchain.ledger.embedded.consortium import ORGANISATIONS, configuration_of, firm

from edgemark.ledger.embedded.validation.ground import Members
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities import signing
from edgemark.ledger.fabric.identities.signing import make_identity, parse_identity
from edgemark.ledger.fabric.wire.limits import MAX_IDENTITY_BYTES, MAX_NAME

MIB = 1024 * 1024


def made_members() -> Members:
    return Members(configuration_of(*ORGANISATIONS))


@pytest.mark.parametrize("size", [MAX_IDENTITY_BYTES - 64, MIB])
def test_strangers__leave_less_than_their_bytes(size: int) -> None:
    members, count = made_members(), 64
    tracemalloc.start()
    try:
        for number in range(count):
            members.find(make_identity("Org1MSP", number.to_bytes(2, "big") * (size // 2)))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < count * MAX_IDENTITY_BYTES // 4


def test_identity_above_the_limit__is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(signing, "parse", parse)
    with pytest.raises(IdentityRefused, match="too long"):
        parse_identity(bytes(MAX_IDENTITY_BYTES + 1))
    assert made_members().find(bytes(MAX_IDENTITY_BYTES + 1)) is None


def test_true_certificate_under_an_endless_name__is_refused() -> None:
    peer = firm(ORGANISATIONS[0]).peer
    with pytest.raises(IdentityRefused, match="too long"):
        parse_identity(make_identity("x" * MIB, peer.certificate))


def test_largest_name__is_known() -> None:
    name = "x" * MAX_NAME
    members = Members(configuration_of(name))
    member = members.find(firm(name).peer.identity)
    assert member is not None
    assert member[0].msp_id == name
