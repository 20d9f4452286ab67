"""T2, A56: templates of sellers; what is canonical, what a chain has of it, what is refused."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.templates.template_forms import (
    SELLER,
    STRANGER,
    STRATEGIES,
    claims_of_initiation,
    claims_of_settlement,
    draft_initiation,
    draft_settlement,
    text_of,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, Tokens
from edgemark.storage.cid import cid_of
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.templates.fields import Encryption, TemplateKind, parse_label
from edgemark.systems.trading.templates.initiation import InitiationClaims, parse_strategy
from edgemark.systems.trading.templates.schema import ClaimsRefused, SchemaRefused
from edgemark.systems.trading.templates.settlement import SettlementClaims
from edgemark.systems.trading.templates.strategies import Tier, Tiers, describe
from edgemark.systems.trading.templates.template import (
    FIELDS_OF,
    MAX_TEXT_BYTES,
    Template,
    TemplateInvalid,
    TemplateSwapped,
    check_named,
    check_pair,
    open_anchored,
    read_claims,
    read_template,
    take_claims,
)
from edgemark.untrusted.jcs import encode_jcs

TST = read_template(text_of(draft_settlement()))
TIT = read_template(text_of(draft_initiation()))


def test_template__says_what_it_is_and_has_one_canonical_form() -> None:
    schema = draft_initiation()
    assert (TIT.label.kind, TIT.label.name, TIT.label.version) == (
        TemplateKind.INITIATION,
        "products",
        1,
    )
    assert str(TIT.seller) == SELLER
    assert TIT.text == rfc8785.dumps(schema) == encode_jcs(schema)
    turned = dict(reversed(schema.items()))
    for raw in (text_of(turned), TIT.text, json.dumps(schema, ensure_ascii=False).encode()):
        assert read_template(raw) == TIT


def test_chain_and_storage__have_the_hashes_of_the_canonical_text() -> None:
    assert TIT.content_hash == keccak256(TIT.text)
    assert TIT.cid == cid_of(TIT.text)
    assert open_anchored(TIT.text, TIT.content_hash) == TIT
    assert len({TIT.content_hash, TST.content_hash, TIT.version_id, TST.version_id}) == 4


def test_version_id__is_of_the_sellers_account_the_name_and_the_version() -> None:
    word = bytes(12) + bytes.fromhex(SELLER[-40:])
    template = keccak256(word + b"products".ljust(32, b"\0"))
    assert TIT.version_id == keccak256(template + (1).to_bytes(32, "big"))
    later = read_template(text_of(draft_settlement(version=2)))
    assert later.version_id != TST.version_id
    assert later.content_hash != TST.content_hash


def test_initiation_claims__are_read_with_all_fields() -> None:
    claims = read_claims(text_of(claims_of_initiation(draft_initiation())), TIT)
    assert isinstance(claims, InitiationClaims)
    assert (claims.unit_price, claims.first_price, claims.credit) == (2000, 50, 10_000)
    assert (claims.interval_s, claims.cycles, claims.max_cycles, claims.grace_s) == (
        60,
        10,
        100,
        120,
    )
    assert claims.encryption is Encryption.NONE
    assert claims.strategy == Tiers((Tier(1000, 1000), Tier(5000, 700), Tier(None, 333)))
    assert claims.specification.others == {"region": "eu-1"}
    assert claims.settlement.content_hash == TST.content_hash


def test_settlement_claims__are_read_with_all_fields() -> None:
    claims = read_claims(text_of(claims_of_settlement()), TST)
    assert isinstance(claims, SettlementClaims)
    assert (claims.fee, claims.start, claims.end) == (2750, 1_800_000_000, 1_800_000_060)
    assert claims.readings.after == (1500,)


@pytest.mark.parametrize("name", STRATEGIES)
def test_t31_every_strategy__is_named_in_a_template_and_told_in_words(name: str) -> None:
    template = read_template(text_of(draft_initiation(strategy=name)))
    strategy = parse_strategy(template.constant("settlementStrategy"))
    assert name == strategy.NAME
    assert "unit price" in describe(strategy)


def test_t2_fields__are_all_of_the_page() -> None:
    """design/trading.md, "CPT templates": each field of TIT and TST, and which template it is."""
    names = {kind: [field.name for field in fields] for kind, fields in FIELDS_OF.items()}
    assert names[TemplateKind.INITIATION] == [
        "template", "seller", "buyer", "specification", "unitPrice", "settlementStrategy",
        "firstPrice", "settlementTemplate", "encryption", "intervalS", "cycles", "maxCycles",
        "graceS", "credit", "intervalCap",
    ]  # fmt: skip
    assert names[TemplateKind.SETTLEMENT] == [
        "template", "seller", "buyer", "fee", "start", "end", "readings", "encryption",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", FIELDS_OF)
def test_template_without_a_field__is_refused_with_its_name(kind: TemplateKind) -> None:
    draft = draft_initiation if kind is TemplateKind.INITIATION else draft_settlement
    for field in FIELDS_OF[kind]:
        for place in ("properties", "required"):
            schema = draft()
            if place == "properties":
                del schema["properties"][field.name]
            schema["required"].remove(field.name)
            with pytest.raises(RefusedInput) as refused:
                read_template(text_of(schema))
            assert field.name in str(refused.value) or field.name == "template"


@pytest.mark.parametrize("kind", FIELDS_OF)
def test_what_the_seller_sells__is_constant_in_its_template(kind: TemplateKind) -> None:
    draft = draft_initiation if kind is TemplateKind.INITIATION else draft_settlement
    open_to_all = {
        "object": {"properties": {}, "additionalProperties": False},
        "string": {"maxLength": 9},
    }
    for field in FIELDS_OF[kind]:
        schema = draft()
        opened = {"type": field.kind, **open_to_all.get(field.kind, {})}
        schema["properties"][field.name] = opened
        if field.is_fixed:
            with pytest.raises(TemplateInvalid):
                read_template(text_of(schema))
        else:
            read_template(text_of(schema))
            schema["properties"][field.name] = {"type": "boolean"}
            with pytest.raises(SchemaRefused, match="another type"):
                read_template(text_of(schema))


@pytest.mark.parametrize(
    ("name", "constant"),
    [
        ("template", {"kind": "initiation", "name": "products"}),
        ("template", {"kind": "initiation", "name": "p" * 33, "version": 1}),
        ("template", {"kind": "initiation", "name": "products-", "version": 1}),
        ("template", {"kind": "barter", "name": "products", "version": 1}),
        ("template", {"kind": "initiation", "name": "products", "version": 2**32}),
        ("seller", "did:web:seller.example"),
        ("seller", ""),
        ("settlementStrategy", {"name": "haggling"}),
        ("settlementStrategy", {"name": "flat", "discount": 5}),
        ("settlementStrategy", {"name": "tiers", "tiers": []}),
        (
            "settlementStrategy",
            {"name": "tiers", "tiers": [{"upTo": 5, "weight": 1}, {"weight": 1}]},
        ),
        ("settlementStrategy", {"name": "bonus", "every": "0", "free": "1"}),
        ("settlementStrategy", {"name": "time-of-day", "bands": [{"begins": 60, "weight": 1}]}),
        ("settlementStrategy", "metered"),
        ("settlementTemplate", {"version": 1}),
        ("settlementTemplate", {"version": 1, "contentHash": "0x" + "AB" * 32}),
        ("maxCycles", 0),
        ("maxCycles", "100"),
        ("unitPrice", 2000),
    ],
    ids=str,
)
def test_constant_that_is_no_such_thing__is_refused(name: str, constant: Any) -> None:
    schema = draft_initiation()
    schema["properties"][name] = {"const": constant}
    with pytest.raises(TemplateInvalid):
        read_template(text_of(schema))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'"products"',
        b"{",
        b"[" * 60_000,
        b'{"a":' * 9_000,
        b'{"type": "object", "type": "object"}',
        b'{"n": 1.5}',
        b'{"n": 1e3}',
        b'{"n": NaN}',
        b'{"n": 9007199254740992}',
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud800"}',
        b" " * (MAX_TEXT_BYTES + 1),
    ],
    ids=lambda raw: raw[:24],
)
def test_text_that_is_no_template__is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_template(raw, who="template of a stranger")
    assert "template of a stranger" in str(refused.value)


def test_a56_name_twice__is_refused_deep_in_a_template_too() -> None:
    raw = TIT.text.replace(b'"maxCycles":{"const":100}', b'"maxCycles":{"const":100,"const":1000}')
    assert raw != TIT.text
    with pytest.raises(TemplateInvalid, match="a name twice"):
        read_template(raw)


def test_a56_template_swapped_for_another__is_refused_by_hash_version_and_name() -> None:
    """A seller that shows one TST and settles by another: cheaper to agree to, dearer to pay."""
    swapped = draft_settlement()
    swapped["title"] = "Products of polynomials, an interval."
    other = read_template(text_of(swapped))
    assert other.label == TST.label
    with pytest.raises(TemplateSwapped):
        open_anchored(other.text, TST.content_hash)
    with pytest.raises(TemplateSwapped, match="text"):
        check_pair(TIT, other)
    check_pair(TIT, TST)


def test_a56_later_version_or_another_kind__is_no_template_of_the_pair() -> None:
    for other in (read_template(text_of(draft_settlement(version=2))), TIT):
        with pytest.raises(TemplateSwapped):
            check_pair(TIT, other)
    with pytest.raises(TemplateSwapped, match="names no settlement template"):
        check_pair(TST, TST)


def test_a56_settlement_template_of_a_stranger__is_refused() -> None:
    schema = draft_settlement()
    schema["properties"]["seller"]["const"] = STRANGER
    foreign = read_template(text_of(schema))
    naming = read_template(text_of(draft_initiation(foreign)))
    with pytest.raises(TemplateSwapped, match="another seller"):
        check_pair(naming, foreign)


def test_pair_of_one_name__is_refused_for_a_chain_has_one_kind_of_a_name() -> None:
    same = read_template(text_of(draft_settlement(name="products")))
    assert same.version_id == TIT.version_id
    with pytest.raises(TemplateInvalid, match="another name"):
        check_pair(read_template(text_of(draft_initiation(same))), same)


def test_a56_voucher_that_names_another_template__is_refused() -> None:
    voucher = Voucher(1, Tokens(5), TST.version_id, "0x" + "11" * 20)  # type: ignore[arg-type]
    check_named(TST, voucher.template_hash, who="voucher")
    later = read_template(text_of(draft_settlement(version=2)))
    for other in (TIT, later):
        with pytest.raises(TemplateSwapped, match="voucher"):
            check_named(other, voucher.template_hash, who="voucher")


def test_a56_claims_of_another_template_or_version__are_refused() -> None:
    for kind, version in (("settlement", 2), ("initiation", 1)):
        label = {"kind": kind, "name": "products-settled", "version": version}
        with pytest.raises(ClaimsRefused):
            take_claims(claims_of_settlement(template=label), TST)
    with pytest.raises(ClaimsRefused):
        take_claims(claims_of_settlement(seller=STRANGER), TST)


def test_the_very_text_in_another_form__is_not_what_a_chain_has() -> None:
    raw = text_of(draft_settlement())
    with pytest.raises(TemplateInvalid, match="not canonical"):
        open_anchored(raw, keccak256(raw))
    with pytest.raises(TemplateSwapped):
        open_anchored(raw, TST.content_hash)
    with pytest.raises(TemplateSwapped):
        open_anchored(b"", Hash32(bytes(32)))


@pytest.mark.parametrize(
    "changed",
    [
        {"unitPrice": 2000},
        {"unitPrice": "2e3"},
        {"unitPrice": "9" * 39},
        {"intervalS": 0},
        {"intervalS": 301},
        {"intervalS": True},
        {"cycles": 0},
        {"cycles": 101},  # above the template's maximum
        {"maxCycles": 1000},
        {"graceS": 3601},
        {"encryption": "pgp"},
        {"buyer": SELLER},
        {"buyer": SELLER.lower().replace("0xd41c", "0xD41C")},
        {"settlementStrategy": STRATEGIES["metered"]},
        {"specification": {"meter": "products", "per": "1000", "cores": 65, "region": "eu-1"}},
        {"specification": {"meter": "products", "per": "1000", "cores": 4, "region": "europe"}},
        {"specification": {"meter": "products", "per": "1000", "cores": 4, "region": "eu-1\n"}},
        {"specification": {"meter": "products", "per": "1000", "cores": 4}},
        {"specification": {"meter": "watts", "per": "1000", "cores": 4, "region": "eu-1"}},
        {"discount": 5},
    ],
    ids=str,
)
def test_initiation_claims_that_do_not_fit__are_refused(changed: dict[str, Any]) -> None:
    claims = claims_of_initiation(draft_initiation(), **changed)
    with pytest.raises(RefusedInput):
        take_claims(claims, TIT)


def test_flat_strategy__counts_seconds_and_nothing_else() -> None:
    schema = draft_initiation(strategy="flat")
    take_claims(claims_of_initiation(schema), read_template(text_of(schema)))
    schema["properties"]["specification"]["properties"]["meter"] = {"const": "products"}
    with pytest.raises(ClaimsRefused, match="flat"):
        take_claims(claims_of_initiation(schema), read_template(text_of(schema)))


def test_unit_of_nothing__is_refused() -> None:
    schema = draft_initiation()
    schema["properties"]["specification"]["properties"]["per"] = {"const": "0"}
    claims = claims_of_initiation(schema)
    claims["specification"]["per"] = "0"
    with pytest.raises(RefusedInput, match="per"):
        take_claims(claims, read_template(text_of(schema)))


@given(st.data())
def test_claims_of_a_stranger__are_read_or_refused_by_type(data: st.DataObject) -> None:
    """Any JSON in place of any field."""
    leaves = st.one_of(st.none(), st.booleans(), st.integers(-5, 2**53 - 1), st.text(max_size=8))
    values = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    )
    template, whole = data.draw(
        st.sampled_from(
            [(TIT, claims_of_initiation(draft_initiation())), (TST, claims_of_settlement())]
        )
    )
    claims = deepcopy(whole)
    claims[data.draw(st.sampled_from(sorted(claims)))] = data.draw(values)
    try:
        take_claims(claims, template)
    except RefusedInput as refused:
        assert refused.what


def test_label__is_told_with_kind_and_version() -> None:
    label = parse_label({"kind": "settlement", "name": "cpu-hours", "version": 3})
    assert str(label) == "cpu-hours 3 (settlement)"


def test_template__is_a_value() -> None:
    assert isinstance(TIT, Template)
    assert read_template(TIT.text) == TIT
    assert TIT != TST
