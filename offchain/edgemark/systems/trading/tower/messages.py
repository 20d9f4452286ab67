"""What a seller hands a tower, and what it gets for it; canonical bytes, one encoding of each.

What is signed in them, and what each signature covers:

| statement  | by           | covers                                                               |
|------------|--------------|----------------------------------------------------------------------|
| Voucher    | both parties | channel, index, amount, template, controller, epoch                  |
| Delegation | the seller   | channel, tower, number                                               |
| Receipt    | the tower    | channel, amount, both keys under it, until when it brings that       |

The channel is the hash of its terms with chain and escrow. `from_wire` raises `MalformedMessage` or
`RefusedInput`, never anything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.encoding import Reader, Writer
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens, parse_address
from edgemark.systems.trading.contract.terms import (
    AMOUNT_BYTES,
    TIME_BYTES,
    Terms,
    read_terms,
    write_terms,
)
from edgemark.systems.trading.contract.towers.records import Receipt
from edgemark.systems.trading.contract.towers.statements import TowersDomain
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import Countersigned

SIGNATURE_BYTES = 65
NUMBER_BYTES = 3
MAX_VOUCHER_BYTES = 512  # one has 237
MAX_STATE_BYTES = 2048  # a state has less than half of it
MAX_RECEIPT_BYTES = 256
STATES = "/v1/states"  # where a tower takes them
STATUS, MAX_STATUS_BYTES = "/v1/status", 64 * 1024
LEAST_CLOSE = "least_close_s"  # of its status: the shortest window, and time to close, it watches
PLACES_LEFT = "places_left"  # of its status: channels more that it takes
MAX_COVER = "max_cover"  # of its status: what it sets aside for one channel at most, smallest units
PROMISED = "promised"  # of its status: what it is to set aside for channels that it took, the same
RETAINER_S = 7 * 86_400  # in which the first state comes, seconds after its retainer was moved


def _write_account(writer: Writer, account: Address) -> None:
    writer.fixed(bytes.fromhex(account[2:]), 20)


@dataclass(frozen=True)
class BroughtState:
    """What a seller hands in: the newest voucher of a channel, and who watches it.

    Attributes:
        terms: of the channel.
        voucher: with both signatures.
        number: of the delegation to the tower that it is brought to.
        delegation: signature of the seller's key, EIP-712 `Delegation`.
        retainer: the transaction that moved the retainer; counts for a channel that the tower does
            not know, and is zero where a tower asks none.
    """

    terms: Terms
    voucher: Countersigned
    number: int
    delegation: bytes = field(repr=False)
    retainer: Hash32

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        write_terms(writer, self.terms)
        writer.variable(self.voucher.to_wire()).integer(self.number, NUMBER_BYTES)
        return writer.fixed(self.delegation, SIGNATURE_BYTES).fixed(self.retainer, 32).finish()

    @staticmethod
    def from_wire(message: bytes) -> BroughtState:
        """Parse."""
        reader = Reader(message, who="state")
        terms = read_terms(reader)
        voucher = Countersigned.from_wire(reader.variable(most=MAX_VOUCHER_BYTES))
        number, delegation = reader.integer(NUMBER_BYTES), reader.fixed(SIGNATURE_BYTES)
        retainer = Hash32(reader.fixed(32))
        reader.finish()
        return BroughtState(terms, voucher, number, delegation, retainer)


@dataclass(frozen=True)
class SignedReceipt:
    """A receipt with the signature of its tower, EIP-712 `Receipt`."""

    receipt: Receipt
    signature: bytes = field(repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        said = self.receipt
        writer = Writer().fixed(said.channel, 32).integer(said.amount, AMOUNT_BYTES)
        for key in said.keys:
            _write_account(writer, key)
        return (
            writer.integer(said.until, TIME_BYTES).fixed(self.signature, SIGNATURE_BYTES).finish()
        )

    @staticmethod
    def from_wire(message: bytes) -> SignedReceipt:
        """Parse."""
        reader = Reader(message, who="receipt")
        channel, amount = ChannelId(reader.fixed(32)), Tokens(reader.integer(AMOUNT_BYTES))
        payer_key, seller_key = (parse_address(reader.fixed(20)) for _ in range(2))
        until, signature = Timestamp(reader.integer(TIME_BYTES)), reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return SignedReceipt(Receipt(channel, amount, payer_key, seller_key, until), signature)

    def check(self, domain: TowersDomain, tower: Address) -> None:
        """Check who signed.

        Raises:
            BadSignature: somebody else.
        """
        check_signature(domain.receipt(self.receipt), self.signature, tower)
