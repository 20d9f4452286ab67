"""What is shown to people: values without brackets, quotes and `None`, and text that only prints.

Text of strangers tells neither a terminal nor an eye what to do: a name, an error of a peer, a
field of a file may hold escape sequences that clear a screen or type for its owner, and marks that
reverse the direction of writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from enum import Enum

NOTHING = "none"
_PLURALS = {"index": "indices", "is": "are"}  # where an s is not enough
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def in_words(value: object) -> str:  # noqa: PLR0911 - one line a kind
    """Any value; of lists within a list, each is one part between semicolons."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case Enum():
            return value.name.lower().replace("_", " ")
        case str():
            return value
        case bytes():
            return value.hex()
        case Mapping():
            return _join("; ", (f"{in_words(k)}: {in_words(v)}" for k, v in value.items()))
        case Set():
            return _join(", ", sorted(map(in_words, value)))
        case Sequence():
            is_deep = any(_is_deep(part) for part in value)
            return _join("; " if is_deep else ", ", map(in_words, value))
        case _:
            return str(value)


def show_measured(value: object) -> str:
    """A value that was measured: whole numbers with commas between the thousands."""
    is_number = isinstance(value, int) and not isinstance(value, bool | Enum)
    return f"{value:,}" if is_number else in_words(value)


def count(number: int, word: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {_word_of(number, word)}"


def name_each(word: str, names: Sequence[object]) -> str:
    """`node 3`, `nodes 3, 5`; of none what there is none of, `no node`."""
    if not names:
        return f"no {word}"
    return f"{_word_of(len(names), word)} {', '.join(map(str, names))}"


def _word_of(number: int, word: str) -> str:
    return word if number == 1 else _PLURALS.get(word, f"{word}s")


def show_duration(seconds: int) -> str:
    """A time in its two largest units, `37 days 1 minute`; what is less is left out."""
    parts = []
    for word, size in _UNITS:
        many, seconds = divmod(seconds, size)
        if many:
            parts.append(count(many, word))
    return " ".join(parts[:2]) or count(0, "second")


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with whatever does not print written as `\x1b`, lone surrogates included.

    Args:
        text: anything.
        lines: whether ends of lines stay what they are: for what we put together ourselves.
    """
    return "".join(
        letter
        if letter.isprintable() or (lines and letter == "\n")
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def _is_deep(part: object) -> bool:
    return isinstance(part, Sequence | Mapping) and not isinstance(part, str | bytes)


def _join(between: str, parts: Iterable[str]) -> str:
    return between.join(parts) or NOTHING
