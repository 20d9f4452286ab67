"""The commands of a document, as a reader would type them.

A document is one session: its fenced blocks `sh` and `console` run in order, in one shell. In
`console`, a line that begins with `$ ` is a command, and what follows is what it has to print, with
`…` for anything. Two comments, which a reader does not see, say the rest:

    <!-- test: setup=servers ports=9201 cwd=checkout -->     once a page, each word if needed
    <!-- not run: why -->                                    right before a block that does not run

`setup` names what runs before (`tests/docs/setups.py`), `ports` the ports that the page names: the
test takes free ones instead. The shell starts in an empty folder, or in the checkout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(`{3,})(\S*)\s*$")
COMMENT = re.compile(r"^<!-- (test|not run): (.+) -->$")
INDENTED = re.compile(r"^ {4}(?! )(?:\$ )?(?:make|edgemark|pytest|python|ape|forge|export) ")
SHELLS = ("sh", "console")
REFUSED = ("bash", "shell", "zsh", "shell-session", "")  # one way of writing a command
WORDS = {"setup", "ports", "cwd"}


class PageRefused(ValueError):
    """A document writes its commands in another way."""


@dataclass(frozen=True)
class Block:
    """One fenced block of commands.

    Attributes:
        line: of its first command in the document.
        kind: "sh" or "console".
        text: what stands in it.
        reason: why it does not run; empty when it does.
    """

    line: int
    kind: str
    text: str
    reason: str = ""


@dataclass(frozen=True)
class Page:
    """One document with its commands."""

    path: Path
    blocks: tuple[Block, ...]
    setup: str
    ports: tuple[int, ...]
    in_checkout: bool

    @property
    def to_run(self) -> tuple[Block, ...]:
        """The blocks that run."""
        return tuple(block for block in self.blocks if not block.reason)


def read_page(path: Path) -> Page:
    """Parse a document.

    Raises:
        PageRefused: commands outside a fence or in one of another kind, or an unknown comment.
    """
    reader = _Reader(path)
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        reader.take(number, line)
    reader.finish()
    words = reader.words
    return Page(
        path=path,
        blocks=tuple(reader.blocks),
        setup=words.get("setup", ""),
        ports=_ports(words.get("ports", "")),
        in_checkout=words.get("cwd") == "checkout",
    )


class _Reader:
    """Takes a document line by line."""

    def __init__(self, path: Path) -> None:
        self.blocks: list[Block] = []
        self.words: dict[str, str] = {}
        self._path = path
        self._reason = ""
        self._fence: tuple[str, str, int] | None = None  # its mark, its kind, its line
        self._inside: list[str] = []

    def take(self, number: int, line: str) -> None:
        mark = FENCE.match(line)
        if self._fence is not None:
            if mark and mark.groups() == (self._fence[0], ""):
                self._end_block(*self._fence[1:])
            else:
                self._inside.append(line)
        elif mark:
            if mark.group(2) in REFUSED:
                raise PageRefused(f"{self._path}:{number}: write `sh` or `console`, or `text`")
            self._fence = (mark.group(1), mark.group(2), number)
        elif comment := COMMENT.match(line):
            self._obey(*comment.groups())
        elif INDENTED.match(line):
            raise PageRefused(f"{self._path}:{number}: fence the command")

    def finish(self) -> None:
        unknown = set(self.words) - WORDS
        if self._fence is not None or self._reason or unknown:
            raise PageRefused(f"{self._path}: an open fence, a comment too many, or {unknown}")

    def _end_block(self, kind: str, number: int) -> None:
        if kind in SHELLS:
            text = "\n".join(self._inside)
            self.blocks.append(Block(number + 1, kind, text, self._reason))
            self._reason = ""
        self._fence, self._inside = None, []

    def _obey(self, kind: str, text: str) -> None:
        if kind == "test":
            self.words |= dict(word.split("=", 1) for word in text.split())
        else:
            self._reason = text


def _ports(text: str) -> tuple[int, ...]:
    ports: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        ports += range(int(first), int(last or first) + 1)
    return tuple(ports)
