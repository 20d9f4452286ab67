"""Answers of a node as nobody expects them, drawn by a seed."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from edgemark.ledger.evm.reading.posting import HttpAnswer

ODD_NUMBERS = ("1e999", "-1e999", "NaN", "1" + 5_000 * "0", "-1", "1.5", "0", "7", str(2**64))
ODD_TEXTS = (
    "",
    "0x",
    "0x0",
    "0X1",
    "x",
    "0xzz",
    "0x1_0",
    "-0x1",
    "0x-1",
    " 0x1",
    "0x1\n",
    "0x" + "f" * 65,
    "0x" + "f" * 64,
    "0x7fffffffffffffff",
    "0x" + "0" * 40,
    "0x" + "Aa" * 20,
    "0x" + "ab" * 32,
    "\N{FULLWIDTH DIGIT ONE}",
    "\ud800",
    "\x1b[2J",
    "latest",
    "0" * 5_000,
)
ODD_WORDS_256 = (0, 1, 31, 32, 2**31, 2**63 - 1, 2**63, 2**64, 2**255, 2**256 - 32, 2**256 - 1)
DEEP = '{"jsonrpc": "2.0", "id": 1, "result": ' + "[" * 100_000 + "]" * 100_000 + "}"
ODD_BODIES = (b"", b"null", b"7", b"[]", b"{}", b'"0x1"', b"<html>", b"\xff\xfe{", b"{" * 5_000)
ODD_WORDS = (
    "execution reverted",
    "header not found",
    "txpool is full",
    "query returned more than",
    "invalid sender",
    "insufficient funds",
    "rate limit",
    "already known",
)
WORD_DIGITS = 64
REASON = "0x08c379a0" + f"{32:064x}{2:064x}" + b"no".hex().ljust(WORD_DIGITS, "0")
STATUSES = (200, 204, 301, 400, 401, 403, 404, 429, 500, 502, 503, 504, 999)
PAUSES = ("0", "1", "60", "9" * 400, "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "\xff", "")


class Junk:
    """Spoils answers; equal seeds spoil alike."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        """Something."""
        kinds: list[Callable[[], Any]] = [
            lambda: None,
            lambda: self.draw.choice((True, False)),
            lambda: f"@@{self.draw.choice(ODD_NUMBERS)}@@",
            lambda: self.draw.choice(ODD_TEXTS),
            lambda: "0x" + self.draw.randbytes(self.draw.choice((0, 1, 20, 32, 64, 320))).hex(),
            lambda: (
                "0x"
                + self.draw.randrange(2 ** self.draw.choice((8, 64, 256))).to_bytes(32, "big").hex()
            ),
        ]
        if depth < 3:
            kinds.append(lambda: [self.value(depth + 1) for _ in range(self.draw.randrange(4))])
            kinds.append(lambda: {"data": self.value(depth + 1), "id": self.value(depth + 1)})
        return self.draw.choice(kinds)()

    def error(self) -> Any:
        """Something in the place of an error."""
        if self.draw.random() < 0.3:
            return self.value()
        return {
            "code": self.draw.choice((3, -32000, -32005, -32601, self.value())),
            "message": self.draw.choice((*ODD_WORDS, self.value())),
            "data": self.draw.choice(
                (None, "0x", "0x08c379a0" + "f" * 64, self.words(REASON), self.value())
            ),
        }

    def inside(self, value: Any) -> Any:
        """A copy with one part of it replaced or left out, at any depth."""
        if isinstance(value, dict) and value and self.draw.random() < 0.9:
            name = self.draw.choice(list(value))
            if self.draw.random() < 0.2:
                return {each: kept for each, kept in value.items() if each != name}
            return {**value, name: self.inside(value[name])}
        if isinstance(value, list) and value and self.draw.random() < 0.9:
            place = self.draw.randrange(len(value))
            many = self.draw.choice((0, 1, 1, 1, 2))
            return [*value[:place], *[self.inside(value[place])] * many, *value[place + 1 :]]
        if isinstance(value, str) and len(value) > WORD_DIGITS and self.draw.random() < 0.6:
            return self.words(value)
        return self.value()

    def words(self, data: str) -> str:
        """The same bytes, one of their words another."""
        body = data.removeprefix("0x")
        head = len(body) % WORD_DIGITS  # a selector stands before the words
        place = head + WORD_DIGITS * self.draw.randrange(len(body) // WORD_DIGITS)
        word = f"{self.draw.choice(ODD_WORDS_256):064x}"
        return "0x" + body[:place] + word + body[place + WORD_DIGITS :]

    def spoil(self, answer: HttpAnswer) -> HttpAnswer:
        """The same answer, but."""
        kind = self.draw.random()
        if kind < 0.1:
            body = self.draw.choice((*ODD_BODIES, answer.body[:-3], self.draw.randbytes(40)))
            return HttpAnswer(200, {}, body)
        if kind < 0.101:
            return HttpAnswer(200, {}, DEEP.encode())
        if kind < 0.15:
            headers = {"Retry-After": self.draw.choice(PAUSES)}
            body = self.draw.choice((answer.body, b"", b"not now"))
            return HttpAnswer(self.draw.choice(STATUSES), headers, body)
        facts = json.loads(answer.body)
        many = facts if isinstance(facts, list) else [facts]
        place = self.draw.randrange(len(many))
        if kind < 0.3:
            many[place] = {"jsonrpc": "2.0", "id": many[place]["id"], "error": self.error()}
        elif kind < 0.4:
            many[place] = self.inside(many[place])
        elif "result" in many[place]:
            many[place]["result"] = self.inside(many[place]["result"])
        found = many if isinstance(facts, list) else many[0]
        text = re.sub(r'"@@(.*?)@@"', r"\1", json.dumps(found))  # numbers as no encoder writes them
        return HttpAnswer(200, {}, text.encode())
