"""The trailer of a refused call, made and taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.ledger.fabric.faults import EndorserWords, MessageMalformed
from edgemark.ledger.fabric.wire.details import make_details, parse_details
from edgemark.ledger.fabric.wire.limits import MAX_ENDORSERS_TOLD

WORDS = st.builds(EndorserWords, st.text(max_size=20), st.text(max_size=20), st.text(max_size=50))


@given(st.lists(WORDS, max_size=MAX_ENDORSERS_TOLD))
def test_words__come_back_as_they_were(words: list[EndorserWords]) -> None:
    assert parse_details(make_details(10, "failed", words)) == tuple(words)


def test_too_many_words__are_left_out() -> None:
    words = [EndorserWords(f"{each}:1", "Org1MSP", "no") for each in range(MAX_ENDORSERS_TOLD + 5)]
    assert parse_details(make_details(10, "failed", words)) == tuple(words[:MAX_ENDORSERS_TOLD])


@given(st.binary(max_size=200))
def test_any_bytes__are_words_or_refused(raw: bytes) -> None:
    try:
        parse_details(raw)
    except MessageMalformed:
        return


def test_a_detail_cut_short__is_refused() -> None:
    whole = make_details(10, "failed", [EndorserWords("a:1", "Org1MSP", "no")])
    with pytest.raises(MessageMalformed):
        parse_details(whole[:-3])
