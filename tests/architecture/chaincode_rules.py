"""What chaincode may import, and what would make two endorsers differ.

Rule 1: of `edgemark`, chaincode imports the words, `crypto`, the canonical JSON, and the pure room
        `systems/NAME/contract` of its own system.
Rule 2: `shim` imports no other room; `records` and `clock` stand on it, a system on all three; no
        system imports another. `shim`, `host` and `reloading` alone know the world: gRPC, messages,
        asyncio, processes, files. Nothing else imports more of Python than `PYTHON`.
Rule 3: what an endorser computes has no float, no order of a set, no hash or address of an object,
        no file.
Rule 4: `keys` and `rules` of a system, `records` and `clock` reach neither gRPC nor its messages:
        whoever is no chaincode may use them without.
Rule 5: a system of `edgemark` imports of the chaincode `keys` and `rules` of its own name; `cli`
        and what starts chaincode may import `host`; what ticks, `clock`.
Rule 6: of `edgemark`, the rooms `ledger.fabric` and `ledger.embedded` alone know gRPC.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.arrows import Module, system_of

PACKAGE = "edgemark_chaincode"
WORLDLY = frozenset({"shim", "host", "reloading"})
GROUND = frozenset({"shim", "host", "reloading", "records", "clock"})
BELOW = {
    "shim": frozenset[str](),
    "reloading": frozenset[str](),
    "host": frozenset({"shim", "reloading"}),
    "records": frozenset({"shim"}),
    "clock": frozenset({"shim", "records"}),
}
BELOW_A_SYSTEM = frozenset({"shim", "records", "clock"})
OF_EDGEMARK = (
    "edgemark.amounts",
    "edgemark.crypto",
    "edgemark.encoding",
    "edgemark.errors",
    "edgemark.identifiers",
    "edgemark.keccak",
    "edgemark.words",
    "edgemark.untrusted.canonical_json",
)
PYTHON = frozenset(
    {"__future__", "abc", "collections", "contextlib", "dataclasses", "enum", "functools"}
    | {"hashlib", "itertools", "operator", "re", "types", "typing"}
)
GRPC = frozenset({"grpc", "fabric_protos"})
CLOCKS_AND_CHANCE = frozenset({"datetime", "time", "random", "secrets", "uuid"})
KNOWS_GRPC = ("edgemark.ledger.fabric", "edgemark.ledger.embedded")
OF_CHAINCODE = {  # beside `keys` and `rules` of a system's own chaincode
    "host": ("edgemark.cli", *KNOWS_GRPC),
    "clock": ("edgemark.cli", "edgemark.party", "edgemark.demo", "edgemark.ledger"),
}
NO_ENDORSER = frozenset(
    {"float", "complex", "hash", "id", "open", "input", "eval", "exec", "print"}
)
ORDERED = frozenset({"list", "tuple", "enumerate", "iter", "next", "zip", "map", "filter"})
UNORDERED = frozenset({"sorted", "set", "frozenset", "len", "min", "max", "sum", "any", "all"})
SETS = frozenset({"set", "frozenset", "Set", "AbstractSet", "MutableSet"})


@dataclass(frozen=True)
class Source:
    """One file of the chaincode.

    Attributes:
        name: of the module.
        tree: what it says.
        is_package: whether it is an `__init__`.
    """

    name: str
    tree: ast.Module
    is_package: bool

    @property
    def room(self) -> str:
        """What stands next below the package; empty for the package itself."""
        names = self.name.split(".")
        return names[1] if len(names) > 1 else ""

    @property
    def is_worldly(self) -> bool:
        """Whether it may know the world."""
        return self.room in WORLDLY

    def imports(self, *, for_types: bool = True) -> Iterator[tuple[str, int]]:
        """Every module that it imports, with the line; `for_types` also what mypy alone reads."""
        for node in _walk(self.tree, for_types=for_types):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = self.name.split(".")[: None if self.is_package else -1]
                above = above[: len(above) - node.level + 1] if node.level else []
                origin = ".".join([*above, *([node.module] if node.module else [])])
                yield origin, node.lineno
                yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def read_sources(root: Path) -> dict[str, Source]:
    """Parse every module below `root`/edgemark_chaincode."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        names = list(path.relative_to(root).with_suffix("").parts)
        is_package = names[-1] == "__init__"
        name = ".".join(names[:-1] if is_package else names)
        found[name] = Source(name, ast.parse(path.read_text(), filename=str(path)), is_package)
    return found


def find_violations(sources: dict[str, Source]) -> list[str]:
    """What breaks rules 1 to 4, as `module:line: sentence`."""
    found = []
    for source in sources.values():
        for target, line in source.imports():
            found += [f"{source.name}:{line}: {text}" for text in _judge(source, target)]
        if not source.is_worldly:
            found += [f"{source.name}:{line}: {text}" for text, line in _judge_code(source.tree)]
        if _is_for_all(source):
            found += [f"{source.name}: reaches {each}" for each in _reach(source, sources)]
    return list(dict.fromkeys(found))


def find_offchain_violations(modules: dict[str, Module]) -> list[str]:
    """What of `edgemark` breaks rules 5 and 6."""
    found = []
    for module in modules.values():
        for target, line in module.imports:
            outside = target.split(".")[0]
            if outside in GRPC and not _is_below(module.name, *KNOWS_GRPC):
                found.append(f"{module.name}:{line}: imports {outside}, which is not its to know")
            if outside == PACKAGE and not _may_import_chaincode(module.name, target):
                found.append(f"{module.name}:{line}: may not import {target}")
    return found


