"""Nobody sends from the command line but a command that is marked as spending."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from tests.architecture.checkout import find_files, relative

PACKAGE = "offchain/edgemark"
COMMANDS = f"{PACKAGE}/cli"
SHARED = f"{COMMANDS}/spending/command.py"  # the one way in
LANE = "TransactionLane"
# A server stays and says in its log what it registers; a demonstration has a chain of its own.
APART = {"run_buyer", "run_controller", "run_judge", "run_node", "run_seller", "run_tower"}
DEMONSTRATIONS = "/demo.py"


@dataclass(frozen=True)
class Function:
    """What counts of a function.

    Attributes:
        path, name: where it is.
        called: (before the dot, behind it) of all that it calls.
        kinds: its parameters that are classes.
        is_marked: whether it has a `Spending`.
    """

    path: str
    name: str
    called: frozenset[tuple[str, str]]
    kinds: frozenset[str]
    is_marked: bool

    def opens_lane(self, openers: set[str]) -> bool:
        """Whether it makes a lane, opens a station to send, or calls what does."""
        return any(
            name in openers | {LANE}
            or (name == "open" and (before.endswith("Station") or before in self.kinds))
            for before, name in self.called
        )


def functions_of(path: str, text: str) -> Iterator[Function]:
    """Those of a module and of its classes; one within another belongs to that."""
    tree = ast.parse(text)
    nodes = [*tree.body, *(n for c in tree.body if isinstance(c, ast.ClassDef) for n in c.body)]
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            given = (*node.args.args, *node.args.kwonlyargs)
            kinds = {a.arg: ast.unparse(a.annotation) for a in given if a.annotation is not None}
            yield Function(
                path,
                node.name,
                frozenset(name_of(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)),
                frozenset(["cls", *(arg for arg, kind in kinds.items() if kind[:5] == "type[")]),
                "Spending" in kinds.values(),
            )


def name_of(called: ast.expr) -> tuple[str, str]:
    """(before the dot, behind it) of what is called."""
    match called:
        case ast.Name(id=name):
            return "", name
        case ast.Attribute(value=ast.Name(id=before), attr=name):
            return before, name
        case ast.Attribute(attr=name):
            return "?", name
        case _:
            return "", ""


@functools.cache
def read_functions() -> tuple[Function, ...]:
    """Of the whole package."""
    paths = find_files(".py", under=PACKAGE)
    return tuple(each for p in paths for each in functions_of(relative(p), p.read_text()))


def find_openers(functions: Sequence[Function]) -> list[Function]:
    """Those that open a lane; one that is called `open_...` hands that on to who calls it."""
    openers: set[str] = set()
    while True:
        found = [each for each in functions if each.opens_lane(openers)]
        named = {each.name for each in found if each.name.startswith("open_")}
        if named == openers:
            return found
        openers = named


def find_unmarked(functions: Sequence[Function]) -> list[str]:
    """Functions of the command line that send and have no `Spending` to say so."""
    return [
        f"{each.path}::{each.name}"
        for each in find_openers(functions)
        if each.path.startswith(COMMANDS) and each.path != SHARED
        if not each.path.endswith(DEMONSTRATIONS)
        if each.name not in APART and not each.name.startswith("open_") and not each.is_marked
    ]


def test_whoever_sends_in_the_command_line__is_marked_as_spending() -> None:
    assert find_unmarked(read_functions()) == []


def test_only_the_mark__makes_what_lets_a_command_send() -> None:
    made = [each.path for each in read_functions() if ("", "Spending") in each.called]
    assert made == [SHARED]


def test_elsewhere__what_opens_a_lane_is_called_so_that_it_is_found() -> None:
    hidden = [
        f"{each.path}::{each.name}"
        for each in find_openers(read_functions())
        if not each.path.startswith(COMMANDS) and "/demo/" not in each.path
        if not each.name.lstrip("_").startswith("open")
    ]
    assert hidden == []


@pytest.mark.parametrize(
    "planted",
    [
        "def tip(invocation):\n    with AnchorStation.open(1) as station:\n        pass\n",
        "def tip(invocation):\n    lane = TransactionLane(1, 2, 3)\n",
        "def open_box():\n    return FerryStation.open(1)\ndef tip(invocation):\n    open_box()\n",
        "def tip(invocation):\n    with ordering.open_device(1) as device:\n        pass\n",
        "def tip(invocation):\n    def inner():\n        RegistryStation.open(1)\n    inner()\n",
    ],
)
def test_a_planted_command_that_sends_unmarked__is_found(planted: str) -> None:
    functions = [*read_functions(), *functions_of(f"{COMMANDS}/ferry/commands.py", planted)]
    assert find_unmarked(functions) == [f"{COMMANDS}/ferry/commands.py::tip"]


def test_a_planted_command_that_only_looks__is_none_of_them() -> None:
    planted = "def tip(invocation):\n    with AnchorStation.look(1) as station:\n        pass\n"
    functions = [*read_functions(), *functions_of(f"{COMMANDS}/ferry/commands.py", planted)]
    assert find_unmarked(functions) == []
