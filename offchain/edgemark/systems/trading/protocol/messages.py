"""What parties say to each other about one channel; canonical bytes, one encoding of each.

Every message travels in a signed letter (`protocol.letters`), which names its channel, so that none
does here. What the chain takes has a signature of its own inside: vouchers, and what else both sign
(`accords.messages`). `from_wire` raises `MalformedMessage` or `RefusedInput`, never anything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.identifiers import NO_TIME, Hash32, Timestamp, Tokens, parse_address
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.protocol.agreement import (
    MAX_REGISTERS,
    NO_TOKENS,
    Pause,
    Readings,
    Reason,
    Registers,
)

MAX_LETTER_BYTES = 64 * 2**10  # a claim's bound; the broker takes no longer packet
HEAD_BYTES = 1024  # of a letter and of the longest message but for its content, which has 700
MAX_CONTENT_BYTES = MAX_LETTER_BYTES - HEAD_BYTES
SIGNATURE_BYTES = 65
NUMBER_BYTES, AMOUNT_BYTES, TIME_BYTES, EPOCH_BYTES = 8, 12, 5, 4
MAX_SEALED_BILL_BYTES = 32 * 2**10  # with a third more in its credential it fits a letter
KINDS = 16  # of letters, at most

_HIDDEN = Readings(NO_TIME, NO_TIME, (), ())


def _write_registers(writer: Writer, registers: Registers) -> None:
    writer.integer(len(registers), 1)
    for count in registers:
        writer.integer(count, NUMBER_BYTES)


def _read_registers(reader: Reader) -> Registers:
    count = reader.integer(1, most=MAX_REGISTERS)
    return tuple(reader.integer(NUMBER_BYTES) for _ in range(count))


def write_voucher(writer: Writer, voucher: Voucher) -> None:
    """Its fields in a row, in the order of what is signed."""
    writer.integer(voucher.index, NUMBER_BYTES).integer(voucher.amount, AMOUNT_BYTES)
    writer.fixed(voucher.template_hash, 32).fixed(bytes.fromhex(voucher.controller[2:]), 20)
    writer.integer(voucher.epoch, EPOCH_BYTES)


def read_voucher(reader: Reader) -> Voucher:
    """What `write_voucher` wrote."""
    return Voucher(
        index=reader.integer(NUMBER_BYTES),
        amount=Tokens(reader.integer(AMOUNT_BYTES)),
        template_hash=Hash32(reader.fixed(32)),
        controller=parse_address(reader.fixed(20)),
        epoch=reader.integer(EPOCH_BYTES),
    )


@dataclass(frozen=True)
class Request:
    """The buyer wants work done.

    Attributes:
        number: of the request, from 1.
        most: units of the meter that it uses at most, as the buyer counts them.
        content: what the work is.
    """

    number: int
    most: int
    content: bytes = field(repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().integer(self.number, NUMBER_BYTES).integer(self.most, NUMBER_BYTES)
        return writer.variable(self.content).finish()

    @staticmethod
    def from_wire(message: bytes) -> Request:
        """Parse."""
        reader = Reader(message, who="request")
        number, most = reader.integer(NUMBER_BYTES), reader.integer(NUMBER_BYTES)
        content = reader.variable(most=MAX_CONTENT_BYTES)
        reader.finish()
        return Request(number, most, content)


@dataclass(frozen=True)
class Answer:
    """What came of a request, and by how much it let each register grow."""

    number: int
    used: Registers
    content: bytes = field(repr=False)

    @property
    def units(self) -> int:
        """By how much all registers grew together."""
        return sum(self.used)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().integer(self.number, NUMBER_BYTES)
        _write_registers(writer, self.used)
        return writer.variable(self.content).finish()

    @staticmethod
    def from_wire(message: bytes) -> Answer:
        """Parse."""
        reader = Reader(message, who="answer")
        number, used = reader.integer(NUMBER_BYTES), _read_registers(reader)
        content = reader.variable(most=MAX_CONTENT_BYTES)
        reader.finish()
        return Answer(number, used, content)


@dataclass(frozen=True)
class Refusal:
    """A request is not taken now; it is asked again, and nothing of it was noted."""

    number: int
    why: Pause

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        return Writer().integer(self.number, NUMBER_BYTES).integer(self.why, 1).finish()

    @staticmethod
    def from_wire(message: bytes) -> Refusal:
        """Parse."""
        reader = Reader(message, who="refusal")
        number, why = reader.integer(NUMBER_BYTES), reader.integer(1, most=max(Pause))
        reader.finish()
        return Refusal(number, Pause(why))


@dataclass(frozen=True)
class Proposal:
    """The seller's bill of an interval: the voucher that it signed first, and what it is for.

    Attributes:
        voucher: its amount is what was owed before, and the fee.
        readings: of the interval.
        fee: of the interval.
        valid_until: last second at which it may be countersigned; a signed amount has no end.
        is_last: no work follows.
        signature: of the seller, EIP-712 `Voucher`; the letter's covers the rest.
    """

    voucher: Voucher
    readings: Readings
    fee: Tokens
    valid_until: Timestamp
    is_last: bool
    signature: bytes = field(repr=False)

    @property
    def begins_at(self) -> int:
        """What was owed before."""
        return self.voucher.amount - self.fee

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        write_voucher(writer, self.voucher)
        writer.integer(self.readings.start, TIME_BYTES).integer(self.readings.end, TIME_BYTES)
        _write_registers(writer, self.readings.before)
        _write_registers(writer, self.readings.after)
        writer.integer(self.fee, AMOUNT_BYTES).integer(self.valid_until, TIME_BYTES)
        return writer.integer(self.is_last, 1).fixed(self.signature, SIGNATURE_BYTES).finish()

    @staticmethod
    def from_wire(message: bytes) -> Proposal:
        """Parse."""
        reader = Reader(message, who="proposal")
        voucher = read_voucher(reader)
        times = Timestamp(reader.integer(TIME_BYTES)), Timestamp(reader.integer(TIME_BYTES))
        readings = Readings(*times, _read_registers(reader), _read_registers(reader))
        fee, until = Tokens(reader.integer(AMOUNT_BYTES)), Timestamp(reader.integer(TIME_BYTES))
        is_last, signature = bool(reader.integer(1, most=1)), reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return Proposal(voucher, readings, fee, until, is_last, signature)


@dataclass(frozen=True)
class Countersigned:
    """A voucher with both signatures, EIP-712 `Voucher` each."""

    voucher: Voucher
    seller_signature: bytes = field(repr=False)
    payer_signature: bytes = field(repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        write_voucher(writer, self.voucher)
        writer.fixed(self.seller_signature, SIGNATURE_BYTES)
        return writer.fixed(self.payer_signature, SIGNATURE_BYTES).finish()

    @staticmethod
    def from_wire(message: bytes) -> Countersigned:
        """Parse."""
        reader = Reader(message, who="voucher")
        voucher = read_voucher(reader)
        both = (reader.fixed(SIGNATURE_BYTES), reader.fixed(SIGNATURE_BYTES))
        reader.finish()
        return Countersigned(voucher, *both)


@dataclass(frozen=True)
class Settlement:
    """What a controller makes a credential of: the bill, and the payer's signature under it.

    Attributes:
        proposal: the bill; without readings and fee where these are sealed.
        payer_signature: EIP-712 `Voucher`.
        sealed: the claims of the credential, a JWE for both parties; empty: they are in the clear.
    """

    proposal: Proposal
    payer_signature: bytes = field(repr=False)
    sealed: bytes = field(default=b"", repr=False)

    @staticmethod
    def of(proposal: Proposal, signed: Countersigned) -> Settlement:
        """The bill as it stood under the index that was signed: its content is the same."""
        told = replace(proposal, voucher=signed.voucher, signature=signed.seller_signature)
        return Settlement(told, signed.payer_signature)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().variable(self.proposal.to_wire())
        writer.fixed(self.payer_signature, SIGNATURE_BYTES)
        return writer.variable(self.sealed).finish()

    def hide(self, sealed: bytes) -> Settlement:
        """The same for who need not know what it is for: that stands in what is sealed."""
        told = replace(self.proposal, readings=_HIDDEN, fee=NO_TOKENS)
        return replace(self, proposal=told, sealed=sealed)

    @staticmethod
    def from_wire(message: bytes) -> Settlement:
        """Parse."""
        reader = Reader(message, who="settlement")
        proposal = Proposal.from_wire(reader.variable(most=HEAD_BYTES))
        payer_signature = reader.fixed(SIGNATURE_BYTES)
        sealed = reader.variable(most=MAX_SEALED_BILL_BYTES)
        reader.finish()
        found = Settlement(proposal, payer_signature, sealed)
        if sealed and found != found.hide(sealed):
            needed = "without readings and fee"
            raise MalformedMessage("says what it has sealed", who="settlement", needed=needed)
        return found


@dataclass(frozen=True)
class Sealed:
    """A message for the other party alone, where claims are sealed.

    Attributes:
        content: a JWE for both parties; in it the kind of the message, one byte, and the message.
    """

    content: bytes = field(repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        return Writer().variable(self.content).finish()

    @staticmethod
    def from_wire(message: bytes) -> Sealed:
        """Parse; nothing is opened."""
        reader = Reader(message, who="sealed message")
        content = reader.variable(most=MAX_LETTER_BYTES)
        reader.finish()
        return Sealed(content)


@dataclass(frozen=True)
class Credential:
    """A settlement credential, and the controller's word for the chain.

    Attributes:
        voucher: inside of it.
        content: the credential itself (`vc+jwt`).
        signature: of the controller, EIP-712 `Issuance`, which covers keccak256(content).
    """

    voucher: Voucher
    content: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def index(self) -> int:
        """Of the voucher."""
        return self.voucher.index

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        write_voucher(writer, self.voucher)
        return writer.variable(self.content).fixed(self.signature, SIGNATURE_BYTES).finish()

    @staticmethod
    def from_wire(message: bytes) -> Credential:
        """Parse."""
        reader = Reader(message, who="credential")
        voucher, content = read_voucher(reader), reader.variable(most=MAX_CONTENT_BYTES)
        signature = reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return Credential(voucher, content, signature)


@dataclass(frozen=True)
class Overdraft:
    """The deposit is nearly used up: of `deposit`, `left` is."""

    deposit: Tokens
    left: Tokens

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().integer(self.deposit, AMOUNT_BYTES)
        return writer.integer(self.left, AMOUNT_BYTES).finish()

    @staticmethod
    def from_wire(message: bytes) -> Overdraft:
        """Parse."""
        reader = Reader(message, who="overdraft")
        amounts = Tokens(reader.integer(AMOUNT_BYTES)), Tokens(reader.integer(AMOUNT_BYTES))
        reader.finish()
        return Overdraft(*amounts)


@dataclass(frozen=True)
class Stop:
    """Its sender takes, or asks for, no new work any more.

    Attributes:
        reason: why.
        at: since when, by its own time; `NO_TIME` where a voucher was late.
    """

    reason: Reason
    at: Timestamp = NO_TIME

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        return Writer().integer(self.reason, 1).integer(self.at, TIME_BYTES).finish()

    @staticmethod
    def from_wire(message: bytes) -> Stop:
        """Parse."""
        reader = Reader(message, who="stop")
        reason = Reason(reader.integer(1, most=max(Reason)))
        at = Timestamp(reader.integer(TIME_BYTES))
        reader.finish()
        return Stop(reason, at)


@dataclass(frozen=True)
class Taken:
    """Its sender has a message on its disk: of this kind of letter, of this number.

    The number is that of a request, the index of a voucher or credential, the deposit of a warning.
    """

    kind: int
    number: int

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        return Writer().integer(self.kind, 1).integer(self.number, AMOUNT_BYTES).finish()

    @staticmethod
    def from_wire(message: bytes) -> Taken:
        """Parse."""
        reader = Reader(message, who="receipt")
        kind, number = reader.integer(1, most=KINDS), reader.integer(AMOUNT_BYTES)
        reader.finish()
        return Taken(kind, number)
