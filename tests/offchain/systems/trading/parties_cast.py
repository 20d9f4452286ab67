"""Seller, buyer and controller of the tests' channel: what they agreed on, and their keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.offchain.systems.trading.channel_cast import (
    CHAIN_ID,
    ESCROW,
    KEYS,
    LIMITS,
    PEOPLE,
    START,
    draft_terms,
    key_of,
)
from tests.offchain.systems.trading.templates.template_forms import BUYER, SELLER

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.identity.did.identifier import parse_did
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.contract.terms import compute_channel_id
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import (
    NO_TOKENS,
    Agreement,
    Conditions,
    Head,
    Opening,
    Policy,
    Pricing,
    Readings,
)
from edgemark.systems.trading.protocol.letters import (
    ChannelDomain,
    Letter,
    Message,
    Role,
)
from edgemark.systems.trading.protocol.messages import Proposal
from edgemark.systems.trading.templates.fields import Encryption, Label, TemplateKind
from edgemark.systems.trading.templates.initiation import (
    InitiationClaims,
    SettlementTemplate,
    Specification,
)
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import (
    DAY_S,
    Band,
    Flat,
    Metered,
    Strategy,
    Tier,
    Tiers,
    TimeOfDay,
)

DOMAIN = ChannelDomain(CHAIN_ID, ESCROW)
CONTROLLERS = ControllersDomain(CHAIN_ID, Address("0x" + "C0" * 20))
CONTROLLER, NEXT, THIRD = (key_of(f"controller {number}") for number in range(3))
PAYER_KEY, SELLER_KEY, THIEF = KEYS["payer's key"], KEYS["seller's key"], KEYS["a thief"]
SIGNER = {Role.BUYER: PAYER_KEY, Role.SELLER: SELLER_KEY, Role.CONTROLLER: CONTROLLER}

TERMS = draft_terms(PEOPLE, START, controller=CONTROLLER.address)
CHANNEL = compute_channel_id(CHAIN_ID, ESCROW, TERMS)


def agreed_on(strategy: Strategy, meter: Meter, price: int, per: int = 1) -> Pricing:
    """What a TIC says: an interval of 20 s costs at most 60, and the credit is 30."""
    parties = (parse_did(each) for each in (SELLER, BUYER))
    label = Label(TemplateKind.INITIATION, "tests", 1)
    claims = InitiationClaims(
        label,
        *parties,
        Specification(meter, per, 1, {}),
        Tokens(price),
        strategy,
        first_price=NO_TOKENS,
        settlement=SettlementTemplate(1, TERMS.settlement_template),
        encryption=Encryption.NONE,
        interval_s=20,
        cycles=2,
        max_cycles=8,
        grace_s=15,
        credit=Tokens(30),
        interval_cap=Tokens(60),
    )
    return Pricing(claims)


PRICE = 3
METERED = agreed_on(Metered(), Meter.PRODUCTS, PRICE)
BY_TIME = agreed_on(Flat(), Meter.SECONDS, 1, 2)  # a token for two seconds
BY_CPU = agreed_on(Metered(), Meter.CPU_MILLISECONDS, 1, 1000)
DAY = START - START % DAY_S
BANDS = (Band(0, 1000), Band(START - DAY + 100, 1500))  # half as much again, 100 s from the opening
BY_DAY = agreed_on(TimeOfDay(BANDS), Meter.PRODUCTS, 2)
FREE_BANDS = TimeOfDay((Band(0, 0), Band(START - DAY + 40, 1000)))  # free for the first 40 s
BY_NIGHT = agreed_on(FREE_BANDS, Meter.SECONDS, 1)
AFTER_FREE = agreed_on(Tiers((Tier(100, 0), Tier(None, 1000))), Meter.SECONDS, 1)
CONDITIONS = Conditions.of(METERED.agreed)
POLICY = Policy(
    margin_s=100,
    patience_s=60,
    valid_s=40,
    checkpoint_above=Tokens(150),
    warn_below=Tokens(100),
    stale_after_s=30,
    lock_grace_s=LIMITS.exit_grace,
    controllers=(NEXT.address,),
)
AGREEMENT = Agreement(CHANNEL, TERMS, CONDITIONS)
HEAD = Head(START + 1, START + 1)


def opening_of(account: SecretKey, until: int = START + 50) -> Opening:
    """An account's word for the terms."""
    digest = DOMAIN.opening(CHANNEL, Timestamp(until))
    return Opening(Timestamp(until), account.sign(digest))


SELLER_OPENING = opening_of(key_of("seller"))


def letter_of(message: Message, role: Role, key: SecretKey | None = None) -> bytes:
    """A letter as it travels."""
    letter = Letter.of(CHANNEL, message)
    return replace(letter, signature=(key or SIGNER[role]).sign(letter.digest(DOMAIN))).to_wire()


def sign_voucher(voucher: Voucher, key: SecretKey) -> bytes:
    """A party's signature under a voucher."""
    return key.sign(DOMAIN.voucher(CHANNEL, voucher))


def draft_proposal(amount: int, index: int = 1, fee: int | None = None, **changes: Any) -> Proposal:
    """A bill, signed by the seller: of `fee` for units at the price, in the first interval."""
    paid = amount if fee is None else fee
    voucher = Voucher(index, Tokens(amount), TERMS.settlement_template, CONTROLLER.address)
    voucher = replace(voucher, **changes.pop("voucher", {}))
    readings = Readings(Timestamp(START), Timestamp(START + 20), (0,), (paid // PRICE,))
    until = Timestamp(START + 60)
    signature = sign_voucher(voucher, changes.pop("key", SELLER_KEY))
    proposal = Proposal(voucher, readings, Tokens(paid), until, False, signature)
    return replace(proposal, **changes)


OPENED = (on.SawOpened(TERMS.deposit, Timestamp(START)), on.SawMoney(TERMS.deposit, Tokens(0), 0))
