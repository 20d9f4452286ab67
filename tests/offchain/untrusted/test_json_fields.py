"""Fields of a stranger's JSON, refused as whatever kind of file it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from edgemark.untrusted.fields import BadFile, Fields, parse_json

RAW = b'{"a": {"b": [{"c": 1}]}, "rows": [[1, 2], ["3"]]}'


PATIENCE_S = 5.0  # a hundredth of it is needed


class BadNote(BadFile):
    """A note that is none."""


def test_file__of_no_kind__is_refused_as_a_file() -> None:
    with pytest.raises(BadFile, match="is not JSON") as refused:
        parse_json(b"{", "note")
    assert type(refused.value) is BadFile


@pytest.mark.parametrize("raw", [b'{"a": 1, "a": 1}', b'{"x": [{"a": 1, "b": 2, "\\u0061": 3}]}'])
def test_f9_name_that_stands_twice__is_refused_by_it_however_deep(raw: bytes) -> None:
    """Before, the last one counted, and the checksum was of that."""
    with pytest.raises(BadNote, match="is not JSON; had field 'a' twice in one object"):
        parse_json(raw, "note", BadNote)


def test_many_names__are_looked_at_once_each() -> None:
    names = ",".join(f'"{number}": 0' for number in range(100_000))
    began = time.process_time()
    with pytest.raises(BadNote, match="field '99999' twice"):
        parse_json(f'{{{names}, "99999": 0}}'.encode(), "note", BadNote)
    assert time.process_time() - began < PATIENCE_S


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}'])
def test_number_that_json_has_not__is_refused(text: str) -> None:
    with pytest.raises(BadNote, match="is no number of JSON"):
        parse_json(text.encode(), "note", BadNote)


@pytest.mark.parametrize(
    "look",
    [
        lambda fields: fields.text("x"),
        lambda fields: fields.finish(),
        lambda fields: fields.part("a").text("b"),
        lambda fields: fields.part("a").parts("b", 0),
        lambda fields: fields.part("a").parts("b", 1)[0].text("c"),
        lambda fields: fields.rows("rows", 2, 2),
        lambda fields: fields.whole_rows("rows", 2, 2),
    ],
)
def test_field__however_deep__is_refused_as_the_kind_of_its_file(
    look: Callable[[Fields], Any],
) -> None:
    with pytest.raises(BadNote, match="note"):
        look(parse_json(RAW, "note", BadNote))
