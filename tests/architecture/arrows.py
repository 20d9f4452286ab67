"""Who may import whom in the package `edgemark`.

Rule 1: a part imports only the parts named beside it in `MAY_IMPORT`, and itself. A part is what
        stands next below `edgemark`; each file of the rooms in `FILES_APART` is one, and so are the
        rooms in `ROOMS_APART`.
Rule 2: a system never imports another system, and what is general (`party`, `demo` and all below
        them) imports no system.
Rule 3: the parts in `PURE` and all files of a system, but those that its tests name
        (`NAME_shells.py`), are pure: no clock, socket, file, thread, random source or chain, and
        nothing of `INPUT_OUTPUT`, directly or through what they import.
Rule 4: randomness has one door, `crypto/field/randomness.py`.
Rule 5: rooms of each system, and of the parts in `ROOMED`, import each other in one direction only.
Rule 6: the parts in `WITHOUT_A_CHAIN` reach no chain and nothing that stands on one (`OF_A_CHAIN`),
        directly or through what they import.
Rule 7: `web3` is known to `ledger` alone, `aiohttp` and what speaks MQTT to `transport` alone,
        `ape` to nobody.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from tests.architecture.checkout import walk_statements

PACKAGE = "edgemark"

_WORDS = frozenset({"amounts", "errors", "encoding", "identifiers", "keccak", "words"})
_PURE_CONFINEMENT = frozenset({"confinement.limits"})
_CONFINEMENT = _PURE_CONFINEMENT | frozenset(
    {
        "confinement.inside",
        "confinement.means",
        "confinement.running",
        "confinement.users",
        "confinement.watching",
    }
)
_FLOOR = (
    _CONFINEMENT
    | _WORDS
    | {
        "closing",
        "crypto",
        "files",
        "journal",
        "logs",
        "process",
        "seam",
        "settings",
        "untrusted",
    }
)
_SHARED = frozenset({"identity", "token", "anchoring", "election"})
FILES_APART = frozenset({"loop", "chronicle", "confinement", "storage"})
ROOMS_APART = frozenset({"party.evm", "demo.evm", "party.consortium", "demo.consortium"})
ROOMED = ("cli", "crypto", "party", "transport")
WITHOUT_A_CHAIN = frozenset({"party", "demo"})
OF_A_CHAIN = frozenset(
    {"ledger", "deployment", "token", "anchoring", "indexer", "resolver", *ROOMS_APART}
)
_PURE_LOOP = frozenset(
    {"loop.batch", "loop.errands", "loop.event_records", "loop.machine", "loop.moves"}
)
_LOOP = _PURE_LOOP | frozenset(
    {
        "loop.archive",
        "loop.condensing",
        "loop.tidying",
        "loop.memory",
        "loop.replay",
        "loop.runtime",
        "loop.threads",
    }
)
_PURE_CHRONICLE = frozenset({"chronicle.marks", "chronicle.steps", "chronicle.telling"})
_CHRONICLE = _PURE_CHRONICLE | frozenset(
    {"chronicle.pots", "chronicle.book", "chronicle.lookout", "chronicle.transactions"}
)
_PURE_STORAGE = frozenset({"storage.cid"})
_STORAGE = _PURE_STORAGE | frozenset({"storage.content", "storage.local"})
_CHAINLESS = _FLOOR | _LOOP | _STORAGE | {"metrics", "models", "transport"}
_GENERAL = _CHAINLESS | _SHARED | {"deployment", "indexer", "ledger"}
INPUT_OUTPUT = (
    (_LOOP - _PURE_LOOP)
    | (_CHRONICLE - _PURE_CHRONICLE)
    | (_STORAGE - _PURE_STORAGE)
    | (_CONFINEMENT - _PURE_CONFINEMENT)
    | {
        "demo",
        "deployment",
        "files",
        "indexer",
        "journal",
        "ledger",
        "metrics",
        "party",
        "process",
        "resolver",
        *ROOMS_APART,
        "transport",
    }
)
_PURE_ROOMS = _PURE_LOOP | _PURE_CHRONICLE | _PURE_STORAGE | _PURE_CONFINEMENT
PURE = _WORDS | _PURE_ROOMS | {"crypto", "models", "untrusted"}

MAY_IMPORT: dict[str, frozenset[str]] = {
    "words": frozenset(),
    "errors": frozenset({"words"}),
    "amounts": frozenset({"errors", "identifiers"}),
    "closing": frozenset(),
    "confinement": frozenset(),
    "confinement.inside": frozenset(),
    "confinement.limits": _WORDS,
    "confinement.means": _WORDS | {"confinement.limits", "confinement.running"},
    "confinement.running": _WORDS
    | {"confinement.limits", "confinement.users", "confinement.watching"},
    "confinement.users": _WORDS | {"confinement.limits"},
    "confinement.watching": _WORDS,
    "encoding": frozenset({"errors"}),
    "identifiers": frozenset({"errors", "keccak"}),
    "keccak": frozenset(),
    "crypto": _WORDS,
    "logs": _WORDS | {"settings"},
    "receipt": _WORDS | {"seam"},
    "seam": _WORDS,
    "files": _WORDS,
    "settings": _WORDS | {"files"},
    "journal": _WORDS | {"closing", "crypto", "logs", "seam", "files"},
    "ledger": _FLOOR,
    "storage": frozenset(),
    "storage.cid": _WORDS,
    "storage.content": _WORDS | {"storage.cid"},
    "storage.local": _FLOOR | {"storage.cid", "storage.content"},
    "transport": _FLOOR,
    "token": _FLOOR | {"ledger"},
    "anchoring": _FLOOR | {"ledger", "token"},
    "identity": _FLOOR | {"ledger", "transport"},
    "election": _FLOOR | {"ledger", "transport", "identity"},
    "untrusted": _WORDS,
    "models": _WORDS | {"crypto", "files", "untrusted"},
    "process": _WORDS,
    "loop": frozenset(),
    "loop.batch": frozenset(),
    "loop.errands": frozenset(),
    "loop.event_records": _WORDS,
    "loop.machine": _WORDS,
    "loop.moves": _WORDS | {"loop.event_records", "loop.machine"},
    "loop.replay": _FLOOR | {"loop.archive", "loop.machine"},
    "loop.archive": _FLOOR,
    "loop.threads": _FLOOR | _STORAGE | {"loop.errands", "loop.machine", "ledger", "transport"},
    "loop.condensing": _FLOOR | {"loop.machine", "loop.replay"},
    "loop.tidying": _FLOOR | {"loop.archive", "loop.replay"},
    "loop.memory": _FLOOR
    | {
        "loop.archive",
        "loop.batch",
        "loop.condensing",
        "loop.machine",
        "loop.replay",
        "loop.tidying",
    },
    "loop.runtime": _FLOOR | (_LOOP - {"loop.runtime"}) | _STORAGE | {"ledger", "transport"},
    "metrics": _FLOOR | {"transport"},
    "deployment": _FLOOR | {"ledger"},
    "indexer": _FLOOR | {"ledger", "deployment", "metrics"},
    "chronicle": frozenset(),
    "chronicle.marks": _WORDS,
    "chronicle.steps": _WORDS | {"chronicle.marks"},
    "chronicle.telling": _WORDS | {"chronicle.marks", "chronicle.steps"},
    "chronicle.lookout": _WORDS | {"deployment", "ledger", "settings"},
    "chronicle.transactions": _WORDS | {"chronicle.marks", "crypto", "deployment", "ledger"},
    "chronicle.pots": _WORDS | {"chronicle.marks", "anchoring", "ledger"},
    "chronicle.book": _WORDS
    | {"chronicle.marks", "chronicle.pots", "anchoring", "indexer", "ledger"},
    "resolver": _FLOOR | {"deployment", "identity", "indexer", "ledger", "metrics", "transport"},
    "party": _CHAINLESS | {"identity"},
    "party.evm": _GENERAL | {"party", "resolver"},
    "demo": _CHAINLESS | {"identity", "receipt", "party"},
    "party.consortium": _CHAINLESS | {"identity", "ledger", "party"},
    "demo.consortium": _CHAINLESS
    | {"identity", "ledger", "receipt", "party", "party.consortium", "demo"},
    "demo.evm": _GENERAL | {"receipt", "party", "party.evm", "demo"},
    "systems": _GENERAL | _CHRONICLE | {"receipt", "resolver", "party", "demo", *ROOMS_APART},
    "cli": _GENERAL
    | _CHRONICLE
    | {"receipt", "resolver", "party", "demo", *ROOMS_APART, "systems"},
    "__main__": frozenset({"cli"}),
    "dashboard": _GENERAL | _CHRONICLE | {"receipt", "party", *ROOMS_APART, "systems"},
}

# The one file of a pure part that touches the world.
SHELL_OF_PART = {"models": "files"}

_CLOCKS = {"datetime", "time"}
_FILES = {"io", "os", "pathlib", "shutil", "sqlite3", "tempfile"}
_NETWORK = {"aiohttp", "http", "requests", "select", "selectors", "socket", "ssl", "urllib"}
_PROCESSES = {"asyncio", "concurrent", "multiprocessing", "queue", "signal", "subprocess"}
_RANDOM = {"random", "secrets", "uuid"}
IMPURE = frozenset(_CLOCKS | _FILES | _NETWORK | _PROCESSES | _RANDOM | {"threading", "web3"})

# The one door to randomness reads the system's source; the kernel's choice reads one variable; a
# second is written as a date, and no clock is read.
PURE_BUT_FOR: dict[str, frozenset[str]] = {
    "edgemark.crypto.field.randomness": frozenset({"secrets", "os"}),
    "edgemark.crypto.field.kernel": frozenset({"os"}),
    "edgemark.identifiers": frozenset({"datetime"}),
}

KNOWN_TO_ONE = {
    "web3": "ledger",
    "aiohttp": "transport",
    "aiomqtt": "transport",
    "amqtt": "transport",
    "paho": "transport",
    "ape": "nobody",
}


@dataclass(frozen=True)
class Module:
    """One source file and every module that it imports, with the line."""

    name: str
    imports: tuple[tuple[str, int], ...]

    @property
    def part(self) -> str:
        """The word below `edgemark` that the module belongs to; empty for the package itself."""
        return part_of(self.name)

    @property
    def system(self) -> str | None:
        """The system that the module belongs to."""
        return system_of(self.name)

    @property
    def is_pure(self) -> bool:
        """Whether rule 3 holds for the module."""
        names = self.name.split(".")
        if self.part in PURE:
            return len(names) == 2 or names[2] != SHELL_OF_PART.get(self.part)
        if self.system is None:
            return False
        places = {".".join(names[3:length]) for length in range(4, len(names) + 1)}
        return not places & shells_of(self.system)


@cache
def shells_of(system: str) -> frozenset[str]:
    """Rooms of a system, rooms in them and files that touch the world; none where it names none."""
    try:
        module = import_module(f"tests.offchain.systems.{system}.{system}_shells")
    except ModuleNotFoundError:
        return frozenset()
    shells: frozenset[str] = module.SHELLS
    return shells


def part_of(module: str) -> str:
    """`crypto` for `edgemark.crypto.field.field`; empty for what is not below `edgemark`."""
    names = module.split(".")
    if names[0] != PACKAGE or len(names) == 1:
        return ""
    room = ".".join(names[1:3])
    return room if names[1] in FILES_APART or room in ROOMS_APART else names[1]


def system_of(module: str) -> str | None:
    """`outsourcing` for `edgemark.systems.outsourcing.protocol.life`."""
    names = module.split(".")
    return names[2] if names[:2] == [PACKAGE, "systems"] and len(names) > 2 else None


def read_modules(source_root: Path) -> dict[str, Module]:
    """Parse every module below `source_root`/edgemark."""
    modules = {}
    for path in sorted((source_root / PACKAGE).rglob("*.py")):
        names = list(path.relative_to(source_root).with_suffix("").parts)
        is_package = names[-1] == "__init__"
        name = ".".join(names[:-1] if is_package else names)
        tree = ast.parse(path.read_text(), filename=str(path))
        modules[name] = Module(name, tuple(_imports(tree, name, is_package)))
    return modules


def find_violations(modules: dict[str, Module]) -> list[str]:
    """Every import that breaks a rule, as `module:line: sentence`."""
    found = []
    for module in modules.values():
        for target, line in module.imports:
            found += [f"{module.name}:{line}: {text}" for text in _judge(module, target)]
        if module.is_pure:
            reach = _judge_reach(module, modules, INPUT_OUTPUT)
            found += [f"{module.name}: is pure and {text}" for text in reach]
        if module.part in WITHOUT_A_CHAIN:
            reach = _judge_reach(module, modules, OF_A_CHAIN)
            found += [f"{module.name}: is without a chain and {text}" for text in reach]
    return list(dict.fromkeys(found))


def _imports(tree: ast.Module, name: str, is_package: bool) -> Iterator[tuple[str, int]]:
    for node in walk_statements(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, name, is_package)
            yield origin, node.lineno
            # `from package import module` imports the module too
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def _absolute(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    above = name.split(".")
    above = above[: len(above) - node.level + (1 if is_package else 0)]
    return ".".join([*above, *([node.module] if node.module else [])])


def _judge(module: Module, target: str) -> Iterator[str]:
    outside = target.split(".", maxsplit=1)[0]
    if outside == PACKAGE:
        yield from _judge_inside(module, target)
        return
    if module.is_pure and outside in IMPURE - PURE_BUT_FOR.get(module.name, frozenset()):
        yield f"is pure and imports {outside}"
    if outside in _RANDOM and module.name != "edgemark.crypto.field.randomness":
        yield f"imports {outside}; crypto.field.randomness is the one door to randomness"
    if outside in KNOWN_TO_ONE and module.part != KNOWN_TO_ONE[outside]:
        yield f"imports {outside}, which {KNOWN_TO_ONE[outside]} may know"


def _judge_inside(module: Module, target: str) -> Iterator[str]:
    part = part_of(target)
    if module.part and module.part not in MAY_IMPORT:
        yield f"belongs to {module.part}, which has no place in MAY_IMPORT"
    elif part and part != module.part and part not in MAY_IMPORT.get(module.part, frozenset()):
        yield f"{module.part or PACKAGE} may not import {part}"
    other = system_of(target)
    if module.system and other and other != module.system:
        yield f"system {module.system} imports system {other}"


def _judge_reach(
    module: Module, modules: dict[str, Module], forbidden: frozenset[str]
) -> Iterator[str]:
    reached: set[str] = set()
    ways: list[tuple[str, ...]] = [(module.name,)]
    seen = {module.name}
    for way in ways:  # grows while it is walked: nearest first, so the shortest way is told
        for target, _ in modules[way[-1]].imports:
            part = part_of(target)
            if part in forbidden and part not in reached:
                reached.add(part)
                yield f"reaches {part} by {' -> '.join(way)}"
            elif target in modules and target not in seen:
                seen.add(target)
                ways.append((*way, target))


def find_circles(modules: dict[str, Module]) -> dict[str, list[str]]:
    """Rooms that import each other in a circle, by package: of every system that has a module."""
    systems = {f"systems.{module.system}" for module in modules.values() if module.system}
    packages = sorted(f"{PACKAGE}.{part}" for part in systems.union(ROOMED))
    return {each: circle for each in packages if (circle := find_circle(modules, each))}


def find_circle(modules: dict[str, Module], package: str) -> list[str]:
    """Rooms below a package that import each other in a circle; empty when there is none."""
    arrows: dict[str, set[str]] = {}
    for module in modules.values():
        room = room_of(module.name, package)
        targets = {room_of(target, package) for target, _ in module.imports if target in modules}
        if room:
            arrows.setdefault(room, set()).update(targets - {"", room})
    # What imports nothing that is left goes, until nothing is left but circles.
    while free := {room for room, targets in arrows.items() if not targets & arrows.keys()}:
        for room in free:
            del arrows[room]
    return sorted(arrows)


def room_of(module: str, package: str) -> str:
    """What stands next below a package and holds the module; empty for what is elsewhere."""
    return (
        module.removeprefix(f"{package}.").split(".")[0] if module.startswith(f"{package}.") else ""
    )
