"""What is there before anybody trades: templates, an auditor's word for the seller, an offer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.files import make_private_folder, write_whole
from edgemark.identifiers import TOKEN_UNIT, Address, Timestamp, Tokens
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.keeping import SUFFIX, write_token
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import Did, make_did
from edgemark.identity.resources import Resources
from edgemark.party.evm.joining import bring_in
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.evidence.pieces import QualificationPiece
from edgemark.systems.trading.contract.market.records import (
    OfferDraft,
    Qualification,
    compute_category,
    make_offer_id,
)
from edgemark.systems.trading.credentials import qualification as auditing
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.identifiers import OfferId
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.station.templates import TemplateStation, register
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.schema import DIALECT
from edgemark.systems.trading.templates.template import Template, read_template

CATEGORY = "products of polynomials over F_q, price of 1000"
SERVICES = ("products of polynomials",)
PRICE = Tokens(TOKEN_UNIT // 100)  # of PER products, and of each `Ware`
PER = 1000
SHOWN = "qualifications"  # folder of a seller's home, with what it shows to who asks
CAPACITY = 16  # channels at once
OFFER_DEPOSIT = Tokens(5 * TOKEN_UNIT)
OFFER_S = 3600
MOST_CYCLES = 10  # N at most
RESOURCES = Resources(1, 1024, 1024, 100)
_AMOUNT = {"type": "string", "maxLength": 39, "pattern": "^[0-9]{1,39}$"}
_DID = {"type": "string", "maxLength": 256}
_SECOND = {"type": "integer", "minimum": 0}


@dataclass(frozen=True)
class Ware:
    """What a seller of the stage sells.

    Attributes:
        name: of its templates.
        title: of them, for people.
        category: of its offer.
        meter: that counts; per: units that cost `PRICE`.
    """

    name: str
    title: str
    category: str
    meter: Meter
    per: int


PRODUCTS = Ware("products", "Products of polynomials", CATEGORY, Meter.PRODUCTS, PER)


@dataclass(frozen=True)
class Market:
    """What the stage found or made.

    Attributes:
        seller: account.
        auditor: account whose signature stands under the seller's qualification.
        templates: TIT and TST, registered.
        offer: the seller's.
        qualification: the auditor's credential of the seller.
    """

    seller: Address
    auditor: Address
    templates: Templates
    offer: OfferId
    qualification: str


def draft_templates(seller: Did, ware: Ware = PRODUCTS) -> Templates:
    """A settlement template, and the initiation template that names it.

    Args:
        seller: whose they are.
        ware: that is sold.
    """
    tst = _draft_settlement(seller, ware)
    return Templates(_draft_initiation(seller, ware, tst), tst)


def qualify(settings: Settings, seller: Address) -> str:
    """The auditor signs what a seller is fit for, and records evidence of it; the credential.

    Args:
        settings: of the auditor's home.
        seller: account.
    """
    with TradingStation.open(settings) as auditor:
        chain_id = auditor.documents.chain_id
        said = auditing.Qualification(auditor.did, make_did(chain_id, seller), SERVICES)
        now = auditor.chain.block("latest").timestamp
        facts = auditing.draft_qualification(said, Period(now))
        token = CredentialSigner(auditor.keys.account, auditor.did).sign(facts)
        signature = auditing.sign_evidence(
            auditor.keys.account, auditor.evidence_domain, said, token
        )
        piece = QualificationPiece(seller, digest_of(token), signature)
        auditor.lane.send(auditor.evidence.record_qualifications([piece]))
    return token


def open_shop(
    settings: Settings,
    auditor: Address,
    token: str,
    ware: Ware = PRODUCTS,
    *,
    lasts_s: int = OFFER_S,
) -> Market:
    """The seller registers its templates, and posts an offer that names its qualification.

    Args:
        settings: of the seller's home; no process of it runs.
        auditor: account that signed the qualification.
        token: the qualification.
        ware: that is sold.
        lasts_s: seconds until the offer expires.
    """
    shown = settings.home / SHOWN
    make_private_folder(shown)
    write_whole(shown / f"qualification{SUFFIX}", write_token(token))
    with TemplateStation.open(settings) as station:
        templates = draft_templates(make_did(station.chain.chain_id, station.address), ware)
        register(station, templates.settlement, None)
        register(station, templates.initiation, templates.settlement)
    with TradingStation.open(settings) as station:
        seller, offers = station.address, station.offers
        category = compute_category(ware.category)
        expires_at = Timestamp(station.chain.block("latest").timestamp + lasts_s)
        draft = OfferDraft(
            escrow=station.escrow.address,
            category=category,
            template=templates.initiation.version_id,
            specification=RESOURCES,
            price=PRICE,
            capacity=CAPACITY,
            expires_at=expires_at,
            qualifications=(Qualification(auditor, digest_of(token)),),
        )
        bring_in(station, OFFER_DEPOSIT, [offers.address], OFFER_DEPOSIT, lasts_s=lasts_s)
        station.lane.send(offers.post(draft, OFFER_DEPOSIT, offers.room(category).place))
    return Market(seller, auditor, templates, make_offer_id(seller, 1), token)


def _draft_settlement(seller: Did, ware: Ware) -> Template:
    registers = {"type": "array", "minItems": 1, "maxItems": 1, "items": _AMOUNT}
    readings = _object_of({"before": registers, "after": registers}, "Registers at both ends")
    label = {"kind": "settlement", "name": f"{ware.name}-settled", "version": 1}
    properties = {
        "template": {"const": label},
        "seller": {"const": str(seller)},
        "buyer": _DID,
        "fee": _AMOUNT,
        "start": _SECOND,
        "end": _SECOND,
        "readings": readings,
        "encryption": {"enum": ["none", "jwe"]},
    }
    return _template_of(_object_of(properties, f"{ware.title}, an interval"))


def _draft_initiation(seller: Did, ware: Ware, settlement: Template) -> Template:
    named = {
        "version": settlement.label.version,
        "contentHash": f"0x{settlement.content_hash.hex()}",
    }
    specification = {"meter": ware.meter.value, "per": str(ware.per), "cores": 1}
    label = {"kind": "initiation", "name": ware.name, "version": 1}
    properties = {
        "template": {"const": label},
        "seller": {"const": str(seller)},
        "buyer": _DID,
        "specification": {"const": specification},
        "unitPrice": _AMOUNT,
        "settlementStrategy": {"const": {"name": "metered"}},
        "firstPrice": _AMOUNT,
        "settlementTemplate": {"const": named},
        "encryption": {"enum": ["none", "jwe"]},
        "intervalS": {"type": "integer", "minimum": 1, "maximum": 3600},
        "cycles": {"type": "integer", "minimum": 1},
        "maxCycles": {"const": MOST_CYCLES},
        "graceS": {"type": "integer", "minimum": 0, "maximum": 3600},
        "credit": _AMOUNT,
        "intervalCap": _AMOUNT,
    }
    return _template_of(_object_of(properties, ware.title))


def _object_of(properties: Mapping[str, Any], title: str) -> dict[str, Any]:
    return {
        "title": title,
        "type": "object",
        "required": sorted(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def _template_of(schema: Mapping[str, Any]) -> Template:
    return read_template(json.dumps({"$schema": DIALECT, **schema}).encode())
