"""A request for an initiation credential, and what a seller answers: canonical bytes. Pure.

Source: EFSC IV-B.2: the buyer asks for the initiation credential, the seller issues it.

The buyer says all that the terms and the claims leave open, and what it pays at most; the seller
adds its signing address, its price and its specification, and nothing else:

| of the terms                                    | is said by                                   |
|-------------------------------------------------|----------------------------------------------|
| payer, payer_key, deposit, bond, window         | the request                                  |
| expires_at, close_by, controller, offer, nonce  | the request                                  |
| initiation_template                             | the request, as the offer names it           |
| seller                                          | the request                                  |
| seller_key                                      | the seller                                   |
| settlement_template                             | the initiation template                      |
| initiation                                      | the credential: its digest                   |

A request that comes again has the same answer: it is known by payer and nonce, which counts once on
chain. `from_wire` raises `MalformedMessage` or `RefusedInput`, never anything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import check_signature, recover
from edgemark.crypto.ethereum.typed_data import StructType
from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.errors import PeerFault
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens, parse_address
from edgemark.identity.did.identifier import MAX_URL_CHARS, Did, parse_did
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.identifiers import ChannelId, OfferId, TemplateVersionId
from edgemark.systems.trading.protocol.agreement import Opening
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.messages import (
    AMOUNT_BYTES,
    MAX_LETTER_BYTES,
    SIGNATURE_BYTES,
    TIME_BYTES,
)
from edgemark.systems.trading.templates.fields import MAX_DURATION_S, Encryption
from edgemark.systems.trading.templates.initiation import MAX_CYCLES

QUOTE_REQUEST = StructType("QuoteRequest", (("address", "seller"), ("bytes32", "request")))
MAX_REQUEST_BYTES = 2048  # a DID of the longest kind, and everything else
MAX_QUOTE_BYTES = 2 * MAX_LETTER_BYTES  # the credential is bounded as any letter
MAX_TOKEN_BYTES = MAX_LETTER_BYTES
DURATION_BYTES, NONCE_BYTES = 4, 32
_WAYS = tuple(Encryption)


class QuoteStrange(PeerFault):
    """What a seller answered is not what it was asked for."""


@dataclass(frozen=True)
class QuoteRequest:
    """A buyer wants a channel on these terms.

    Attributes:
        seller: account that is asked.
        buyer: the DID that the credential is about; a key of it signs.
        payer: account that opens the channel and pays.
        payer_key: address that signs its vouchers.
        offer: of the seller; `NO_OFFER`: none.
        template: version of the initiation template.
        controller: that issues the credentials.
        deposit, bond: smallest unit; window: seconds.
        expires_at, close_by: chain time.
        nonce: of the payer; counts once on chain.
        interval_s: after which a voucher is proposed; cycles: N.
        grace_s: for which a voucher may be late.
        cap: most that one interval costs; credit: most that may be owed beyond it, not signed.
        most_price: for `per` units; most_first_price: owed once.
        encryption: how claims travel.
        valid_until: last second at which the request counts, and the seller's word for the opening.
        signature: of a key of the buyer's DID.
    """

    seller: Address
    buyer: Did
    payer: Address
    payer_key: Address
    offer: OfferId
    template: TemplateVersionId
    controller: Address
    deposit: Tokens
    bond: Tokens
    window: int
    expires_at: Timestamp
    close_by: Timestamp
    nonce: int
    interval_s: int
    cycles: int
    grace_s: int
    cap: Tokens
    credit: Tokens
    most_price: Tokens
    most_first_price: Tokens
    encryption: Encryption
    valid_until: Timestamp
    signature: bytes = field(default=b"", repr=False)

    def _body(self) -> bytes:
        writer = Writer().fixed(bytes.fromhex(self.seller[2:]), 20).text(str(self.buyer))
        for account in (self.payer, self.payer_key, self.controller):
            writer.fixed(bytes.fromhex(account[2:]), 20)
        writer.fixed(self.offer, 32).fixed(self.template, 32)
        writer.integer(self.deposit, AMOUNT_BYTES).integer(self.bond, AMOUNT_BYTES)
        writer.integer(self.window, DURATION_BYTES)
        writer.integer(self.expires_at, TIME_BYTES).integer(self.close_by, TIME_BYTES)
        writer.integer(self.nonce, NONCE_BYTES)
        for number in (self.interval_s, self.cycles, self.grace_s):
            writer.integer(number, DURATION_BYTES)
        for amount in (self.cap, self.credit, self.most_price, self.most_first_price):
            writer.integer(amount, AMOUNT_BYTES)
        writer.integer(_WAYS.index(self.encryption), 1)
        return writer.integer(self.valid_until, TIME_BYTES).finish()

    def digest(self, domain: ChannelDomain) -> Hash32:
        """What a key of the buyer's DID signs."""
        return domain.digest(QUOTE_REQUEST, (self.seller, keccak256(self._body())))

    def signer(self, domain: ChannelDomain) -> Address:
        """The account of the key that signed it.

        Raises:
            BadSignature: no signature in the one form.
        """
        return recover(self.digest(domain), self.signature)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        signature = Writer().fixed(self.signature, SIGNATURE_BYTES).finish()
        return self._body() + signature

    @staticmethod
    def from_wire(raw: bytes) -> QuoteRequest:
        """Parse; the signature is not looked at."""
        _check_length(raw, MAX_REQUEST_BYTES, "request for a quote")
        reader = Reader(raw, who="request for a quote")
        seller, buyer = _account(reader), parse_did(reader.text(most=MAX_URL_CHARS))
        payer, payer_key, controller = (_account(reader) for _ in range(3))
        offer, template = OfferId(reader.fixed(32)), TemplateVersionId(reader.fixed(32))
        deposit, bond = _amount(reader), _amount(reader)
        window, expires_at, close_by = reader.integer(DURATION_BYTES), _time(reader), _time(reader)
        conditions = _read_conditions(reader)
        valid_until, signature = _time(reader), reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return QuoteRequest(
            seller=seller,
            buyer=buyer,
            payer=payer,
            payer_key=payer_key,
            offer=offer,
            template=template,
            controller=controller,
            deposit=deposit,
            bond=bond,
            window=window,
            expires_at=expires_at,
            close_by=close_by,
            **conditions,
            valid_until=valid_until,
            signature=signature,
        )


