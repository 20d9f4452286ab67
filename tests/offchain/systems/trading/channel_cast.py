"""Who is around a channel in the tests, with their keys; and one channel's terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.channel import Channel, open_channel
from edgemark.systems.trading.contract.market.records import OfferLimits
from edgemark.systems.trading.contract.records import Limits, Said, Voucher
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.identifiers import NO_OFFER

DEPOSIT, BOND = 1001, 101  # odd, and the least bond: every rounding shows
WINDOW, SERVICE = 100, 1000  # seconds
LIMITS = Limits(min_window=10, max_window=1000, exit_grace=5000, max_deposit=Tokens(10**6))
OFFER_LIMITS = OfferLimits(min_deposit=Tokens(1003), min_seconds=500, max_seconds=5000)
TEMPLATE = Hash32(keccak256(b"settlement template"))
ROLES = ("payer", "seller", "tower", "rival", "outsider")
START = 1_800_000_000
CHAIN_ID, ESCROW = 31337, Address("0x" + "5e" * 20)


def key_of(role: str) -> SecretKey:
    """The key of a role."""
    return SecretKey(keccak256(role.encode()))


KEYS = {
    role: key_of(role)
    for role in ("payer's key", "seller's key", "payer's next key", "seller's next key", "a thief")
}
PEOPLE = {role: key_of(role).address for role in ROLES}


def signer(role: str) -> Address:
    """Address of one of `KEYS`; NOBODY without a name."""
    return KEYS[role].address if role else NOBODY


def draft_terms(people: dict[str, Address], now: int, nonce: int = 1, **changes: Any) -> Terms:
    """Good terms from now on, with changes."""
    expires_at = now + SERVICE
    terms = Terms(
        payer=people["payer"],
        seller=people["seller"],
        payer_key=signer("payer's key"),
        seller_key=signer("seller's key"),
        deposit=Tokens(DEPOSIT),
        bond=Tokens(BOND),
        window=WINDOW,
        expires_at=Timestamp(expires_at),
        close_by=Timestamp(expires_at + 2 * WINDOW),
        initiation_template=Hash32(keccak256(b"initiation template")),
        settlement_template=TEMPLATE,
        initiation=Hash32(keccak256(b"initiation credential")),
        controller=people["outsider"],
        offer=NO_OFFER,
        nonce=nonce,
    )
    return replace(terms, **changes)


def open_one(**changes: Any) -> Channel:
    """A channel that was just opened, at `START`."""
    terms = draft_terms(PEOPLE, START, **changes)
    channel = compute_channel_id(CHAIN_ID, ESCROW, terms)
    said = Said(terms.payer, seller_signer=terms.seller)
    return open_channel(channel, terms, LIMITS, START, START, said)


def draft_voucher(amount: int, index: int = 1) -> Voucher:
    """A voucher of this amount."""
    return Voucher(index, Tokens(amount), TEMPLATE, PEOPLE["outsider"])
