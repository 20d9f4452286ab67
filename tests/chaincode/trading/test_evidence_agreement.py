"""Whose word makes parameters stand, and what one organisation alone gains at every ending."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from tests.chaincode.trading.chaincode_trade import DOMAINS, THIEF

from edgemark.identifiers import Timestamp
from edgemark.systems.trading.contract.consortium.agreement import (
    MAX_DIFFERENCES,
    compute_agreement,
    least_of,
    list_differences,
    order_of,
)
from edgemark.systems.trading.contract.consortium.parameters import Parameters

FAIR = Parameters((DOMAINS,), ("Org1MSP", "Org2MSP"))
OF_A_THIEF = replace(DOMAINS, escrow=THIEF.address)


def members(count: int) -> list[str]:
    return [f"Org{number}MSP" for number in range(1, count + 1)]


def stands(wanted: Parameters, said: dict[str, Parameters | None], count: int) -> bool:
    """As the chaincode asks: one after the other, until it suffices."""
    asked: dict[str, Parameters | None] = {}
    for name in order_of(next(iter(said)), wanted, members(count)):
        asked[name] = said.get(name)
        if compute_agreement(wanted, asked, members(count)).stands:
            return True
    return False


@pytest.mark.parametrize("count", range(2, 8))
@pytest.mark.parametrize("named", ["itself", "all", "another"])
def test_one_organisation_alone__never_makes_its_parameters_stand(count: int, named: str) -> None:
    names = {"itself": ["Org1MSP"], "all": members(count), "another": ["Org2MSP"]}[named]
    hostile = Parameters((OF_A_THIEF,), tuple(names))
    for others in product((None, FAIR), repeat=min(count - 1, 4)):
        said = {"Org1MSP": hostile, **dict(zip(members(count)[1:], others, strict=False))}
        assert not stands(hostile, said, count)


@pytest.mark.parametrize("count", range(1, 8))
def test_parameters__stand_with_most_of_the_channel_and_with_all_that_they_name(count: int) -> None:
    every = members(count)
    for named in range(1, count + 1):
        wanted = Parameters((DOMAINS,), tuple(every[:named]))
        for agreeing in range(1, count + 1):
            said: dict[str, Parameters | None] = dict.fromkeys(every[:agreeing], wanted)
            is_enough = agreeing >= named and agreeing >= least_of(every)
            assert stands(wanted, said, count) is is_enough


@pytest.mark.parametrize("hostile", [None, Parameters((OF_A_THIEF,), ("Org3MSP",))])
def test_others__do_without_one_that_is_silent_or_says_others(hostile: Parameters | None) -> None:
    said = {"Org1MSP": FAIR, "Org2MSP": FAIR, "Org3MSP": hostile}
    assert stands(FAIR, said, 3)
    asked = compute_agreement(FAIR, {"Org1MSP": FAIR, "Org2MSP": FAIR}, members(3))
    assert asked.stands  # without a look at the third


def test_agreement__says_whose_word_is_missing_and_where_others_differ() -> None:
    other = Parameters((OF_A_THIEF,), FAIR.organisations, Timestamp(9))
    found = compute_agreement(FAIR, {"Org4MSP": FAIR, "Org2MSP": other}, members(5))
    assert (found.agreed, found.named, found.more) == (("Org4MSP",), ("Org1MSP", "Org2MSP"), 0)
    assert [each.parts for each in found.differing] == [("domains[0].escrow", "anchor_until")]
    assert not found.stands


def test_differences__are_the_parts_and_no_more_than_a_few() -> None:
    assert list_differences(FAIR, FAIR) == ()
    swapped = replace(FAIR, organisations=("Org2MSP", "Org1MSP"))
    assert list_differences(swapped, FAIR) == ("organisations[0]", "organisations[1]")
    longer = replace(FAIR, domains=(DOMAINS, OF_A_THIEF))
    assert list_differences(longer, FAIR) == ("domains",)
    many = [f"Org{number}MSP" for number in range(20)]
    names = replace(FAIR, organisations=tuple(many))
    assert len(list_differences(names, replace(names, organisations=tuple(many[::-1])))) == (
        MAX_DIFFERENCES
    )