def _read_conditions(reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {"nonce": reader.integer(NONCE_BYTES)}
    for name, most in (
        ("interval_s", MAX_DURATION_S),
        ("cycles", MAX_CYCLES),
        ("grace_s", MAX_DURATION_S),
    ):
        found[name] = reader.integer(DURATION_BYTES, most=most)
    for name in ("cap", "credit", "most_price", "most_first_price"):
        found[name] = _amount(reader)
    return {**found, "encryption": _WAYS[reader.integer(1, most=len(_WAYS) - 1)]}


def draft_terms(
    request: QuoteRequest,
    seller_key: Address,
    settlement_template: TemplateVersionId,
    initiation: Hash32,
) -> Terms:
    """The terms of a request, with what the seller adds.

    Args:
        request: of the buyer.
        seller_key: address that signs for the seller.
        settlement_template: that the initiation template names.
        initiation: digest of the initiation credential.
    """
    return Terms(
        payer=request.payer,
        seller=request.seller,
        payer_key=request.payer_key,
        seller_key=seller_key,
        deposit=request.deposit,
        bond=request.bond,
        window=request.window,
        expires_at=request.expires_at,
        close_by=request.close_by,
        initiation_template=Hash32(request.template),
        settlement_template=Hash32(settlement_template),
        initiation=initiation,
        controller=request.controller,
        offer=request.offer,
        nonce=request.nonce,
    )


@dataclass(frozen=True)
class Quote:
    """What a seller answers: it takes these terms.

    Attributes:
        token: the initiation credential, as it was signed (`vc+jwt`).
        seller_key: address that signs for the seller.
        settlement_template: version of it, as the terms name it.
        opening: the seller's word for the terms, by its account.
    """

    token: str = field(repr=False)
    seller_key: Address
    settlement_template: TemplateVersionId
    opening: Opening

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().text(self.token).fixed(bytes.fromhex(self.seller_key[2:]), 20)
        writer.fixed(self.settlement_template, 32).integer(self.opening.valid_until, TIME_BYTES)
        return writer.fixed(self.opening.signature, SIGNATURE_BYTES).finish()

    @staticmethod
    def from_wire(raw: bytes) -> Quote:
        """Parse; no signature is looked at."""
        _check_length(raw, MAX_QUOTE_BYTES, "quote")
        reader = Reader(raw, who="quote")
        token = reader.text(most=MAX_TOKEN_BYTES)
        if not token.isascii():
            raise MalformedMessage("is no signed text", who="quote, credential", needed="ASCII")
        seller_key, template = _account(reader), TemplateVersionId(reader.fixed(32))
        opening = Opening(_time(reader), reader.fixed(SIGNATURE_BYTES))
        reader.finish()
        return Quote(token, seller_key, template, opening)


def check_opening(
    request: QuoteRequest, quote: Quote, initiation: Hash32, domain: ChannelDomain, now: int
) -> tuple[ChannelId, Terms]:
    """The channel and terms that a seller has signed for, which are those that were asked for.

    Args:
        request: that it answers.
        quote: from whoever says that it is the seller.
        initiation: digest of the credential in it.
        domain: of the escrow.
        now: chain time.

    Raises:
        BadSignature: the seller did not sign these terms.
        QuoteStrange: they count no more, or for longer than was asked.
        RefusedInput: a value that no terms can have.
    """
    terms = draft_terms(request, quote.seller_key, quote.settlement_template, initiation)
    channel = compute_channel_id(domain.chain_id, domain.contract, terms)
    until = quote.opening.valid_until
    if not now <= until <= request.valid_until:
        needed = f"{now} .. {request.valid_until}"
        raise QuoteStrange("is for another time", who="quote, opening", had=until, needed=needed)
    check_signature(domain.opening(channel, until), quote.opening.signature, request.seller)
    return channel, terms


def sign_request(request: QuoteRequest, signature: bytes) -> QuoteRequest:
    """The same with its signature."""
    return replace(request, signature=signature)


def _account(reader: Reader) -> Address:
    return parse_address(reader.fixed(20))


def _amount(reader: Reader) -> Tokens:
    return Tokens(reader.integer(AMOUNT_BYTES))


def _time(reader: Reader) -> Timestamp:
    return Timestamp(reader.integer(TIME_BYTES))


def _check_length(raw: bytes, most: int, who: str) -> None:
    if len(raw) > most:
        needed = f"<= {most}"
        raise MalformedMessage("is too long", who=who, had=f"{len(raw)} bytes", needed=needed)
