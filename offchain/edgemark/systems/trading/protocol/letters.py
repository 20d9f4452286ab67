"""Letters: a message about one channel, under the signature of the party that says it. Pure.

No broker and no controller can alter, redirect or make one: the signature covers chain, escrow,
channel, kind and every byte. A letter that comes twice says nothing new; one of another channel or
kind, or sent back to who wrote it, has the wrong signer. What is signed, and what it covers:

| statement  | by          | covers                                                               |
|------------|-------------|----------------------------------------------------------------------|
| Letter     | its sender  | channel, kind, every byte of the message                             |
| Voucher    | both        | channel, index, amount, template, controller, epoch                  |
| Closing    | a party     | channel, amount, until when                                          |
| Amendment  | a party     | channel, number, amount, keys, controller, epoch, until when         |
| Reduction  | the seller  | channel, number, amount, until when                                  |
| Login      | a DID's key | service, controller, its TLS pin, channel, nonce, until when         |
| Issuance   | controller  | channel, index, epoch, digest of the voucher, hash of the credential |

All are EIP-712 over chain and escrow; the last one over chain and `Controllers`, which alone reads
it (`evidence.statements`). Those between are in `contract.statements`. Readings and fee of a bill
stand in the letter alone: the chain does not need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import check_signature, recover
from edgemark.crypto.ethereum.typed_data import StructType
from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.errors import PeerFault
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.systems.trading.contract.evidence.records import Claim
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing, Reducing
from edgemark.systems.trading.protocol.messages import (
    KINDS,
    MAX_LETTER_BYTES,
    SIGNATURE_BYTES,
    Answer,
    Countersigned,
    Credential,
    Overdraft,
    Proposal,
    Refusal,
    Request,
    Sealed,
    Settlement,
    Stop,
    Taken,
)

LETTER = StructType("Letter", (("bytes32", "channel"), ("uint8", "kind"), ("bytes32", "message")))

LOGIN = StructType(
    "Login",
    (
        ("bytes32", "service"),
        ("address", "controller"),
        ("bytes32", "pin"),
        ("bytes32", "channel"),
        ("bytes32", "nonce"),
        ("uint256", "expiry"),
    ),
)

NONCE_BYTES = 32


class Role(Enum):
    """Who writes letters about a channel."""

    BUYER = "buyer"
    SELLER = "seller"
    CONTROLLER = "controller"


class Kind(IntEnum):
    """Kinds of letters."""

    REQUEST = 1
    ANSWER = 2
    REFUSAL = 3
    PROPOSAL = 4
    VOUCHER = 5
    SETTLEMENT = 6
    CREDENTIAL = 7
    OVERDRAFT = 8
    STOP = 9
    CLOSING = 10
    AMENDING = 11
    TAKEN = 12
    REDUCING = 13
    SEALED = 14


Message = (
    Request
    | Answer
    | Refusal
    | Proposal
    | Countersigned
    | Settlement
    | Credential
    | Overdraft
    | Stop
    | Closing
    | Amending
    | Taken
    | Reducing
    | Sealed
)
FORMS: dict[Kind, type[Message]] = {
    Kind.REQUEST: Request,
    Kind.ANSWER: Answer,
    Kind.REFUSAL: Refusal,
    Kind.PROPOSAL: Proposal,
    Kind.VOUCHER: Countersigned,
    Kind.SETTLEMENT: Settlement,
    Kind.CREDENTIAL: Credential,
    Kind.OVERDRAFT: Overdraft,
    Kind.STOP: Stop,
    Kind.CLOSING: Closing,
    Kind.AMENDING: Amending,
    Kind.TAKEN: Taken,
    Kind.REDUCING: Reducing,
    Kind.SEALED: Sealed,
}
KIND_OF = {form: kind for kind, form in FORMS.items()}

_BUYER, _SELLER = frozenset({Role.BUYER}), frozenset({Role.SELLER})
_PARTIES = _BUYER | _SELLER
WRITERS: dict[Kind, frozenset[Role]] = {
    Kind.REQUEST: _BUYER,
    Kind.ANSWER: _SELLER,
    Kind.REFUSAL: _SELLER,
    Kind.PROPOSAL: _SELLER,
    Kind.VOUCHER: _BUYER,
    Kind.SETTLEMENT: _SELLER,
    Kind.CREDENTIAL: frozenset({Role.CONTROLLER}),
    Kind.OVERDRAFT: _SELLER,
    Kind.STOP: _PARTIES,
    Kind.CLOSING: _PARTIES,
    Kind.AMENDING: _PARTIES,
    Kind.TAKEN: _PARTIES,
    Kind.REDUCING: _PARTIES,
    Kind.SEALED: _PARTIES,
}
# What was done and used, where the claims that say it are sealed; broker and controller have their
# part of all else: who, how much in all, and when it ends.
TO_BE_SEALED = frozenset({Kind.REQUEST, Kind.ANSWER, Kind.PROPOSAL})


class StrangeLetter(PeerFault):
    """Nobody of this channel who may say such a thing signed it."""


class ChannelDomain(EscrowDomain):
    """What is said off the chain about channels of one ChannelEscrow on one chain."""

    def letter(self, channel: ChannelId, kind: Kind, message: bytes) -> Hash32:
        """A message of this kind, about this channel."""
        return self.digest(LETTER, (channel, int(kind), keccak256(message)))

    def login(self, login: Login) -> Hash32:
        """Its signer asks for the topics of a channel."""
        service = keccak256(login.service.encode())
        told = (login.controller, login.pin, login.channel, login.nonce, login.expiry)
        return self.digest(LOGIN, (service, *told))


@dataclass(frozen=True)
class Login:
    """A party asks a controller for its two topics of a channel.

    Attributes:
        service: name of the service (its host and port), as the party dialled it.
        controller: the account of the controller.
        pin: SHA-256 of the public key that its TLS certificate shows.
        channel: of which.
        nonce: that the controller gave for this once.
        expiry: last second at which it counts.
        signature: EIP-712 `Login`, by a key of the party's DID.
    """

    service: str
    controller: Address
    pin: Hash32
    channel: ChannelId
    nonce: bytes
    expiry: Timestamp
    signature: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Letter:
    """A message, its channel, and the signature under both."""

    kind: Kind
    channel: ChannelId
    message: bytes = field(repr=False)
    signature: bytes = field(default=b"", repr=False)

    @staticmethod
    def of(channel: ChannelId, message: Message) -> Letter:
        """What is to be signed."""
        return Letter(KIND_OF[type(message)], channel, message.to_wire())

    def digest(self, domain: ChannelDomain) -> Hash32:
        """What its sender signs."""
        return domain.letter(self.channel, self.kind, self.message)

    def to_wire(self) -> bytes:
        """Canonical bytes.

        Raises:
            MalformedMessage: longer than any broker takes, or without a signature.
        """
        writer = Writer().integer(self.kind, 1).fixed(self.channel, 32).variable(self.message)
        raw = writer.fixed(self.signature, SIGNATURE_BYTES).finish()
        check_length(raw)
        return raw

    @staticmethod
    def from_wire(raw: bytes) -> Letter:
        """Parse; the signature is not looked at. Raises `MalformedMessage`."""
        check_length(raw)
        reader = Reader(raw, who="letter")
        number = reader.integer(1, most=KINDS)
        if number not in FORMS:
            raise MalformedMessage(
                "is of no kind", who="letter", had=number, needed=f"1..{max(Kind)}"
            )
        channel = ChannelId(reader.fixed(32))
        message = reader.variable(most=MAX_LETTER_BYTES)
        signature = reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return Letter(Kind(number), channel, message, signature)

    @property
    def inner(self) -> bytes:
        """What is sealed of it: its kind, and its message."""
        return Writer().integer(self.kind, 1).finish() + self.message

    def open(
        self, domain: ChannelDomain, channel: ChannelId, keys: Mapping[Role, Address]
    ) -> tuple[Role, Message]:
        """Who says what, when one of this channel says it who may.

        Args:
            domain: of the escrow.
            channel: that it has to be about.
            keys: of those from whom it may come.

        Raises:
            StrangeLetter, BadSignature: it is about another channel, or another signed it.
            MalformedMessage, RefusedInput: the message is none of its kind.
        """
        if self.channel != channel:
            had, needed = self.channel.hex(), channel.hex()
            raise StrangeLetter("is about another channel", who="letter", had=had, needed=needed)
        signer = recover(self.digest(domain), self.signature)
        for role, key in keys.items():
            if key == signer and role in WRITERS[self.kind]:
                return role, FORMS[self.kind].from_wire(self.message)
        needed = ", ".join(sorted(role.value for role in WRITERS[self.kind] & keys.keys()))
        raise StrangeLetter(
            "is signed by another",
            who=f"letter, {self.kind.name.lower()}",
            had=signer,
            needed=needed or "nothing of this kind",
        )


def read_inner(raw: bytes, writer: Role) -> tuple[Kind, Message]:
    """A message that was sealed.

    Args:
        raw: as `Letter.inner` has it.
        writer: who signed the letter around it.

    Raises:
        StrangeLetter: it is of no kind that is sealed, or not the writer's to say.
        MalformedMessage, RefusedInput: it is none of its kind.
    """
    number, message = raw[:1], raw[1:]
    kind = next((each for each in TO_BE_SEALED if number == bytes([each])), None)
    if kind is None or writer not in WRITERS[kind]:
        had, needed = number.hex() or "nothing", "a kind that is sealed, by who may say it"
        raise StrangeLetter("holds another kind", who="sealed letter", had=had, needed=needed)
    return kind, FORMS[kind].from_wire(message)


def check_length(raw: bytes) -> None:
    """Check that a letter is no longer than any may be.

    Raises:
        MalformedMessage: it is.
    """
    if len(raw) > MAX_LETTER_BYTES:
        had, needed = f"{len(raw)} bytes", f"<= {MAX_LETTER_BYTES}"
        raise MalformedMessage("is too long", who="letter", had=had, needed=needed)


def check_credential(
    credential: Credential,
    channel: ChannelId,
    controller: Address,
    domain: ChannelDomain,
    controllers: ControllersDomain,
) -> None:
    """Check that the controller of a channel issued a credential.

    What stands in it is checked by whoever reads it; this is what the chain can hold against its
    issuer.

    Raises:
        BadSignature: another signed it, or signed it for another channel, voucher or credential.
    """
    claim = Claim(channel, credential.voucher, keccak256(credential.content))
    digest = controllers.issuance(claim, domain.voucher(channel, credential.voucher))
    check_signature(digest, credential.signature, controller)


def receipt_of(message: Message) -> Taken | None:
    """What is said back when a message is on the disk, now or since before; None: nothing.

    Who sends one goes on until it hears this; who hears it again says it again.
    """
    match message:
        case Answer(number):
            return Taken(Kind.ANSWER, number)
        case Countersigned(voucher):
            return Taken(Kind.VOUCHER, voucher.index)
        case Credential(voucher):
            return Taken(Kind.CREDENTIAL, voucher.index)
        case Overdraft(deposit):
            return Taken(Kind.OVERDRAFT, deposit)
        case Stop():
            return Taken(Kind.STOP, 0)
        case _:
            return None
