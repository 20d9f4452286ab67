"""Revocation is a configuration: it counts from the next block on, and changes nothing before it.

Approvals and commits of chaincode definitions: who has to endorse which of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    BATCHES,
    CHANNEL,
    NOW,
    Draft,
    configuration_of,
    define,
    firm,
    orderer,
    puts,
)

from edgemark.ledger.embedded.channel.admitting import NotOrdered
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.verifying import verify_file
from edgemark.ledger.embedded.definitions import approval_key, field_key
from edgemark.ledger.fabric.configuration.configurations import make_config_envelope
from edgemark.ledger.fabric.identities.members import MemberRole, Organisation
from edgemark.ledger.fabric.identities.signing import Signer, parse_certificate
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.texts import parse_policy_text

THREE = ("Org1MSP", "Org2MSP", "Org3MSP")


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    path = tmp_path / "trade.sqlite"
    with Channel.make(path, configuration_of(*THREE), orderer()) as made:
        yield made


def revoking(signer: Signer) -> Organisation:
    serial = parse_certificate(signer.certificate, "it").serial_number
    held = firm(signer.msp_id)
    listed = held.authority.list_revoked({serial: NOW}, NOW + timedelta(days=1))
    return replace(held.organisation, revoked=frozenset({serial}), revocations=(listed,))


def commit(channel: Channel, *drafts: Draft) -> list[Code]:
    return list(channel.commit([each.envelope() for each in drafts]).flags)


def test_revoked_client__is_refused_from_the_next_block_on__and_before_it_stays_valid(
    channel: Channel, tmp_path: Path
) -> None:
    define(channel)
    client = firm("Org1MSP").somebody("leaving", MemberRole.CLIENT)
    before, after = (Draft([puts({"k": b"v"})], creator=client) for _ in range(2))
    assert commit(channel, before) == [Code.VALID]
    channel.check_order(after.envelope(), NOW)
    channel.reconfigure(channel.configuration.with_organisation(revoking(client)))
    with pytest.raises(NotOrdered, match="not signed by a member") as refused:
        channel.check_order(after.envelope(), NOW)
    assert refused.value.status == 403
    assert commit(channel, after) == [Code.BAD_CREATOR_SIGNATURE]
    assert channel.status(before.transaction_id) == (Code.VALID, 2)
    channel.close()
    with Channel(tmp_path / "trade.sqlite", CHANNEL, orderer()) as again:
        assert len(again.organisations["Org1MSP"].revoked) == 1
    found = verify_file(tmp_path / "trade.sqlite", CHANNEL, firm("OrdererMSP").organisation)
    assert found.valid == 4


def test_revoked_peer__endorses_nothing_any_more(channel: Channel) -> None:
    define(channel, policy=parse_policy_text("AND('Org1MSP.peer')"))
    peer = firm("Org1MSP").somebody("peer9", MemberRole.PEER)
    drafts = [Draft([puts({"k": b"v"})], endorsers=[peer]) for _ in range(2)]
    assert commit(channel, drafts[0]) == [Code.VALID]
    channel.reconfigure(channel.configuration.with_organisation(revoking(peer)))
    assert commit(channel, drafts[1]) == [Code.ENDORSEMENT_POLICY_FAILURE]


def test_revocation_taken_back__lets_its_holder_in_again(channel: Channel) -> None:
    define(channel)
    client = firm("Org1MSP").somebody("leaving", MemberRole.CLIENT)
    channel.reconfigure(channel.configuration.with_organisation(revoking(client)))
    channel.revert(2)
    assert commit(channel, Draft([puts({"k": b"v"})], creator=client)) == [Code.VALID]


def configured_by(on: Channel, signer: Signer, **changed: object) -> bytes:
    new = on.configuration.with_organisation(firm("Org1MSP").organisation)
    new = replace(new, **changed)  # type: ignore[arg-type]
    return make_config_envelope(new, signer, nonce=b"n" * 24, timestamp_ns=1)


def test_configuration__by_anybody_else__or_not_the_next__or_not_alone__does_not_count(
    channel: Channel,
) -> None:
    good = configured_by(channel, orderer())
    bad = [
        configured_by(channel, firm("Org1MSP").client),
        configured_by(channel, firm("OrdererMSP").somebody("admin", MemberRole.ADMIN)),
        configured_by(channel, orderer(), sequence=0),
        configured_by(channel, orderer(), sequence=2),
        configured_by(channel, orderer(), channel="elsewhere"),
        configured_by(channel, orderer(), orderer=firm("ForgerMSP").organisation),
    ]
    for envelope in bad:
        assert channel.commit([envelope]).flags == (Code.INVALID_CONFIG_TRANSACTION,)
    assert set(channel.commit([good, good]).flags) == {Code.INVALID_CONFIG_TRANSACTION}
    assert (channel.configuration.sequence, channel.last_config) == (0, 0)
    with pytest.raises(NotOrdered, match="takes from nobody") as refused:
        channel.check_order(good, NOW)
    assert refused.value.status == 400
    assert channel.commit([good]).flags == (Code.VALID,)
    assert (channel.configuration.sequence, channel.configuration.batches) == (1, BATCHES)


def lifecycle(keys: list[str], *endorsers: str) -> Draft:
    written = [puts(dict.fromkeys(keys, b"v"), LIFECYCLE)]
    peers = [firm(each).peer for each in endorsers]
    return Draft(written, chaincode=LIFECYCLE, version="syscc", endorsers=peers)


def test_approval__needs_its_own_organisation_alone(channel: Channel) -> None:
    keys = [approval_key("Org1MSP", "code", 1)]
    fails = Code.ENDORSEMENT_POLICY_FAILURE
    assert commit(channel, lifecycle(keys, "Org1MSP")) == [Code.VALID]
    assert commit(channel, lifecycle(keys, "Org2MSP")) == [fails]
    assert commit(channel, lifecycle(keys, "Org2MSP", "Org3MSP")) == [fails]
    two = [*keys, approval_key("Org2MSP", "code", 1)]
    assert commit(channel, lifecycle(two, "Org1MSP")) == [fails]
    assert commit(channel, lifecycle(two, "Org2MSP", "Org1MSP")) == [Code.VALID]
    stranger = [approval_key("StrangerMSP", "code", 1)]
    assert commit(channel, lifecycle(stranger, "Org1MSP", "Org2MSP", "StrangerMSP")) == [fails]


def test_definition__needs_the_majority__also_beside_an_approval(channel: Channel) -> None:
    keys = [field_key("code", "Sequence")]
    fails = Code.ENDORSEMENT_POLICY_FAILURE
    assert commit(channel, lifecycle(keys, "Org1MSP")) == [fails]
    assert commit(channel, lifecycle(keys, "Org1MSP", "Org1MSP")) == [fails]
    assert commit(channel, lifecycle(keys, "Org3MSP", "Org2MSP")) == [Code.VALID]
    beside = [*keys, approval_key("Org1MSP", "code", 2)]
    assert commit(channel, lifecycle(beside, "Org1MSP")) == [fails]
    assert commit(channel, lifecycle(beside, "Org2MSP", "Org3MSP")) == [fails]
    assert commit(channel, lifecycle(beside, "Org2MSP", "Org1MSP")) == [Code.VALID]
    for other in ("approvals/", "approvals/Org1MSP", "approvals//x", "approvals"):
        assert commit(channel, lifecycle([other], "Org1MSP")) == [fails]
    assert commit(channel, lifecycle([], "Org1MSP")) == [fails]
