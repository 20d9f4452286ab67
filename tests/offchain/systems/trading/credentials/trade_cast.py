"""A trade up to its first settlement: both templates, the TIC, the terms, the TSC; with keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.offchain.systems.trading.channel_cast import (
    CHAIN_ID,
    ESCROW,
    KEYS,
    PEOPLE,
    START,
    draft_terms,
    key_of,
)
from tests.offchain.systems.trading.templates.template_forms import (
    claims_of_initiation,
    claims_of_settlement,
    draft_initiation,
    draft_settlement,
    text_of,
)

from edgemark.identifiers import Address, Tokens
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import Did, make_did
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain, EvidenceDomain
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.contract.terms import compute_channel_id
from edgemark.systems.trading.credentials import initiation, settlement
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.sealing import carry
from edgemark.systems.trading.credentials.settlement import Signed
from edgemark.systems.trading.templates.template import Template, read_template

SELLER, BUYER, CONTROLLER, AUDITOR, STRANGER = (
    key_of(role) for role in ("seller", "payer", "controller", "auditor", "outsider")
)
DOMAIN = EscrowDomain(CHAIN_ID, ESCROW)
CONTROLLERS = ControllersDomain(CHAIN_ID, Address("0x" + "c0" * 20))
REGISTRY = EvidenceDomain(CHAIN_ID, Address("0x" + "e0" * 20))
PERIOD = Period(START, START + 10_000)


def did_of(key: Any) -> Did:
    return make_did(CHAIN_ID, key.address)


def of_our_seller(schema: dict[str, Any]) -> Template:
    schema["properties"]["seller"]["const"] = str(did_of(SELLER))
    return read_template(text_of(schema))


TST = of_our_seller(draft_settlement())
TIT_SCHEMA = draft_initiation(TST)
TEMPLATES = Templates(of_our_seller(TIT_SCHEMA), TST)
PARTIES = {"seller": str(did_of(SELLER)), "buyer": str(did_of(BUYER))}


def initiate(carried: dict[str, Any] | None = None, **changed: Any) -> SignedCredential:
    """The TIC of the trade, signed by the seller."""
    claims = claims_of_initiation(TIT_SCHEMA, **{**PARTIES, **changed})
    facts = initiation.draft_initiation(
        carried or carry(claims), TEMPLATES.initiation, did_of(SELLER), did_of(BUYER), PERIOD
    )
    return read_signed(CredentialSigner(SELLER, did_of(SELLER)).sign(facts))


TIC = initiate()
TERMS = draft_terms(
    PEOPLE,
    START,
    initiation=TIC.digest,
    initiation_template=TEMPLATES.initiation.version_id,
    settlement_template=TEMPLATES.settlement.version_id,
    controller=CONTROLLER.address,
)
CHANNEL = compute_channel_id(CHAIN_ID, ESCROW, TERMS)
VOUCHER = Voucher(1, Tokens(2750), TST.version_id, CONTROLLER.address)


def say(
    voucher: Voucher = VOUCHER, carried: dict[str, Any] | None = None, **changed: Any
) -> Signed:
    """What both parties signed of the first interval."""
    digest = DOMAIN.voucher(CHANNEL, voucher)
    said = Signed(
        did_of(SELLER),
        did_of(BUYER),
        CHANNEL,
        voucher,
        KEYS["payer's key"].sign(digest),
        KEYS["seller's key"].sign(digest),
        carried or carry(claims_of_settlement(**PARTIES)),
    )
    return replace(said, **changed)


def sign(said: Signed, at: int = START + 60) -> SignedCredential:
    """The TSC around it, whatever is in it, as the controller would sign it."""
    facts = settlement.draft_settlement(said, TST, did_of(CONTROLLER), Period(at))
    return read_signed(CredentialSigner(CONTROLLER, did_of(CONTROLLER)).sign(facts))
