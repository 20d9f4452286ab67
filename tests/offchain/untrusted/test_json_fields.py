"""Fields of a stranger's JSON, refused as whatever kind of file it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgemark.untrusted.fields import BadFile, Fields, parse_json

RAW = b'{"a": {"b": [{"c": 1}]}, "rows": [[1, 2], ["3"]]}'


class BadNote(BadFile):
    """A note that is none."""


def test_file__of_no_kind__is_refused_as_a_file() -> None:
    with pytest.raises(BadFile, match="is not JSON") as refused:
        parse_json(b"{", "note")
    assert type(refused.value) is BadFile


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
