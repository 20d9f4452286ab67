"""A canonical file of any form: one spelling, and a refusal that shows nothing of what it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import RefusedInput
from edgemark.untrusted.canonical_file import FileForm
from edgemark.untrusted.canonical_json import encode, items, number, octets, text

SECRET = "5ec7e7"
HEAD = {"format": "edgemark-note", "version": 1}


class NoteRefused(RefusedInput):
    """A file that is no note."""


FORM = FileForm("edgemark-note", 1, "note", 500, NoteRefused)
CHECKED = replace(FORM, version=2, has_checksum=True, older=1)


def parse_note(facts: Mapping[str, Any]) -> tuple[str, int, bytes]:
    if facts["count"] == 7:
        raise RefusedInput("is unlucky", who="count", had=facts["key"], needed="another")
    if facts["count"] == 8:
        raise NoteRefused("is uneven", who="note")
    items(facts.get("lines", []), most=1)
    return text(facts["said"]), number(facts["count"]), octets(facts["key"], 3, exactly=True)


def facts_of_note(note: tuple[str, int, bytes]) -> dict[str, object]:
    return {"said": note[0], "count": note[1], "key": note[2].hex()}


def write(**changes: object) -> bytes:
    facts = {**HEAD, "said": "so", "count": 1, "key": SECRET, **changes}
    return encode({name: value for name, value in facts.items() if value is not None})


def test_file__in_its_one_spelling__is_read() -> None:
    assert FORM.read(write(), parse_note, facts_of_note) == ("so", 1, bytes.fromhex(SECRET))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (bytes(501), "note: is too large; had 501; needed <= 500 bytes"),
        (b"", "note: cannot be read; had no JSON, or a part of it; needed format edgemark-note"),
        (b"[" * 400, "cannot be read; had"),
        (b"[]", "cannot be read; had JSON of another kind"),
        (write(version=2), "cannot be read; had format edgemark-note, version 2"),
        (write(count=None), "note: lacks a part; needed count"),
        (write(said=5), "cannot be read; had text needed, not int"),
        (write(count="1"), "cannot be read; had number of 0..2^96-1 needed"),
        (write(count=True), "cannot be read; had number of 0..2^96-1 needed"),
        (write(key=f"{SECRET}00"), "cannot be read; had 4 bytes, needed 3"),
        (write(key=f"{SECRET}x"), "cannot be read; had hexadecimal needed"),
        (write(lines=[1, 2]), "cannot be read; had list of 0 to 1 needed"),
        (write(count=7), "note, count: is unlucky; needed another"),
        (write(count=8), "note: is uneven"),
        (write(more=1), "note: is not canonical; needed sorted keys"),
        (write().rstrip(), "note: is not canonical"),
        (write().replace(b":", b": "), "note: is not canonical"),
        (write(key=SECRET.upper()), "note: is not canonical"),
    ],
)
def test_file__of_another_form__is_refused_and_shows_nothing_of_it(raw: bytes, words: str) -> None:
    with pytest.raises(NoteRefused) as refused:
        FORM.read(raw, parse_note, facts_of_note)
    assert words in str(refused.value)
    assert SECRET not in str(refused.value).lower()


NOTE = ("so", 1, bytes.fromhex(SECRET))


def test_f9_file_with_a_checksum__is_read_and_so_is_one_of_before() -> None:
    raw = CHECKED.write(facts_of_note(NOTE))
    assert json.loads(raw)["version"] == 2
    assert CHECKED.read(raw, parse_note, facts_of_note) == NOTE
    assert CHECKED.read(write(), parse_note, facts_of_note) == NOTE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": 2}, "note: was changed since it was written. Restore it"),
        ({"checksum": "00"}, "was changed since it was written"),
        ({"checksum": None}, "was changed since it was written"),
        ({"more": 1}, "was changed since it was written"),
        ({"version": 1}, "is not canonical"),
        ({"version": 3}, "had format edgemark-note, version 3"),
    ],
)
def test_f9_file_with_a_checksum__that_was_changed__is_refused_by_name(
    changes: dict[str, object], words: str
) -> None:
    facts = {**json.loads(CHECKED.write(facts_of_note(NOTE))), **changes}
    with pytest.raises(NoteRefused) as refused:
        CHECKED.read(encode(facts), parse_note, facts_of_note)
    assert words in str(refused.value)
    assert SECRET not in str(refused.value).lower()


def test_f9_file_with_a_checksum__that_lost_it__lacks_a_part() -> None:
    facts = json.loads(CHECKED.write(facts_of_note(NOTE)))
    del facts["checksum"]
    with pytest.raises(NoteRefused, match="lacks a part; needed checksum"):
        CHECKED.read(encode(facts), parse_note, facts_of_note)


@given(raw=st.binary(max_size=600))
def test_any_bytes__are_refused_by_their_kind_of_file(raw: bytes) -> None:
    with pytest.raises(NoteRefused):
        FORM.read(raw, parse_note, facts_of_note)
