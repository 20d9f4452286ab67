"""The buyer of the tests' trade asks its seller for a quote, and gets it."""

from __future__ import annotations

from typing import Any

from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, KEYS, START
from tests.offchain.systems.trading.credentials.trade_cast import (
    BUYER,
    CHANNEL,
    SELLER,
    TEMPLATES,
    TERMS,
    TIC,
    did_of,
)

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Timestamp, Tokens
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.systems.trading.contract.terms import compute_channel_id
from edgemark.systems.trading.identifiers import TemplateVersionId
from edgemark.systems.trading.protocol.agreement import Opening
from edgemark.systems.trading.protocol.asking.quotes import Quote, QuoteRequest, draft_terms
from edgemark.systems.trading.protocol.asking.slips import Purpose, Slip
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.templates.fields import Encryption

DOMAIN = ChannelDomain(CHAIN_ID, ESCROW)
SELLER_KEY = KEYS["seller's key"].address
SETTLEMENT = TEMPLATES.settlement.version_id
UNTIL = Timestamp(START + 300)


def draft_request(**changed: Any) -> QuoteRequest:
    """As the terms and the claims of `trade_cast` have it, signed by the buyer."""
    told: dict[str, Any] = {
        "seller": SELLER.address,
        "buyer": did_of(BUYER),
        "payer": TERMS.payer,
        "payer_key": TERMS.payer_key,
        "offer": TERMS.offer,
        "template": TemplateVersionId(TERMS.initiation_template),
        "controller": TERMS.controller,
        "deposit": TERMS.deposit,
        "bond": TERMS.bond,
        "window": TERMS.window,
        "expires_at": TERMS.expires_at,
        "close_by": TERMS.close_by,
        "nonce": TERMS.nonce,
        "interval_s": 60,
        "cycles": 10,
        "grace_s": 120,
        "cap": Tokens(100_000),
        "credit": Tokens(10_000),
        "most_price": Tokens(2000),
        "most_first_price": Tokens(50),
        "encryption": Encryption.NONE,
        "valid_until": UNTIL,
        **changed,
    }
    key = told.pop("key", BUYER)
    request = QuoteRequest(**told)
    return QuoteRequest(**told, signature=key.sign(request.digest(DOMAIN)))


def sign_quote(
    request: QuoteRequest,
    signed: SignedCredential = TIC,
    key: SecretKey = SELLER,
    until: Timestamp = UNTIL,
) -> Quote:
    """A quote with the word of this account for the terms."""
    terms = draft_terms(request, SELLER_KEY, SETTLEMENT, signed.digest)
    channel = compute_channel_id(CHAIN_ID, ESCROW, terms)
    opening = Opening(until, key.sign(DOMAIN.opening(channel, until)))
    return Quote(signed.token, SELLER_KEY, SETTLEMENT, opening)


def make_slip(purpose: Purpose, part: bytes) -> Slip:
    """The payer's word for a part."""
    blank = Slip(CHANNEL, purpose, hash_long(part), UNTIL)
    return blank.signed(KEYS["payer's key"].sign(blank.signed_digest(DOMAIN)))


REQUEST = draft_request()
QUOTE = sign_quote(REQUEST)
SLIP = make_slip(Purpose.PART, b"data")
