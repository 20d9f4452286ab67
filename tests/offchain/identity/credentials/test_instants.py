"""Times of credentials (A56: expired, not yet valid)."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.identity.credentials.instants import (
    SECOND_NS,
    InstantInvalid,
    instant_of,
    parse_instant,
)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2023-02-26T01:02:58.447Z", "2023-02-26T01:02:58.447000000Z"),
        ("2023-02-25T19:21:29-06:00", "2023-02-26T01:21:29Z"),
        ("2023-02-26T01:21:29+05:30", "2023-02-25T19:51:29Z"),
        ("2023-02-26T00:00:00+14:00", "2023-02-25T10:00:00-00:00"),
    ],
)
def test_one_time_in_two_zones__is_one_time(text: str, same: str) -> None:
    assert parse_instant(text, who="t") == parse_instant(same, who="t")


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))
def test_every_time__is_what_the_library_says(moment: datetime) -> None:
    found = parse_instant(moment.isoformat() + "Z", who="t")
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert found == (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000


def test_parts_of_a_second__are_not_lost() -> None:
    before = parse_instant("2027-01-15T08:00:00.999999999Z", who="t")
    assert before + 1 == parse_instant("2027-01-15T08:00:01Z", who="t")
    assert parse_instant("2027-01-15T08:00:00Z", who="t") == instant_of(1_800_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2023-02-26",
        "2023-02-26T01:02:58",  # no zone
        "2023-02-26 01:02:58Z",
        "2023-02-26t01:02:58z",
        "2023-02-30T01:02:58Z",
        "2023-13-01T01:02:58Z",
        "2023-02-26T24:00:00Z",
        "2023-02-26T23:59:60Z",
        "2023-02-26T01:02Z",
        "2023-02-26T01:02:58.Z",
        "2023-02-26T01:02:58.0000000001Z",
        "2023-02-26T01:02:58+0600",
        "2023-02-26T01:02:58+06:60",
        "2023-02-26T01:02:58+14:01",
        "2023-02-26T01:02:58ZZ",
        "2023-02-26T01:02:58Z\n",
        "+2023-02-26T01:02:58Z",
        "0000-02-26T01:02:58Z",
        "12023-02-26T01:02:58Z",
        "-2023-02-26T01:02:58Z",
        "\uff12\uff10\uff12\uff13-02-26T01:02:58Z",
        "Sun, 26 Feb 2023 01:22:14 +0000",
        "Sat 25 Feb 2023 07:16:31 PM CST",
        None,
        1_800_000_000,
        1.5,
        ["2023-02-26T01:02:58Z"],
    ],
)
def test_other_texts__are_no_time(text: object) -> None:
    with pytest.raises(InstantInvalid):
        parse_instant(text, who="t")


@given(st.text(max_size=45))
def test_door__whatever_comes__is_a_time_or_refused(text: str) -> None:
    with contextlib.suppress(InstantInvalid):
        parse_instant(text, who="t")
