"""Every listener of every chaincode has a cursor of its own, whatever the three are called."""

from __future__ import annotations

import itertools

import pytest

from edgemark.errors import RefusedInput
from edgemark.party.consortium.chaincode import cursor_name

NAMES = (
    "a",
    "a.b",
    "b",
    ".",
    "",
    "b%2Ec",
    "b.c",
    "c",
    "a/b",
    "..",
    "é",
    "x" * 250,
    "x" * 251,
    "%",
    "A",
)


def test_names_that_run_together__have_a_file_each() -> None:
    found: dict[str, tuple[str, ...]] = {}
    for names in itertools.product(NAMES, repeat=3):
        made = cursor_name(*names)
        assert found.setdefault(made, names) == names
        assert "/" not in made
        assert len(made.encode()) <= 255 - len(".lock")
    assert cursor_name("watch", "mychannel", "my-code_1") == "watch.mychannel.my-code_1.cursor"


def test_name_without_utf8__is_refused() -> None:
    with pytest.raises(RefusedInput):
        cursor_name("\ud800", "mychannel", "code")
