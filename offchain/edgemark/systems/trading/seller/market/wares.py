"""What a seller sells, as its settings and the chain have it; and the texts that it shows.

| of the settings    | what it is                                   |
|--------------------|----------------------------------------------|
| `offer`            | names template, price and capacity on chain  |
| `template, price`  | the same, for who sells by no offer          |
| `specification`    | what the template leaves open                |
| `qualifications`   | credentials that the offer names             |

A start with settings that do not go together is refused, with the one that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgemark.amounts import Amount
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import expand_home, read_limited
from edgemark.identifiers import Address, Hash32, Tokens, parse_address
from edgemark.identity.did.identifier import is_same
from edgemark.settings.section import SettingInvalid
from edgemark.storage.cid import parse_cid
from edgemark.storage.content import ContentMissing
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.identifiers import (
    NO_OFFER,
    OfferId,
    TemplateVersionId,
    parse_offer_id,
    parse_template_version_id,
)
from edgemark.systems.trading.seller.market.quoting import Wares
from edgemark.systems.trading.settings import SellerSettings
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.station.templates import FOLDER
from edgemark.systems.trading.templates.template import (
    MAX_TEXT_BYTES,
    Template,
    TemplateSwapped,
    check_named,
    open_anchored,
)
from edgemark.untrusted.jcs import parse_hashable

MAX_QUALIFICATIONS = 64  # files of a folder
MAX_SHOWN_BYTES = 256 * 1024


def read_wares(station: TradingStation, taken: SellerSettings, cores: int) -> Wares:
    """What this home's account sells.

    Args:
        station: knows the chain; its home has the templates' texts.
        taken: the seller's settings.
        cores: that its engine gives one channel.

    Raises:
        SettingInvalid: neither an offer nor a template is set, or one that is another's.
        OfferUnknown, VersionUnknown, TemplateSwapped, TemplateInvalid: there is no such thing.
        RefusedInput: a text or file is missing or wrong.
    """
    offer = _read_offer(station, taken)
    version = offer.draft.template if offer else _read_version(taken)
    initiation = _read_template(station, version)
    settlement = _read_template(station, station.templates.version_of(version).settlement)
    did = station.did
    if not is_same(initiation.seller, did) or initiation.seller.identity != station.address:
        raise SettingInvalid(
            "is of another seller", who="template", had=initiation.seller, needed=did
        )
    return Wares(
        seller=did,
        account=station.address,
        key=station.address,
        initiation=initiation,
        settlement=settlement,
        price=_price_of(initiation, "unitPrice", offer.draft.price if offer else taken.price),
        first_price=_price_of(initiation, "firstPrice", taken.first_price),
        specification={"cores": max(1, cores), **_read_specification(taken)},
        offer=offer.id if offer else NO_OFFER,
    )


class PriceContradicted(RefusedInput):
    """An offer at another price than its template fixes."""


def check_offered(station: TradingStation, version: TemplateVersionId, price: Tokens) -> None:
    """Check the price of an offer by the text of its template, where this home has that.

    The chain knows a template by its hash alone, and takes any price; a seller with such an offer
    would not start, and nobody could buy of it.

    Args:
        station: knows the chain; of the seller.
        version: of the offer's template.
        price: of the offer.

    Raises:
        PriceContradicted: the template has another one.
        VersionUnknown: nobody registered it.
    """
    template = _find_text(station, station.templates.version_of(version).content_hash)
    fixed = None if template is None else _fixed_price(template, "unitPrice")
    if template is None or fixed is None or price == fixed:
        return
    raise PriceContradicted(
        "is none that its template allows",
        who="price of the offer",
        had=Amount(price),
        needed=f"{Amount(fixed)}, the unitPrice of {template.label}",
        remedy="Name that price, or register a version of the template with another one.",
    )


def read_controllers(taken: SellerSettings) -> tuple[Address, ...]:
    """Those that it takes; empty: any in good standing.

    Raises:
        RefusedInput: one is no account.
    """
    named = [each.strip() for each in taken.controllers.split(",")]
    return tuple(parse_address(each, who="trading.seller.controllers") for each in named if each)


def read_shown(wares: Wares, taken: SellerSettings) -> Mapping[Hash32, bytes]:
    """Texts that whoever asks by their Keccak-256 is shown: templates, and qualifications.

    Raises:
        RefusedInput: the folder of qualifications has too many files, or too long ones.
    """
    texts = [wares.initiation.text, wares.settlement.text]
    if taken.qualifications:
        folder = expand_home(taken.qualifications, who="trading.seller.qualifications")
        paths = sorted(path for path in folder.glob("*") if path.is_file())
        if len(paths) > MAX_QUALIFICATIONS:
            needed = f"<= {MAX_QUALIFICATIONS}"
            raise RefusedInput("has too many files", who=folder, had=len(paths), needed=needed)
        texts += [read_limited(path, MAX_SHOWN_BYTES).strip() for path in paths]
    return {keccak256(text): text for text in texts}


def _read_offer(station: TradingStation, taken: SellerSettings) -> Offer | None:
    if not taken.offer:
        return None
    offer = OfferId(parse_offer_id(taken.offer))
    found = station.offers.offer(offer)
    if found.seller != station.address:
        who = "trading.seller.offer"
        raise SettingInvalid("is another's", who=who, had=found.seller, needed=station.address)
    return found


def _read_version(taken: SellerSettings) -> TemplateVersionId:
    if taken.template:
        return parse_template_version_id(taken.template)
    raise SettingInvalid(
        "says not what is sold",
        who="trading.seller",
        needed="offer, or template and price",
        remedy="`edgemark config set trading.seller.offer ID`, or --trading-seller-offer for once.",
    )


def _read_template(station: TradingStation, version: TemplateVersionId) -> Template:
    """A template of this home, once it is the one that the chain has."""
    kept = station.templates.version_of(version)
    template = _find_text(station, kept.content_hash)
    if template is not None:
        check_named(template, version, who="trading.seller")
        return template
    raise TemplateSwapped(
        "has no text in this home",
        who=f"template version {version.hex()}",
        needed=f"the text whose Keccak-256 is {kept.content_hash.hex()}",
        remedy="`edgemark trading template register` puts it there; or copy the folder of content.",
    )


def _find_text(station: TradingStation, content_hash: Hash32) -> Template | None:
    """The template with this Keccak-256, where this home has its text."""
    for text in _texts_of(station.home / FOLDER, station):
        if keccak256(text) == content_hash:
            return open_anchored(text, content_hash)
    return None


def _texts_of(folder: Path, station: TradingStation) -> Iterator[bytes]:
    """Whatever lies in the folder of content and can be a template."""
    for path in sorted(folder.glob("*")):
        with suppress(RefusedInput, ContentMissing, Unrecoverable, OSError):
            if path.stat().st_size <= MAX_TEXT_BYTES:
                yield station.content.get(parse_cid(path.name))


def _price_of(template: Template, field: str, price: Tokens) -> Tokens:
    """A price, which a template that fixes it has to agree with.

    Raises:
        SettingInvalid: it does not.
    """
    fixed = _fixed_price(template, field)
    if fixed is None:
        return price
    if price not in (fixed, 0):
        who = f"template {template.label}, {field}"
        raise SettingInvalid("has another price", who=who, had=Amount(fixed), needed=Amount(price))
    return fixed


def _fixed_price(template: Template, field: str) -> Tokens | None:
    """A price that is the same in all credentials of a template; None: it leaves it open."""
    part = template.schema["properties"][field]
    return Tokens(int(part["const"])) if "const" in part else None


def _read_specification(taken: SellerSettings) -> Mapping[str, Any]:
    if not taken.specification:
        return {}
    path = expand_home(taken.specification, who="trading.seller.specification")
    raw = read_limited(path, MAX_TEXT_BYTES)
    told = parse_hashable(raw, who=str(path), most=MAX_TEXT_BYTES)
    if not isinstance(told, dict):
        raise RefusedInput("is no specification", who=path, needed="an object of JSON")
    return told
