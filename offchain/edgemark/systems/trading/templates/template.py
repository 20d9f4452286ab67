"""One claim template: its text, who registers it, and what a chain has of it. Pure.

Source: EFSC IV-B.2, "CPT template"; RFC 8785 for the canonical form.

A template is the JSON Schema of claims. What the seller sells is constant in it: which template it
is, by whom, the strategy, the settlement template, the most that N may be. A chain has

    content hash = keccak256(text)           that the registry keeps of a version
    template id  = keccak256(abi.encode(account of the seller, name))
    version id   = keccak256(abi.encode(template id, version))   in terms, vouchers and offers

and content storage the text, under its CID. Text is canonical, so one template has one of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.identity.did.identifier import Did, is_same
from edgemark.storage.cid import Cid, cid_of
from edgemark.systems.trading.identifiers import (
    TemplateVersionId,
    compute_template_id,
    compute_version_id,
)
from edgemark.systems.trading.templates import initiation, settlement
from edgemark.systems.trading.templates.fields import Encryption, Field, Label, TemplateKind
from edgemark.systems.trading.templates.initiation import (
    InitiationClaims,
    check_open,
    parse_initiation,
    parse_settlement_template,
)
from edgemark.systems.trading.templates.schema import SchemaRefused, check_claims, check_schema
from edgemark.systems.trading.templates.settlement import SettlementClaims, parse_settlement
from edgemark.untrusted.jcs import encode_jcs, parse_hashable

MAX_TEXT_BYTES = 2**16  # that a registry takes; a block of storage holds four times as much
MAX_CLAIMS_BYTES = 2**16  # of one credential, whatever a broker lets through
FIELDS_OF = {
    TemplateKind.INITIATION: initiation.FIELDS,
    TemplateKind.SETTLEMENT: settlement.FIELDS,
}


class TemplateInvalid(RefusedInput):
    """A text is no claim template."""


class TemplateSwapped(RefusedInput):
    """A template is another than the one that was agreed to, or that a chain has."""


@dataclass(frozen=True)
class Template:
    """A claim template that was checked.

    Attributes:
        label: kind, name and version.
        seller: who registers it.
        schema: of the claims.
        text: its canonical form, which is hashed.
    """

    label: Label
    seller: Did
    schema: Mapping[str, Any]
    text: bytes

    @cached_property
    def content_hash(self) -> Hash32:
        """Keccak-256 of the text."""
        return keccak256(self.text)

    @cached_property
    def cid(self) -> Cid:
        """Under which content storage has the text."""
        return cid_of(self.text)

    @cached_property
    def version_id(self) -> TemplateVersionId:
        """How terms of channels, vouchers and offers name it, by the account of its seller."""
        template = compute_template_id(self.seller.identity, self.label.name)
        return compute_version_id(template, self.label.version)

    def constant(self, name: str) -> Any:
        """The value that the template gives a field of the seller's choice."""
        return self.schema["properties"][name]["const"]


def read_template(raw: bytes, *, who: object = "template") -> Template:
    """The template of a text, which need not be canonical.

    Raises:
        TemplateInvalid: not JSON that can be hashed, or a field that every template has is missing,
            of another type, or not constant.
        SchemaRefused: more of JSON Schema than is safe, see `schema`.
    """
    schema = parse_hashable(raw, who=who, most=MAX_TEXT_BYTES, refusal=TemplateInvalid)
    check_schema(schema, who=who)
    properties = schema.get("properties", {})
    try:
        label = initiation.FIELDS[0].parse(properties["template"]["const"])
    except (KeyError, TypeError):
        needed = "properties/template/const: kind, name, version"
        raise TemplateInvalid("does not say what it is", who=who, needed=needed) from None
    except RefusedInput as error:
        raise TemplateInvalid(error.what, who=who, had=error.had, needed=error.needed) from None
    for field in FIELDS_OF[label.kind]:
        _check_field(schema, field, who)
    seller = initiation.FIELDS[1].parse(properties["seller"]["const"])
    text = encode_jcs(schema)
    if len(text) > MAX_TEXT_BYTES:
        had, needed = f"{len(text)} bytes", f"<= {MAX_TEXT_BYTES} bytes"
        raise TemplateInvalid("is too large in its canonical form", who=who, had=had, needed=needed)
    return Template(label, seller, schema, text)


