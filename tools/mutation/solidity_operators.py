"""Mutants of Solidity, from the compiler's syntax tree.

The operators are those of gambit and of universalmutator, without those that a stronger one of the
same place always includes:

| operator | change |
|---|---|
| comparison | `<` and `<=`, `>` and `>=`, `==` and `!=` swapped |
| arithmetic | `+` and `-`, `*` and `/`, `+=` and `-=`, `++` and `--` swapped; `%` and `**` to `*` |
| logic | `&&` and `||` swapped, `!` taken away |
| condition | of an `if`: `true`, `false`, and the opposite of what is no comparison |
| choice | `a ? b : c` to `b` and to `c` |
| number | one more, one less |
| truth | `true` and `false` swapped |
| statement | an assignment, a call, an event or a deletion taken away |
| arguments | two neighbours of one type swapped |
| modifier | taken away |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tools.mutation.mutant import Mutant, distinct

SWAPPED = {
    **{"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="},
    **{"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "**": "*"},
    **{"&&": "||", "||": "&&", "+=": "-=", "-=": "+=", "++": "--", "--": "++"},
}
COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}
LOGIC = {"&&", "||"}
NUMBER = re.compile(rb"[0-9][0-9_]*")
Node = dict[str, Any]


def find_mutants(path: str, source: bytes, tree: Node) -> list[Mutant]:
    """All mutants of one file, given its syntax tree as solc writes it (`ast`)."""
    return list(distinct(_Finder(path, source).visit(tree), source))


class _Finder:
    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        self._source = source

    def visit(self, node: Any) -> Iterator[Mutant]:
        if isinstance(node, list):
            for one in node:
                yield from self.visit(one)
        if not isinstance(node, dict):
            return
        kind = node.get("nodeType")
        rule = getattr(self, f"_of_{kind}", None)
        if rule is not None:
            yield from rule(node)
        for key, child in node.items():
            # A loop that never moves on ends by its gas, which takes long and shows nothing.
            if kind == "ForStatement" and key == "loopExpression":
                continue
            yield from self.visit(child)

    def _make(self, start: int, end: int, replacement: str, operator: str) -> Mutant:
        return Mutant(self._path, start, end, replacement, operator)

    def _instead(self, node: Node, replacement: str, operator: str) -> Mutant:
        return self._make(*_range(node), replacement, operator)

    def _text(self, node: Node) -> str:
        start, end = _range(node)
        return self._source[start:end].decode()

    def _sign_between(self, left: Node, right: Node, sign: str, operator: str) -> Iterator[Mutant]:
        swapped = SWAPPED.get(sign)
        after_left, before_right = _range(left)[1], _range(right)[0]
        place = self._source.find(sign.encode(), after_left, before_right)
        if swapped is not None and place >= 0:
            yield self._make(place, place + len(sign), swapped, operator)

    def _of_BinaryOperation(self, node: Node) -> Iterator[Mutant]:  # noqa: N802 - solc's names
        sign = node["operator"]
        operator = (
            "comparison" if sign in COMPARISONS else "logic" if sign in LOGIC else "arithmetic"
        )
        yield from self._sign_between(
            node["leftExpression"], node["rightExpression"], sign, operator
        )

    def _of_Assignment(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        yield from self._sign_between(
            node["leftHandSide"], node["rightHandSide"], node["operator"], "arithmetic"
        )

    def _of_UnaryOperation(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        start, end = _range(node)
        sign = node["operator"]
        if sign == "!":
            yield self._make(start, start + 1, "", "logic")
        elif sign in SWAPPED and sign != "-":
            place = start if node["prefix"] else end - len(sign)
            yield self._make(place, place + len(sign), SWAPPED[sign], "arithmetic")

    def _of_IfStatement(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        condition = node["condition"]
        for value in ("true", "false"):
            yield self._instead(condition, value, "condition")
        if condition.get("operator") not in COMPARISONS:
            yield self._instead(condition, f"!({self._text(condition)})", "condition")

    def _of_Conditional(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        for branch in ("trueExpression", "falseExpression"):
            yield self._instead(node, f"({self._text(node[branch])})", "choice")

    def _of_Literal(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        if node["kind"] == "bool":
            swapped = "false" if node["value"] == "true" else "true"
            yield self._instead(node, swapped, "truth")
        number = NUMBER.match(self._source, _range(node)[0])
        if node["kind"] != "number" or not str(node["value"]).isdecimal() or number is None:
            return
        value = int(number.group().replace(b"_", b""))
        for other in (value + 1, value - 1):
            if other >= 0:
                yield self._make(number.start(), number.end(), str(other), "number")

    def _of_ExpressionStatement(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        start, end = _range(node)
        end = self._source.find(b";", end - 1) + 1
        yield self._make(start, end, "{}", "statement")

    def _of_EmitStatement(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        yield from self._of_ExpressionStatement(node)

    def _of_FunctionCall(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        arguments = node["arguments"]
        if node["kind"] == "typeConversion" or node["names"]:
            return
        for left, right in pairwise(arguments):
            if _type(left) != _type(right):
                continue
            start, end = _range(left)[0], _range(right)[1]
            between = self._source[_range(left)[1] : _range(right)[0]].decode()
            swapped = f"{self._text(right)}{between}{self._text(left)}"
            yield self._make(start, end, swapped, "arguments")

    def _of_FunctionDefinition(self, node: Node) -> Iterator[Mutant]:  # noqa: N802
        for modifier in node["modifiers"]:
            if modifier.get("kind") == "modifierInvocation":
                yield self._instead(modifier, "", "modifier")


def _range(node: Node) -> tuple[int, int]:
    start, length, _ = (int(part) for part in node["src"].split(":"))
    return start, start + length


def _type(node: Node) -> str:
    """The type that decides what may be swapped; numbers written out are of any integer's."""
    identifier = str(node.get("typeDescriptions", {}).get("typeString", ""))
    return re.sub(r" (storage ref|memory|calldata|storage pointer)$", "", identifier)
