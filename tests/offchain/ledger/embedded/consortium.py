"""Organisations, endorsers and clients without folders, and the transactions that they make."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.definitions import field_key, write_definition
from edgemark.ledger.fabric.configuration.configurations import Batches, Configuration
from edgemark.ledger.fabric.identities.authorities import Authority, pem_of
from edgemark.ledger.fabric.identities.members import MemberRole, Organisation
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.definitions import ChaincodeDefinition
from edgemark.ledger.fabric.wire.envelopes import (
    Endorsement,
    join_payload,
    make_envelope,
    make_response,
)
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import ENDORSEMENT, Policy, make_policy
from edgemark.ledger.fabric.wire.proposals import make_proposal, parse_proposal
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    Read,
    Write,
    make_results,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
CHANNEL = "trade"
BATCHES = Batches(count=10, timeout_ms=2)


@dataclass(frozen=True)
class Firm:
    """An organisation with its authority, and whom it issued certificates."""

    msp_id: str
    authority: Authority
    tls: Authority
    known: dict[tuple[str, MemberRole], Signer] = field(default_factory=dict)

    @property
    def organisation(self) -> Organisation:
        return Organisation(
            self.msp_id, (self.authority.certificate,), tls_roots=(self.tls.certificate,)
        )

    def somebody(self, name: str, role: MemberRole) -> Signer:
        if (name, role) not in self.known:
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = self.authority.issue(name, key.public_key(), role, NOW)
            self.known[name, role] = Signer(self.msp_id, pem_of(certificate), key)
        return self.known[name, role]

    @property
    def peer(self) -> Signer:
        return self.somebody("peer0", MemberRole.PEER)

    @property
    def client(self) -> Signer:
        return self.somebody("client", MemberRole.CLIENT)


@cache
def firm(msp_id: str) -> Firm:
    """An organisation, the same in all tests of a process."""
    name = msp_id.lower()[-40:]
    return Firm(
        msp_id, Authority.make(f"ca.{name}", name, NOW), Authority.make(f"tls.{name}", name, NOW)
    )


def orderer() -> Signer:
    return firm("OrdererMSP").somebody("orderer", MemberRole.ORDERER)


def configuration_of(*msp_ids: str, channel: str = CHANNEL) -> Configuration:
    organisations = {each: firm(each).organisation for each in msp_ids}
    return Configuration(channel, 0, organisations, firm("OrdererMSP").organisation, BATCHES)


ORGANISATIONS = ("Org1MSP", "Org2MSP")


@dataclass
class Draft:
    """A transaction before it is made: a forger changes what it likes."""

    sets: Sequence[NamespaceSet]
    chaincode: str = "code"
    version: str = "1"
    channel: str = CHANNEL
    arguments: Sequence[bytes] = (b"put",)
    creator: Signer = field(default_factory=lambda: firm("Org1MSP").client)
    endorsers: Sequence[Signer] = field(
        default_factory=lambda: [firm(each).peer for each in ORGANISATIONS]
    )
    event: bytes = b""
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(24))
    timestamp_ns: int = NOW_NS

    @property
    def proposal(self) -> bytes:
        return make_proposal(
            self.channel,
            self.chaincode,
            self.arguments,
            creator=self.creator.identity,
            nonce=self.nonce,
            timestamp_ns=self.timestamp_ns,
        )

    @property
    def transaction_id(self) -> str:
        return parse_proposal(self.proposal).transaction_id

    @property
    def response(self) -> bytes:
        return make_response(
            parse_proposal(self.proposal).hash,
            make_results(self.sets),
            chaincode=self.chaincode,
            version=self.version,
            event=self.event,
        )

    def endorsements(self) -> list[Endorsement]:
        response = self.response
        return [
            Endorsement(each.identity, each.sign(response + each.identity))
            for each in self.endorsers
        ]

    def envelope(self) -> bytes:
        payload = join_payload(parse_proposal(self.proposal), self.response, self.endorsements())
        return make_envelope(payload, self.creator.sign(payload))


def puts(
    values: Mapping[str, bytes | None], namespace: str = "code", **more: object
) -> NamespaceSet:
    writes = tuple(Write(key, value) for key, value in values.items())
    return NamespaceSet(namespace, writes=writes, **more)  # type: ignore[arg-type]


def definition_read(channel: Channel, chaincode: str = "code") -> NamespaceSet:
    """What every endorser reads first: the number of the chaincode's definition."""
    key = field_key(chaincode, "Sequence")
    with channel.view() as view:
        return NamespaceSet(LIFECYCLE, (Read(key, view.version(LIFECYCLE, key)),))


def define(
    channel: Channel,
    name: str = "code",
    *,
    policy: Policy = ENDORSEMENT,
    sequence: int = 1,
    version: str = "1",
) -> None:
    """Commit the definition of a chaincode, endorsed by all organisations of the channel."""
    definition = ChaincodeDefinition(name, version, sequence, make_policy(policy))
    draft = Draft(
        [puts(dict(write_definition(definition)), LIFECYCLE)],
        chaincode=LIFECYCLE,
        version="syscc",
        channel=channel.name,
        endorsers=[firm(each).peer for each in channel.organisations],
    )
    block = channel.commit([draft.envelope()])
    assert set(block.flags) == {0}, block.flags
