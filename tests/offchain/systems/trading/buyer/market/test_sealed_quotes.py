"""A quote whose claims were to be sealed is opened, or refused by name; nothing was signed then."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.systems.trading.credentials.asking_cast import draft_request
from tests.offchain.systems.trading.credentials.trade_cast import (
    PARTIES,
    STRANGER,
    TIT_SCHEMA,
    did_of,
    initiate,
)
from tests.offchain.systems.trading.station.post.test_sealing_attacks import RANDOM, Pair, pair
from tests.offchain.systems.trading.templates.template_forms import claims_of_initiation

from edgemark.errors import EdgemarkError
from edgemark.identity.credentials.jose.encryption import AgreementKey, Reader, SealBroken
from edgemark.systems.trading.buyer.market.asking import NotOffered, choose_encryption, open_quoted
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.payloads import PayloadInvalid
from edgemark.systems.trading.credentials.sealing import TravelsOtherwise, seal
from edgemark.systems.trading.protocol.asking.quotes import QuoteStrange
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.templates.template import Template, read_template

__all__ = ["pair"]  # the fixture

REQUEST = draft_request(encryption=Encryption.JWE)
CLAIMS = claims_of_initiation(TIT_SCHEMA, **PARTIES, encryption="jwe")


def test_quote_for_these_keys__is_opened_by_its_buyer(pair: Pair) -> None:
    opened = open_quoted(pair.seals[Role.BUYER], REQUEST, pair.deal.signed, pair.deal.readers)
    assert opened == CLAIMS


def test_a56_quote_in_the_clear__is_none_where_sealed_was_asked_for(pair: Pair) -> None:
    buyer = pair.seals[Role.BUYER]
    for claims in ({}, {"encryption": "jwe"}):
        with pytest.raises(TravelsOtherwise):
            open_quoted(buyer, REQUEST, initiate(**claims), pair.deal.readers)
    with pytest.raises(TravelsOtherwise):
        open_quoted(buyer, draft_request(), pair.deal.signed, ())


def test_a56_quote_for_other_keys__is_refused_by_name(pair: Pair) -> None:
    seller, buyer = pair.deal.readers
    stranger = AgreementKey(bytes([9]) * 32).public_key
    cases: list[tuple[list[Reader], type[EdgemarkError]]] = [
        ([seller], PayloadInvalid),
        ([seller, buyer, Reader(f"{did_of(STRANGER)}#k", stranger)], PayloadInvalid),
        ([seller, Reader(f"{did_of(STRANGER)}#k", buyer.key)], PayloadInvalid),
        ([seller, Reader(f"{buyer.kid}0", buyer.key)], QuoteStrange),
        ([seller, Reader(buyer.kid, stranger)], SealBroken),
    ]
    for readers, error in cases:
        signed = initiate(seal(CLAIMS, readers, RANDOM))
        with pytest.raises(error):
            open_quoted(pair.seals[Role.BUYER], REQUEST, signed, pair.deal.readers)


def ways(template: Template, part: dict[str, Any]) -> Template:
    """The template with other ways for claims to travel."""
    schema = dict(template.schema)
    schema["properties"] = {**schema["properties"], "encryption": part}
    return Template(template.label, template.seller, schema, read_template(template.text).text)


@pytest.mark.parametrize(
    ("initiation", "settlement", "is_sealed", "found"),
    [
        ({"enum": ["none", "jwe"]}, {"enum": ["none", "jwe"]}, False, Encryption.NONE),
        ({"enum": ["none", "jwe"]}, {"enum": ["none", "jwe"]}, True, Encryption.JWE),
        ({"const": "jwe"}, {"enum": ["none", "jwe"]}, False, Encryption.JWE),
        ({"enum": ["none", "jwe"]}, {"const": "jwe"}, False, Encryption.JWE),
        ({"type": "string"}, {"const": "jwe"}, False, Encryption.JWE),
        ({"const": "none"}, {"const": "none"}, True, None),
        ({"const": "none"}, {"const": "jwe"}, False, None),
        ({"enum": ["rot13"]}, {"enum": ["rot13"]}, False, None),
    ],
)
def test_way_of_claims__is_one_that_both_templates_take(
    pair: Pair, initiation: Any, settlement: Any, is_sealed: bool, found: Encryption | None
) -> None:
    had = pair.deal.templates
    both = object.__new__(Templates)  # a pair is checked by its hashes, which others have here
    object.__setattr__(both, "initiation", ways(had.initiation, initiation))
    object.__setattr__(both, "settlement", ways(had.settlement, settlement))
    if found is None:
        with pytest.raises(NotOffered):
            choose_encryption(both, is_sealed=is_sealed)
    else:
        assert choose_encryption(both, is_sealed=is_sealed) is found
