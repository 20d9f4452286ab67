"""Offers by their beginning: never another seller's than the one that was meant."""

from __future__ import annotations

import pytest

from edgemark.cli.terminal.begun_ids import IdAmbiguous, Known, find_id
from edgemark.cli.trading.market.begun import OFFER, choose
from edgemark.identifiers import Address
from edgemark.systems.trading.contract.market.records import make_offer_id
from edgemark.systems.trading.identifiers import OfferId

SELLER, ALIKE, OTHER = (Address(f"0x{each:0<40}") for each in ("714bd3ba", "714bd3bf", "99"))
OLD, NEW, TRAP, FAR = (
    make_offer_id(*each) for each in ((SELLER, 1), (SELLER, 2), (ALIKE, 1), (OTHER, 1))
)


def find(typed: str, posted: list[OfferId], listed: set[OfferId]) -> OfferId:
    def list_ids() -> list[str]:
        return [each.hex() for each in choose(typed, posted, listed.__contains__)]

    return find_id(OFFER, typed, Known("this chain", list_ids))


@pytest.mark.parametrize("typed", ["714bd3", "0x714bd3ba", "714BD3"])
def test_beginning__is_the_offer_of_its_seller_that_is_listed(typed: str) -> None:
    assert find(typed, [OLD, NEW, FAR], {NEW, FAR}) == NEW
    assert find(typed, [OLD, FAR], set()) == OLD, "the chain says that it is gone"


def test_offer_that_begins_alike__takes_no_place_even_of_one_that_is_gone() -> None:
    with pytest.raises(IdAmbiguous):
        find("714bd3b", [OLD, NEW, TRAP], {TRAP})
    assert find("714bd3ba", [OLD, NEW, TRAP], {NEW, TRAP}) == NEW


def test_two_that_are_listed__are_named_both() -> None:
    with pytest.raises(IdAmbiguous) as refused:
        find("714bd3ba", [OLD, NEW], {OLD, NEW})
    assert OLD.hex() in str(refused.value)
