"""Ids may be typed by their beginning (R18), where exactly one that is known begins so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stage.command_line import edgemark_here
from tests.stage.desk import check_refused

from edgemark.cli.outsourcing.naming import Naming
from edgemark.cli.terminal.begun_ids import (
    ACCOUNT,
    LEAST_DIGITS,
    MOST_SHOWN,
    IdAmbiguous,
    IdUnknown,
    KindOfId,
    Known,
    find_id,
)
from edgemark.cli.terminal.exits import Exit
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address, parse_hash32

THING = KindOfId("thing", 64, parse_hash32)
ONE, TWIN, OTHER = "ab12cd" + "0" * 58, "ab12cd" + "1" * 58, "77" * 32
HERE = Known("this shelf", lambda: [ONE, OTHER])


def refuse() -> list[str]:
    raise AssertionError("a whole id is not looked up")


@pytest.mark.parametrize("typed", [ONE, f"0x{ONE}", f"0X{ONE.upper()}"])
def test_a_whole_id__is_taken_as_it_is_and_need_not_be_known(typed: str) -> None:
    assert find_id(THING, typed, Known("nowhere", refuse)) == bytes.fromhex(ONE)


@pytest.mark.parametrize("typed", ["ab12cd", "0xab12cd", "AB12CD00", ONE[:-1]])
def test_r18_the_beginning_of_a_known_id__is_that_id(typed: str) -> None:
    assert find_id(THING, typed, HERE) == bytes.fromhex(ONE)


@given(st.binary(min_size=32, max_size=32), st.integers(LEAST_DIGITS, 63))
def test_r18_any_id_alone__is_found_by_any_of_its_beginnings(thing: bytes, digits: int) -> None:
    assert find_id(THING, thing.hex()[:digits], Known("here", lambda: [thing.hex()])) == thing


def test_r18_two_that_begin_alike__are_refused_with_both() -> None:
    with pytest.raises(IdAmbiguous) as refused:
        find_id(THING, "ab12cd", Known("this shelf", lambda: [ONE, TWIN, OTHER]))
    told = str(refused.value)
    assert "thing ab12cd: could be 2 things of this shelf" in told
    assert ONE in told
    assert TWIN in told
    assert OTHER not in told
    assert find_id(THING, "ab12cd1", Known("s", lambda: [ONE, TWIN])) == bytes.fromhex(TWIN)


def test_r18_many_that_begin_alike__are_not_all_shown() -> None:
    many = [f"ab12cd{number:058x}" for number in range(MOST_SHOWN + 5)]
    with pytest.raises(IdAmbiguous, match="and 5 more") as refused:
        find_id(THING, "ab12cd", Known("this shelf", lambda: many))
    assert str(refused.value).count("ab12cd0") == MOST_SHOWN


def test_r18_an_unknown_beginning__says_how_many_are_known() -> None:
    with pytest.raises(IdUnknown) as refused:
        find_id(THING, "123456", HERE, Known("that cupboard", lambda: [TWIN]))
    assert "had 2 things of this shelf and 1 thing of that cupboard" in str(refused.value)


def test_r18_the_first_place_in_which_one_begins_so__counts() -> None:
    assert find_id(THING, "ab12cd", HERE, Known("far", refuse)) == bytes.fromhex(ONE)
    assert find_id(THING, "ab12cd1", HERE, Known("far", lambda: [TWIN])) == bytes.fromhex(TWIN)


@pytest.mark.parametrize("typed", ["", "0x", "ab12c", "0xab12c", "x" * 64, "ab 12 cd", ONE + "0"])
def test_r18_what_is_neither_whole_nor_a_beginning__is_refused(typed: str) -> None:
    with pytest.raises(RefusedInput, match="64 hex digits, or the first 6 or more") as refused:
        find_id(THING, typed, Known("here", refuse))
    assert not isinstance(refused.value, IdUnknown | IdAmbiguous)


@pytest.mark.parametrize("words", ["provider admit", "provider dismiss", "chain fund"])
def test_r18_whom_something_goes_to__is_typed_whole(tmp_path: Path, words: str) -> None:
    done = edgemark_here(*words.split(), "0x123456", "--home", tmp_path)
    check_refused(done, Exit.REFUSED_INPUT, "is not an account address", "0x and 40 hex digits")
    with pytest.raises(RefusedInput, match="is not an account address"):
        Naming.read(["0x123456"], None)


def test_r18_an_account__is_found_with_its_capitals_which_are_checked_in_whole_ones() -> None:
    me = parse_address("0x" + "ab" * 20)
    here = Known("the index", lambda: [me])
    assert find_id(ACCOUNT, me[2:9].lower(), here) == find_id(ACCOUNT, me[:9], here) == me
    assert find_id(ACCOUNT, me[2:], here) == me
    with pytest.raises(RefusedInput, match="EIP-55"):
        find_id(ACCOUNT, me[:-1] + me[-1].swapcase(), here)
