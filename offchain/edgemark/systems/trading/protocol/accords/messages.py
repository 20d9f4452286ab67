"""What both parties sign beside vouchers: the end, another controller or key, less deposit.

As all messages (`protocol.messages`): canonical bytes, one encoding of each; `from_wire` raises
`MalformedMessage` or `RefusedInput`, never anything else. Each has the sender's EIP-712 signature
inside, which the chain takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.encoding import Reader, Writer
from edgemark.identifiers import Timestamp, Tokens, parse_address
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.protocol.messages import (
    AMOUNT_BYTES,
    EPOCH_BYTES,
    NUMBER_BYTES,
    SIGNATURE_BYTES,
    TIME_BYTES,
)


@dataclass(frozen=True)
class Closing:
    """Its sender's word for the end at an amount: EIP-712 `Closing`.

    The buyer's asks for the end; without a signature it says that it knows no amount, as after the
    loss of its disk. The seller's answers it.
    """

    amount: Tokens
    valid_until: Timestamp
    signature: bytes = field(default=b"", repr=False)

    def is_within(self, least: int, most: int) -> bool:
        """Whether the chain takes it, of which so much is paid and so much deposited."""
        return least <= self.amount <= most

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().integer(self.amount, AMOUNT_BYTES)
        writer.integer(self.valid_until, TIME_BYTES).integer(bool(self.signature), 1)
        return writer.fixed(self.signature, len(self.signature)).finish()

    @staticmethod
    def from_wire(message: bytes) -> Closing:
        """Parse."""
        reader = Reader(message, who="closing")
        amount = Tokens(reader.integer(AMOUNT_BYTES))
        valid_until = Timestamp(reader.integer(TIME_BYTES))
        signature = reader.fixed(reader.integer(1, most=1) * SIGNATURE_BYTES)
        reader.finish()
        return Closing(amount, valid_until, signature)


@dataclass(frozen=True)
class Amending:
    """Its sender's word for who signs and issues next: EIP-712 `Amendment`, a checkpoint as well.

    The other consents to a key by its own word for the same, and whoever asked brings that.
    """

    number: int
    amount: Tokens
    signers: Signers
    valid_until: Timestamp
    signature: bytes = field(repr=False)

    def is_same(self, other: Amending) -> bool:
        """Whether both would do the same, and this one counts no longer."""
        does = (self.number, self.amount, self.signers)
        is_one = does == (other.number, other.amount, other.signers)
        return is_one and self.valid_until <= other.valid_until

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().integer(self.number, NUMBER_BYTES).integer(self.amount, AMOUNT_BYTES)
        signers = self.signers
        for account in (signers.payer_key, signers.seller_key, signers.controller):
            writer.fixed(bytes.fromhex(account[2:]), 20)
        writer.integer(signers.epoch, EPOCH_BYTES).integer(self.valid_until, TIME_BYTES)
        return writer.fixed(self.signature, SIGNATURE_BYTES).finish()

    @staticmethod
    def from_wire(message: bytes) -> Amending:
        """Parse."""
        reader = Reader(message, who="amendment")
        number, amount = reader.integer(NUMBER_BYTES), Tokens(reader.integer(AMOUNT_BYTES))
        payer_key, seller_key, controller = (parse_address(reader.fixed(20)) for _ in range(3))
        signers = Signers(payer_key, seller_key, controller, reader.integer(EPOCH_BYTES))
        valid_until = Timestamp(reader.integer(TIME_BYTES))
        signature = reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return Amending(number, amount, signers, valid_until, signature)


@dataclass(frozen=True)
class Reducing:
    """Unused deposit goes back to the buyer: EIP-712 `Reduction`.

    The buyer's asks for it, without a signature: its own word is the transaction. The seller's
    answers it.

    Attributes:
        number: of the agreement.
        amount: that goes back.
    """

    number: int
    amount: Tokens
    valid_until: Timestamp
    signature: bytes = field(default=b"", repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().integer(self.number, NUMBER_BYTES).integer(self.amount, AMOUNT_BYTES)
        writer.integer(self.valid_until, TIME_BYTES).integer(bool(self.signature), 1)
        return writer.fixed(self.signature, len(self.signature)).finish()

    @staticmethod
    def from_wire(message: bytes) -> Reducing:
        """Parse."""
        reader = Reader(message, who="reduction")
        number, amount = reader.integer(NUMBER_BYTES), Tokens(reader.integer(AMOUNT_BYTES))
        valid_until = Timestamp(reader.integer(TIME_BYTES))
        signature = reader.fixed(reader.integer(1, most=1) * SIGNATURE_BYTES)
        reader.finish()
        return Reducing(number, amount, valid_until, signature)