def _may_import_chaincode(module: str, target: str) -> bool:
    names = target.split(".")
    if len(names) < 3:  # the package itself, or what an import of a file names on its way
        room = names[1] if len(names) == 2 else ""
        allowed = OF_CHAINCODE.get(room, ())
        return not room or room == system_of(module) or _is_below(module, *allowed)
    own = system_of(module)
    if own is not None and names[1] == own:
        return names[2] in ("keys", "rules")
    return _is_below(module, *OF_CHAINCODE.get(names[1], ()))


def _is_below(module: str, *places: str) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def _walk(tree: ast.AST, *, for_types: bool) -> Iterator[ast.AST]:
    yield tree
    for child in ast.iter_child_nodes(tree):
        is_typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if for_types or not is_typing:
            yield from _walk(child, for_types=for_types)


def _judge(source: Source, target: str) -> Iterator[str]:
    outside = target.split(".", maxsplit=1)[0]
    if outside in CLOCKS_AND_CHANCE and source.room != "reloading":
        yield f"imports {outside}: endorsers have other ones"
    if outside == PACKAGE:
        yield from _judge_room(source, target)
    elif outside == "edgemark":
        own = f"edgemark.systems.{source.room}.contract"
        allowed = OF_EDGEMARK if source.room in GROUND else (*OF_EDGEMARK, own)
        if not any(_is_below(target, each) or _is_below(each, target) for each in allowed):
            yield f"may not import {target}"
    elif not source.is_worldly and outside not in PYTHON:
        yield f"imports {outside}, which shim, host and reloading alone may"


def _judge_room(source: Source, target: str) -> Iterator[str]:
    names = target.split(".")
    room = names[1] if len(names) > 1 else ""
    below = BELOW.get(source.room, BELOW_A_SYSTEM)
    if room and room != source.room and room not in below:
        yield f"{source.room} may not import {room}"
    if room == source.room and source.name.endswith((".keys", ".rules")):
        yield from (f"may not import {each}" for each in names[2:3] if each == "contract")


def _is_for_all(source: Source) -> bool:
    is_own = source.room not in GROUND and source.name.endswith((".keys", ".rules"))
    return is_own or source.room in ("records", "clock")


def _reach(source: Source, sources: dict[str, Source]) -> Iterator[str]:
    ways, seen = [source], {source.name}
    for step in ways:  # grows while it is walked
        for target, _ in step.imports(for_types=False):
            if target.split(".")[0] in GRPC | {"asyncio"}:
                yield f"{target} by {step.name}"
            if target in sources and target not in seen:
                seen.add(target)
                ways.append(sources[target])


def _judge_code(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield "has a float", node.lineno
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield "divides to a float", node.lineno
        elif isinstance(node, ast.Call) and _name_of(node.func) in NO_ENDORSER:
            yield f"calls {_name_of(node.func)}", node.lineno
    for scope in _scopes(tree):
        sets = _names_of_sets(scope)
        yield from (
            (f"takes the order of a set: {said}", line) for said, line in _order(scope, sets)
        )


def _name_of(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr if isinstance(node.value, ast.Name) and node.value.id == "builtins" else ""
    return node.id if isinstance(node, ast.Name) else ""


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node


def _names_of_sets(scope: ast.AST) -> set[str]:
    names: set[str] = set()
    for _ in range(2):  # a set made of a set that is made further down
        for node in ast.walk(scope):
            if isinstance(node, ast.arg) and node.annotation and _is_set_type(node.annotation):
                names.add(node.arg)
            elif isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation):
                names.add(ast.unparse(node.target))
            elif isinstance(node, ast.Assign) and _is_set(node.value, names):
                names.update(ast.unparse(target) for target in node.targets)
            elif isinstance(node, ast.NamedExpr) and _is_set(node.value, names):
                names.add(node.target.id)
    return names


def _is_set_type(annotation: ast.AST) -> bool:
    outer = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return isinstance(outer, ast.Name) and outer.id in SETS


def _is_set(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call):
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        is_made = method in ("union", "intersection", "difference", "symmetric_difference")
        return _name_of(node.func) in ("set", "frozenset") or is_made
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub):
        return _is_set(node.left, names) or _is_set(node.right, names)
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in names


def _order(scope: ast.AST, sets: set[str]) -> Iterator[tuple[str, int]]:
    free = {
        id(argument)
        for node in ast.walk(scope)
        if isinstance(node, ast.Call) and _name_of(node.func) in UNORDERED
        for argument in node.args
    }
    for node in ast.walk(scope):
        taken: list[ast.expr] = []
        if isinstance(node, ast.For | ast.AsyncFor):
            taken = [node.iter]
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
            taken = [] if id(node) in free else [each.iter for each in node.generators]
        elif isinstance(node, ast.Starred):
            taken = [node.value]
        elif isinstance(node, ast.Call):
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if _name_of(node.func) in ORDERED or method in ("join", "extend", "fromkeys"):
                taken = [each for each in node.args if id(node) not in free]
            elif method == "pop" and isinstance(node.func, ast.Attribute) and not node.args:
                taken = [node.func.value]
        yield from ((ast.unparse(each), each.lineno) for each in taken if _is_set(each, sets))
