"""Mutants of Python, from its syntax tree: the operators of `solidity_operators` that fit it.

| operator | change |
|---|---|
| comparison | `<` and `<=`, `>` and `>=`, `==` and `!=` swapped; `is`, `in` and their opposites |
| arithmetic | `+` and `-`, `*` and `//`, `<<` and `>>`, `&` and `|` swapped; `/ % **` to `*` |
| logic | `and` and `or` swapped, `not` taken away |
| condition | of an `if`, a `while`, a comprehension: `True` (no `while`), `False` |
| choice | `a if b else c` to `a` and to `c` |
| number | one more, one less |
| truth | `True` and `False` swapped |
| statement | a call, an assignment to a part, an augmented assignment or a `raise` taken away |
| arguments | two positional neighbours that are written alike (two names, two calls) swapped |

What only a reader sees stays: docstrings, annotations, texts, and what an error says. What the type
checker refuses anyway (`None` for an answer, arguments of different types swapped) is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.mutation.mutant import Mutant, distinct

SIGNS: dict[type[ast.AST], tuple[str, str]] = {
    **{ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">")},
    **{ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not")},
    **{ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in")},
    **{ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "//"), ast.Div: ("/", "*")},
    **{ast.FloorDiv: ("//", "*"), ast.Mod: ("%", "*"), ast.Pow: ("**", "*")},
    **{ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"), ast.BitAnd: ("&", "|")},
    **{
        ast.BitOr: ("|", "&"),
        ast.BitXor: ("^", "|"),
        ast.And: ("and", "or"),
        ast.Or: ("or", "and"),
    },
}
Positioned = ast.expr | ast.stmt


def find_mutants(path: str, source: bytes) -> list[Mutant]:
    """All mutants of one module."""
    return list(distinct(_Finder(path, source).visit(ast.parse(source)), source))


class _Finder:
    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        self._source = source
        lengths = [len(line) for line in source.splitlines(keepends=True)]
        self._starts = [sum(lengths[:number]) for number in range(len(lengths) + 1)]

    def visit(self, node: ast.AST) -> Iterator[Mutant]:
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.Raise):
            yield self._instead(node, "pass", "statement")
            return
        rule = getattr(self, f"_of_{type(node).__name__}", None)
        if rule is not None:
            yield from rule(node)
        # `if False` says the same as an `if` whose only `raise` is gone.
        guard = isinstance(node, ast.If) and not node.orelse and len(node.body) == 1
        for name, field in ast.iter_fields(node):
            if guard and name == "body" and isinstance(field[0], ast.Raise):
                continue
            if name in {"annotation", "returns", "decorator_list", "type_params"}:
                continue
            for child in field if isinstance(field, list) else [field]:
                if isinstance(child, ast.AST):
                    yield from self.visit(child)

    def _range(self, node: Positioned) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset
        assert node.end_lineno is not None and node.end_col_offset is not None  # noqa: S101 - parsed
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: Positioned) -> str:
        start, end = self._range(node)
        return self._source[start:end].decode()

    def _instead(self, node: Positioned, replacement: str, operator: str) -> Mutant:
        return Mutant(self._path, *self._range(node), replacement, operator)

    def _sign(
        self, left: ast.expr, right: ast.expr, sign: ast.AST, operator: str
    ) -> Iterator[Mutant]:
        had, swapped = SIGNS.get(type(sign), ("", ""))
        start, end = self._range(left)[1], self._range(right)[0]
        place = self._source.find(had.encode(), start, end)
        if had and place >= 0:
            yield Mutant(self._path, place, place + len(had), swapped, operator)

    def _of_Compare(self, node: ast.Compare) -> Iterator[Mutant]:  # noqa: N802 - ast's names
        sides = [node.left, *node.comparators]
        for left, right, sign in zip(sides, sides[1:], node.ops, strict=False):
            yield from self._sign(left, right, sign, "comparison")

    def _of_BinOp(self, node: ast.BinOp) -> Iterator[Mutant]:  # noqa: N802
        if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str | bytes):
            return  # a text put together
        yield from self._sign(node.left, node.right, node.op, "arithmetic")

    def _of_AugAssign(self, node: ast.AugAssign) -> Iterator[Mutant]:  # noqa: N802
        yield from self._sign(node.target, node.value, node.op, "arithmetic")
        yield self._instead(node, "pass", "statement")

    def _of_BoolOp(self, node: ast.BoolOp) -> Iterator[Mutant]:  # noqa: N802
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from self._sign(left, right, node.op, "logic")

    def _of_UnaryOp(self, node: ast.UnaryOp) -> Iterator[Mutant]:  # noqa: N802
        if isinstance(node.op, ast.Not):
            yield self._instead(node, f"({self._text(node.operand)})", "logic")

    def _conditions(self, tests: list[ast.expr], values: tuple[str, ...]) -> Iterator[Mutant]:
        for test in tests:
            if isinstance(test, ast.Name) and test.id == "TYPE_CHECKING":
                continue
            for value in values:
                yield self._instead(test, value, "condition")

    def _of_If(self, node: ast.If) -> Iterator[Mutant]:  # noqa: N802
        return self._conditions([node.test], ("True", "False"))

    def _of_While(self, node: ast.While) -> Iterator[Mutant]:  # noqa: N802
        return self._conditions([node.test], ("False",))

    def _of_comprehension(self, node: ast.comprehension) -> Iterator[Mutant]:
        return self._conditions(node.ifs, ("True", "False"))

    def _of_IfExp(self, node: ast.IfExp) -> Iterator[Mutant]:  # noqa: N802
        for branch in (node.body, node.orelse):
            yield self._instead(node, f"({self._text(branch)})", "choice")

    def _of_Constant(self, node: ast.Constant) -> Iterator[Mutant]:  # noqa: N802
        if isinstance(node.value, bool):
            yield self._instead(node, str(not node.value), "truth")
        elif isinstance(node.value, int):
            for other in (node.value + 1, node.value - 1):
                yield self._instead(node, str(other) if other >= 0 else f"({other})", "number")

    def _of_Expr(self, node: ast.Expr) -> Iterator[Mutant]:  # noqa: N802
        if isinstance(node.value, ast.Call):
            yield self._instead(node, "pass", "statement")

    def _of_Assign(self, node: ast.Assign) -> Iterator[Mutant]:  # noqa: N802
        # Without a name, what follows cannot run at all: nothing is learnt.
        if any(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
            yield self._instead(node, "pass", "statement")

    def _of_Call(self, node: ast.Call) -> Iterator[Mutant]:  # noqa: N802
        for left, right in zip(node.args, node.args[1:], strict=False):
            if type(left) is not type(right) or isinstance(left, ast.Starred):
                continue
            start, end = self._range(left)[0], self._range(right)[1]
            between = self._source[self._range(left)[1] : self._range(right)[0]].decode()
            swapped = f"{self._text(right)}{between}{self._text(left)}"
            yield Mutant(self._path, start, end, swapped, "arguments")
