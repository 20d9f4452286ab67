"""Nothing that a stranger wrote does anything but be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.cli.terminal.invocation import Invocation, align
from edgemark.errors import EdgemarkError
from edgemark.words import printable

CLEAR_SCREEN, REVERSED = "\x1b[2J", "\N{RIGHT-TO-LEFT OVERRIDE}"
TEXTS = st.text(st.characters(codec=None), max_size=30)


@given(TEXTS)
def test_printable__any_text__prints(text: str) -> None:
    assert printable(text).isprintable()
    assert all(line.isprintable() for line in printable(text, lines=True).split("\n"))


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=30))
def test_printable__what_prints_already__stays(text: str) -> None:
    assert printable(text) == text


def test_printable__writes_controls_as_text() -> None:
    assert printable(f"a{CLEAR_SCREEN}\r\n{REVERSED}") == "a\\x1b[2J\\r\\n\\u202e"


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_f10_error__of_a_strangers_words__is_one_line_that_prints(
    what: str, who: str, had: str, remedy: str
) -> None:
    error = EdgemarkError(what, who=who, had=had, needed=had, remedy=remedy)
    assert str(error).isprintable()


def test_f10_command__shows_a_strangers_words_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"name": f"Provider {CLEAR_SCREEN}\nyes  all is well"}
    assert align(facts) == "name  Provider \\x1b[2J\\nyes  all is well"
    Invocation().show({}, f"first {CLEAR_SCREEN}\nsecond")
    assert capsys.readouterr().out == "first \\x1b[2J\nsecond\n"
