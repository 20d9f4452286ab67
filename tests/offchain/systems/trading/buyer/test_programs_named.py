"""A program that a user names, found on its seller's list; a list is a stranger's word."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.work.work_cast import LIMITS, entry, write_list

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.identity.did.identifier import make_did
from edgemark.systems.trading.buyer.market.choosing import SellerPlace
from edgemark.systems.trading.buyer.market.programs import (
    Listed,
    ProgramNotListed,
    Run,
    check_named,
    find_program,
    read_listed,
)
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.work.programs import MAX_PROGRAMS, parse_programs
from edgemark.transport.faults import AnswerMalformed

PROGRAMS = list(parse_programs(write_list(entry("one", "cat"), entry("two", "wc"))).values())
ONE = PROGRAMS[0]
US = 1_000_000


class Seller(SellerPlace):
    """A fake, for it shows whatever a test wants shown."""

    def get(self, station: TradingStation, path: str, *, most: int) -> bytes:
        assert (station, path) == (None, "/v1/status")
        assert most >= len(self.endpoint)
        return self.endpoint.encode()


def find(named: str, status: object = None) -> Listed:
    told = {"programs": [each.describe() for each in PROGRAMS]} if status is None else status
    did = make_did(1, Address("0x" + "ab" * 20))
    place = Seller(did, json.dumps(told), b"")
    return find_program(cast(TradingStation, None), place, named)


@pytest.mark.parametrize("named", ["one", ONE.id.hex(), "0x" + ONE.id.hex().upper()])
def test_a_program__is_found_by_name_and_by_digest(named: str) -> None:
    assert check_named(named) == named
    found = find(named)
    assert (found.name, found.digest) == ("one", ONE.id)
    assert (found.data_bytes, found.output_bytes) == (ONE.data_bytes, LIMITS.output_bytes)


def test_a_program_that_is_not_listed__is_refused_with_those_that_are() -> None:
    for named in ("three", "ab" * 32):
        with pytest.raises(ProgramNotListed, match="one, two"):
            find(named)


@pytest.mark.parametrize("named", ["", "One", "../one", "ab" * 31, "a" * 41, "-one"])
def test_what_is_neither_name_nor_digest__is_refused(named: str) -> None:
    with pytest.raises(RefusedInput, match="is no program"):
        check_named(named)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "One"},
        {"digest": "ab"},
        {"digest": "x" * 64},
        {"data_bytes": -1},
        {"output_bytes": 2**60},
        {"output_bytes": True},
        {"cpu_s": "1"},
    ],
)
def test_a_list_that_is_none__is_the_sellers_fault(changes: dict[str, Any]) -> None:
    with pytest.raises(AnswerMalformed):
        find("one", {"programs": [{**ONE.describe(), **changes}]})


@pytest.mark.parametrize(
    "status",
    [
        [],
        {},
        {"programs": {}},
        {"programs": ["one"]},
        {"programs": [ONE.describe()] * (MAX_PROGRAMS + 1)},
    ],
)
def test_a_status_without_a_list__is_the_sellers_fault(status: object) -> None:
    with pytest.raises(AnswerMalformed):
        find("one", status)


def test_an_order__asks_for_no_more_than_the_program_can_use() -> None:
    listed = find("one")
    wanted = Run("one", b"data", 3600 * US).of(listed)
    assert (wanted.what, wanted.most) == (ONE.id, (LIMITS.cpu_s * US,))
    assert wanted.count(Meter.BYTES) == [len(b"data") + LIMITS.output_bytes]
    assert Run("one", b"", 2 * US).of(listed).count(Meter.CPU_MILLISECONDS) == [2000]


def test_data_beyond_what_the_program_takes__are_refused_before_they_are_sent() -> None:
    with pytest.raises(RefusedInput, match="are too long"):
        Run("one", bytes(ONE.data_bytes + 1), US).of(find("one"))


def test_the_list_of_a_status__is_read_whole_and_in_its_order() -> None:
    raw = json.dumps({"programs": [each.describe() for each in PROGRAMS], "role": "seller"})
    assert [each.digest for each in read_listed(raw.encode())] == [each.id for each in PROGRAMS]
