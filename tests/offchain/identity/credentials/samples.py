"""Credentials as issuers write them, and identities with a history, without a chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.offchain.identity.credentials.jose.tokens import KEY, STRANGER

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import NO_TIME, NOBODY, Address, Hash32, Timestamp, parse_hash32
from edgemark.identity.credentials.evidence import ANCHOR
from edgemark.identity.credentials.keeping import IssuedCredentials
from edgemark.identity.credentials.model import CONTEXT, UNDEFINED_TERMS
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.events import (
    Change,
    DIDAttributeChanged,
    DIDDelegateChanged,
    DIDOwnerChanged,
)
from edgemark.identity.did.history import DatedChange
from edgemark.identity.did.identifier import Did, format_second, make_did
from edgemark.ledger.evm.contract.chain_event import LogPlace

CHAIN_ID = 31337
START = 1_800_000_000  # Unix seconds
HEIR, DELEGATE = (SecretKey(bytes([number]) * 32) for number in (3, 4))
ISSUER = make_did(CHAIN_ID, KEY.address)
SUBJECT = make_did(CHAIN_ID, STRANGER.address)
NOBODY_AT_ALL = Address("0x" + "11" * 20)
LONG = Timestamp(START + 10**8)
KIND = "QualificationCredential"


def facts_of(**changes: Any) -> dict[str, Any]:
    """A credential's JSON; a part that is None is left out."""
    facts: dict[str, Any] = {
        "@context": [CONTEXT, UNDEFINED_TERMS],
        "type": ["VerifiableCredential", KIND],
        "issuer": ISSUER.text,
        "validFrom": format_second(START),
        "validUntil": format_second(START + 1000),
        "credentialSubject": {"id": SUBJECT.text, "cores": 64},
    }
    return {name: part for name, part in (facts | changes).items() if part is not None}


def write_credential(folder: Path) -> Path:
    """A credential as its issuer's home keeps it."""
    signed = read_signed(CredentialSigner(KEY, ISSUER).sign(facts_of()))
    IssuedCredentials(folder / "issued").keep(signed)
    return folder / "issued" / f"{signed.digest.hex()}.jwt"


def read_credential(path: Path) -> str:
    """The credential that a file is called by."""
    return IssuedCredentials(path.parent).read(parse_hash32(path.stem)).token


@dataclass
class History:
    """What happened to an identity, a block a change, ten seconds a block."""

    identity: Address = KEY.address
    changes: list[DatedChange] = field(default_factory=list)
    block: int = 0

    def add(
        self, change: type[Change], *values: object, log: int = 0, blocks: int = 1
    ) -> Timestamp:
        self.block += blocks
        place = LogPlace(NOBODY_AT_ALL, self.block, Hash32(bytes(32)), Hash32(bytes(32)), log)
        at = Timestamp(START + 10 * self.block)
        made = change(self.identity, *values, at=place)  # type: ignore[call-arg, arg-type]
        self.changes.append(DatedChange(made, at))
        return at

    def rotate(self, owner: Address, **where: int) -> Timestamp:
        return self.add(DIDOwnerChanged, owner, 0, **where)

    def deactivate(self, **where: int) -> Timestamp:
        return self.rotate(NOBODY, **where)

    def delegate(self, delegate: Address, until: int = LONG, **where: int) -> Timestamp:
        kind = encode_name("veriKey")
        return self.add(DIDDelegateChanged, kind, delegate, Timestamp(until), 0, **where)

    def say(self, name: str, value: bytes, until: int = LONG, **where: int) -> Timestamp:
        return self.add(DIDAttributeChanged, encode_name(name), value, Timestamp(until), 0, **where)

    def unsay(self, name: str, value: bytes) -> Timestamp:
        return self.say(name, value, NO_TIME)

    def anchor(self, digest: bytes, **where: int) -> Timestamp:
        return self.say(ANCHOR, digest, **where)

    @property
    def did(self) -> Did:
        return make_did(CHAIN_ID, self.identity)
