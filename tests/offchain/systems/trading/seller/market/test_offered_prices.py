"""An offer's price beside the one that its template fixes, by the text that the home has of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.templates.template_forms import draft_initiation, text_of

from edgemark.amounts import Amount
from edgemark.identifiers import Tokens
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.seller.market.wares import PriceContradicted, check_offered
from edgemark.systems.trading.station.templates import FOLDER
from edgemark.systems.trading.templates.template import Template, read_template

FIXED = 2 * 10**15


def draft(price: str | None) -> Template:
    """A template whose price is this, or open."""
    schema = draft_initiation()
    if price is not None:
        schema["properties"]["unitPrice"] = {"const": price}
    return read_template(text_of(schema))


def station_of(home: Path, template: Template, *, has_text: bool = True) -> Any:
    """What the check reads: the registry has a version's hash, the home perhaps its text."""
    content = LocalStore(home / FOLDER)
    if has_text:
        content.put(template.text)
    kept = SimpleNamespace(content_hash=template.content_hash)
    registry = SimpleNamespace(version_of=lambda _: kept)
    return SimpleNamespace(home=home, content=content, templates=registry)


@pytest.mark.parametrize("price", [1, FIXED - 1, FIXED + 1, 3 * 10**15])
def test_a_price_that_the_template_contradicts__is_refused_with_the_one_that_it_has(
    tmp_path: Path, price: int
) -> None:
    template = draft(str(FIXED))
    station = station_of(tmp_path, template)
    with pytest.raises(PriceContradicted, match=r"needed 0.002 MTC") as refused:
        check_offered(station, template.version_id, Tokens(price))
    assert refused.value.had == Amount(Tokens(price))
    assert str(template.label) in str(refused.value)
    check_offered(station, template.version_id, Tokens(FIXED))


def test_a_price_that_the_template_leaves_open__is_taken(tmp_path: Path) -> None:
    template = draft(None)
    check_offered(station_of(tmp_path, template), template.version_id, Tokens(7))


def test_a_template_whose_text_is_elsewhere__is_not_read(tmp_path: Path) -> None:
    template = draft(str(FIXED))
    station = station_of(tmp_path, template, has_text=False)
    check_offered(station, template.version_id, Tokens(7))
