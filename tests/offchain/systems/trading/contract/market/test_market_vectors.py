"""`tests/vectors/market_of_trading.json`, recomputed: ids of templates, versions and offers.

The file was made with eth-abi and eth-utils; the contracts compute the same in
`tests/contracts/trading/test_templates.py` and `test_offers.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.templates.template_forms import (
    draft_initiation,
    draft_settlement,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.systems.trading.contract.market.records import (
    MAX_LOCATOR_BYTES,
    TemplateDraft,
    compute_category,
    make_offer_id,
    seller_of,
)
from edgemark.systems.trading.identifiers import (
    compute_template_id,
    compute_version_id,
    pack_name,
    parse_offer_id,
    parse_template_version_id,
)
from edgemark.systems.trading.templates.template import read_template
from edgemark.untrusted.jcs import encode_jcs

PATH = Path(__file__).resolve().parents[5] / "vectors" / "market_of_trading.json"


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(PATH.read_text())
    return facts


def test_ids_of_template_version_and_offer__are_the_vectors(vectors: dict[str, Any]) -> None:
    registrant = Address(vectors["registrant"])
    template = compute_template_id(registrant, vectors["name"])
    version = compute_version_id(template, vectors["number"])
    offer = make_offer_id(registrant, vectors["offerNumber"])
    assert "0x" + pack_name(vectors["name"]).hex() == vectors["nameWord"]
    assert "0x" + template.hex() == vectors["template"]
    assert version == parse_template_version_id(vectors["version"])
    assert offer == parse_offer_id(vectors["offer"])
    assert seller_of(offer) == registrant
    assert "0x" + compute_category(vectors["category"]).hex() == vectors["categoryHash"]


def test_draft_of_a_template__is_what_its_text_says() -> None:
    """T2: the registry gets the hash, the length and the CID of the canonical text."""
    settlement = read_template(encode_jcs(draft_settlement()))
    initiation = read_template(encode_jcs(draft_initiation()))
    draft = TemplateDraft.of(initiation, settlement.version_id)
    assert draft.content_hash == keccak256(initiation.text)
    assert (draft.text_bytes, draft.locator) == (len(initiation.text), str(initiation.cid))
    assert len(draft.locator) <= MAX_LOCATOR_BYTES
    template = compute_template_id(initiation.seller.identity, draft.name)
    assert compute_version_id(template, draft.number) == initiation.version_id
    assert draft.as_abi()[1] == 1
    assert TemplateDraft.of(settlement).as_abi()[1] == 2


@pytest.mark.parametrize("name", ["", "n" * 33, "näme", "a\nb", "\0"])
def test_name_of_a_template__that_is_no_short_ascii__is_refused(name: str) -> None:
    with pytest.raises(RefusedInput, match="no name of a template"):
        pack_name(name)


def test_id_of_another_length__is_refused() -> None:
    for parse in (parse_offer_id, parse_template_version_id):
        with pytest.raises(RefusedInput, match="id"):
            parse("0x12")
