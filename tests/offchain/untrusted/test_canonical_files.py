"""A canonical file of any form: one spelling, and a refusal that shows nothing of what it holds."""

from __future__ import annotations

from collections.abc import Mapping
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


def parse_note(facts: Mapping[str, Any]) -> tuple[str, int, bytes]:
    if facts["count"] == 7:
        raise RefusedInput("is unlucky", who="count", had=facts["key"], needed="another")
    if facts["count"] == 8:
        raise NoteRefused("is uneven", who="note")
    items(facts.get("lines", []), most=1)
    return text(facts["said"]), number(facts["count"]), octets(facts["key"], 3, exactly=True)


def encode_note(note: tuple[str, int, bytes]) -> bytes:
    return encode({**HEAD, "said": note[0], "count": note[1], "key": note[2].hex()})


def write(**changes: object) -> bytes:
    facts = {**HEAD, "said": "so", "count": 1, "key": SECRET, **changes}
    return encode({name: value for name, value in facts.items() if value is not None})


def test_file__in_its_one_spelling__is_read() -> None:
    assert FORM.read(write(), parse_note, encode_note) == ("so", 1, bytes.fromhex(SECRET))


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
        FORM.read(raw, parse_note, encode_note)
    assert words in str(refused.value)
    assert SECRET not in str(refused.value).lower()


@given(raw=st.binary(max_size=600))
def test_any_bytes__are_refused_by_their_kind_of_file(raw: bytes) -> None:
    with pytest.raises(NoteRefused):
        FORM.read(raw, parse_note, encode_note)
