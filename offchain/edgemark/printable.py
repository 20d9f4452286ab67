"""Text of strangers as it may be shown: none of it tells a terminal or an eye what to do.

A name, an error of a peer, a field of a file may hold escape sequences that clear a screen or type
for its owner, and marks that reverse the direction of writing.
"""

from __future__ import annotations


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
