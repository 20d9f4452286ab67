"""A payer's word for bytes that are too long for a letter: data of an order, and its output. Pure.

An `Order` names its parts by their digests and travels in a letter; the parts go before it over
HTTPS. A slip says whose they are:

| purpose | digest            | goes with                                                     |
|---------|-------------------|---------------------------------------------------------------|
| PART    | SHA-256 of a part | the part, behind it: PUT /v1/parts/CHANNEL/DIGEST, both in hex |
| OUTPUT  | id of the order   | nothing: POST /v1/outputs; the bytes are those that its answer |
|         |                   | names, so whoever asks checks their digest                    |

The signature covers chain, escrow and each of the four fields; one that is shown again says nothing
new.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.crypto.ethereum.typed_data import StructType
from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.messages import SIGNATURE_BYTES, TIME_BYTES

SLIP = StructType(
    "Slip",
    (
        ("bytes32", "channel"),
        ("uint8", "purpose"),
        ("bytes32", "digest"),
        ("uint256", "validUntil"),
    ),
)
SLIP_BYTES = 32 + 1 + 32 + TIME_BYTES + SIGNATURE_BYTES
MAX_SLIP_S = 3600  # for which one may be made out


class SlipRefused(RefusedInput):
    """A slip is for something else, or counts no more."""


class Purpose(IntEnum):
    """What a slip is for."""

    PART = 1
    OUTPUT = 2


@dataclass(frozen=True)
class Slip:
    """See the table of the module.

    Attributes:
        channel: in which it is paid.
        purpose: what is wanted.
        digest: of what.
        valid_until: last second at which it counts, chain time.
        signature: EIP-712 `Slip`, by the payer's key.
    """

    channel: ChannelId
    purpose: Purpose
    digest: Hash32
    valid_until: Timestamp
    signature: bytes = field(default=b"", repr=False)

    def signed_digest(self, domain: ChannelDomain) -> Hash32:
        """What the payer's key signs."""
        told = (self.channel, int(self.purpose), self.digest, self.valid_until)
        return domain.digest(SLIP, told)

    def signed(self, signature: bytes) -> Slip:
        """The same with its signature."""
        return replace(self, signature=signature)

    def to_wire(self) -> bytes:
        """Canonical bytes, `SLIP_BYTES` of them."""
        writer = Writer().fixed(self.channel, 32).integer(self.purpose, 1).fixed(self.digest, 32)
        writer.integer(self.valid_until, TIME_BYTES)
        return writer.fixed(self.signature, SIGNATURE_BYTES).finish()

    @staticmethod
    def from_wire(raw: bytes) -> Slip:
        """Parse; the signature is not looked at. Raises `MalformedMessage`."""
        if len(raw) != SLIP_BYTES:
            raise MalformedMessage("is no slip", who="slip", had=len(raw), needed=SLIP_BYTES)
        reader = Reader(raw, who="slip")
        channel, purpose = ChannelId(reader.fixed(32)), reader.integer(1)
        if purpose not in tuple(Purpose):
            raise MalformedMessage("is for nothing", who="slip", had=purpose, needed="1 or 2")
        digest, until = Hash32(reader.fixed(32)), Timestamp(reader.integer(TIME_BYTES))
        signature = reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return Slip(channel, Purpose(purpose), digest, until, signature)

    def check(self, purpose: Purpose, payer_key: Address, domain: ChannelDomain, now: int) -> None:
        """Check that the payer wants this, now.

        Args:
            purpose: that it has to be for.
            payer_key: of its channel, in force.
            domain: of the escrow.
            now: chain time.

        Raises:
            SlipRefused: for something else, too late, or for longer than `MAX_SLIP_S`.
            BadSignature: the payer did not sign it.
        """
        if self.purpose is not purpose:
            had, needed = self.purpose.name.lower(), purpose.name.lower()
            raise SlipRefused("is for something else", who="slip", had=had, needed=needed)
        if not now <= self.valid_until <= now + MAX_SLIP_S:
            needed = f"{now} .. {now + MAX_SLIP_S}"
            raise SlipRefused("counts no more", who="slip", had=self.valid_until, needed=needed)
        check_signature(self.signed_digest(domain), self.signature, payer_key)


def split_part(body: bytes, channel: ChannelId, digest: Hash32) -> tuple[Slip, bytes]:
    """The slip and the part of a body that was put under this channel and digest.

    Raises:
        MalformedMessage: no slip.
        SlipRefused: it is of another channel or part, or the bytes are other ones.
    """
    slip, part = Slip.from_wire(body[:SLIP_BYTES]), body[SLIP_BYTES:]
    for what, had, needed in (
        ("channel", slip.channel, channel),
        ("part", slip.digest, digest),
        ("digest", hash_long(part), digest),
    ):
        if had != needed:
            who = f"part, {what}"
            raise SlipRefused("is another", who=who, had=had.hex(), needed=needed.hex())
    return slip, part


def join_part(slip: Slip, part: bytes) -> bytes:
    """The body of PUT /v1/parts/CHANNEL/DIGEST."""
    return slip.to_wire() + part