def open_anchored(raw: bytes, content_hash: Hash32, *, who: object = "template") -> Template:
    """The template of a text that somebody handed over, once it is what a chain has.

    Args:
        raw: from content storage, a peer, a file.
        content_hash: that the registry keeps of the version.
        who: what it is called in errors.

    Raises:
        TemplateSwapped: another text.
        TemplateInvalid: the very text, but none that is canonical, or no template.
        SchemaRefused: as `read_template`.
    """
    had = keccak256(raw)
    if had != content_hash:
        raise TemplateSwapped(
            "is another than the chain has", who=who, had=had, needed=content_hash
        )
    template = read_template(raw, who=who)
    if template.text != raw:
        raise TemplateInvalid("is not canonical", who=who, needed="the form of RFC 8785")
    return template


def read_claims(raw: bytes, template: Template) -> InitiationClaims | SettlementClaims:
    """The claims of a text, checked against their template and against what every template has.

    Raises:
        TemplateSwapped: of another template, version or seller.
        RefusedInput: not JSON, not what the template asks for, or fields that do not go together.
    """
    claims = parse_hashable(raw, who="claims", most=MAX_CLAIMS_BYTES)
    return take_claims(claims, template)


def take_claims(claims: Any, template: Template) -> InitiationClaims | SettlementClaims:
    """As `read_claims`, of JSON that `parse_hashable` let pass."""
    check_claims(claims, template.schema, who="claims")
    if template.label.kind is TemplateKind.INITIATION:
        return parse_initiation(claims)
    return parse_settlement(claims)


def list_ways(template: Template) -> tuple[Encryption, ...]:
    """How claims may travel by a template; other ways than ours are left out."""
    part = template.schema["properties"]["encryption"]
    named = [part["const"]] if "const" in part else part.get("enum")
    return tuple(each for each in Encryption if named is None or each.value in named)


def check_pair(initiation_template: Template, settlement_template: Template) -> None:
    """Check that a settlement template is the one that an initiation template names.

    Raises:
        TemplateSwapped: another text, version, kind, or of another seller.
        TemplateInvalid: both have one name.
    """
    if initiation_template.label.kind is not TemplateKind.INITIATION:
        raise TemplateSwapped(
            "names no settlement template",
            who=f"template {initiation_template.label}",
            had=initiation_template.label.kind.value,
            needed=TemplateKind.INITIATION.value,
        )
    named = parse_settlement_template(initiation_template.constant("settlementTemplate"))
    who = f"template {settlement_template.label}"
    for what, had, needed in (
        ("kind", settlement_template.label.kind.value, TemplateKind.SETTLEMENT.value),
        ("text", settlement_template.content_hash, named.content_hash),
        ("version", settlement_template.label.version, named.version),
    ):
        if had != needed:
            raise TemplateSwapped(
                f"is not the settlement template of {initiation_template.label}",
                who=f"{who}, {what}",
                had=had,
                needed=needed,
            )
    if settlement_template.label.name == initiation_template.label.name:
        needed_name = "another name: on a chain a name is of templates of one kind"
        raise TemplateInvalid("has its initiation template's name", who=who, needed=needed_name)
    if not is_same(settlement_template.seller, initiation_template.seller):
        needed_did = initiation_template.seller
        raise TemplateSwapped(
            "is of another seller", who=who, had=settlement_template.seller, needed=needed_did
        )


def check_named(template: Template, version_id: TemplateVersionId | Hash32, *, who: object) -> None:
    """Check that terms, a voucher or an offer name this very template.

    Args:
        template: that somebody shows.
        version_id: that stands there.
        who: where it stands, for the error.

    Raises:
        TemplateSwapped: they name another.
    """
    if template.version_id != version_id:
        what = f"names another template than {template.label}"
        raise TemplateSwapped(what, who=who, had=version_id, needed=template.version_id)


def _check_field(schema: Mapping[str, Any], field: Field, who: object) -> None:
    """Check that a template has a field, makes it due, and lets it be what it is."""
    place = f"{who}/properties/{field.name}"
    part = schema.get("properties", {}).get(field.name)
    if part is None or field.name not in schema.get("required", ()):
        needed = f"{field.name} among properties and required: {field.meaning}"
        raise TemplateInvalid("lacks a field", who=who, needed=needed)
    if field.is_fixed and "const" not in part:
        needed = f"const: {field.meaning}"
        raise TemplateInvalid("is left open", who=place, needed=needed)
    try:
        if "const" in part:
            field.parse(part["const"])
        elif field.name == "specification":
            check_open(part)
    except RefusedInput as error:
        raise TemplateInvalid(error.what, who=place, had=error.had, needed=error.needed) from None
    if not {"const", "enum"} & part.keys() and part.get("type") != field.kind:
        raise SchemaRefused("has another type", who=place, had=part.get("type"), needed=field.kind)
