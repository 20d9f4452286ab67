"""What a command found out has one form for programs and one for people."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.amounts import Amount, parse_tokens
from edgemark.cli.terminal.facts import for_programs, in_columns
from edgemark.cli.terminal.invocation import Invocation, align
from edgemark.identifiers import LAST_SECOND, Moment

AT = 1_795_896_297


@given(st.integers(0, 2**96 - 1))
def test_r15_amount__is_whole_units_for_programs_and_mtc_for_people(tokens: int) -> None:
    assert int(for_programs(Amount(tokens))) == tokens
    mtc, unit = str(Amount(tokens)).split()
    assert unit == "MTC"
    assert parse_tokens(mtc.replace(",", "")) == tokens


def test_r15_moment__has_seconds_and_a_twin_to_be_read() -> None:
    facts = {"free_at": Moment(AT), "parts": [{"until": Moment(0)}]}
    assert for_programs(facts) == {
        "free_at": AT,
        "free_at_utc": str(Moment(AT)),
        "parts": [{"until": None, "until_utc": None}],
    }
    assert str(Moment(0)) == "-"
    assert str(Moment(LAST_SECOND)) == "9999-12-31 23:59:59 UTC"
    assert str(Moment(2**256 - 1)).startswith("after the year 9999, second 1157920")


def test_r18_columns__hold_whole_values_below_their_names() -> None:
    rows = [{"job": "ab" * 32, "phase": "settled"}, {"job": "c\x1b", "phase": "open"}]
    assert in_columns(rows, ("phase", "job")).splitlines() == [
        "phase    job",
        f"settled  {'ab' * 32}",
        "open     c\\x1b",
    ]
    assert in_columns([], ("job",)) == "job"


def test_show__in_either_form(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"wallet": Amount(97_025 * 10**17), "names": ("a", "b")}
    Invocation(as_json=True).show(facts)
    assert json.loads(capsys.readouterr().out) == {
        "wallet": "9702500000000000000000",
        "names": ["a", "b"],
    }
    Invocation().show({"wallet": facts["wallet"]})
    assert capsys.readouterr().out == "wallet  9,702.5 MTC\n"


def test_r32_facts__are_told_in_words() -> None:
    facts = {"liars": [], "silent": [3, 5], "why": None, "told": True, "paid": Amount(10**18)}
    lines = [line.split(maxsplit=1) for line in align({"a": 1, **facts}).splitlines()]
    told = {line[0]: line[-1] for line in lines}
    assert told == {
        "a": "1",
        "liars": "none",
        "silent": "3, 5",
        "why": "none",
        "told": "yes",
        "paid": "1 MTC",
    }
