"""Which tests wait for nothing but a processor, so that they may run beside whole jobs.

Rule: neither the test file nor what it imports from the checkout's tests and tools names a chain, a
      thread, a socket, a server, another program that runs beside it (a browser), a clock, or a
      limit of time (`TIMED`).
A file that only talks of one is passed over too: it runs where it would run anyway. A file that
starts what it needs and has all the time for it says so itself (marker `patient`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tools.systems_of_tests import belongs_to

ROOT = Path(__file__).resolve().parent.parent
TIMED = re.compile(
    r"\b(?:\w*Thread\w*|threading|concurrent|multiprocessing|asyncio|sockets?|websockets"
    r"|http\.client|HttpServer|urllib\.request|raw_server|lone_server|lone_broker"
    r"|mosquitto_process|browser|playhouse|forks|Popen|Anvil|mark\.(?:chain|processes)|whole_stage"
    r"|couriers|engine_cast|timeout|limit_s|LIMIT_S|PATIENCE_S"
    r"|time\.(?:sleep|time)|monotonic|perf_counter|wait_until)\b"
)
PATIENT = re.compile(r"\bmark\.patient\b")
TREES = ("tests", "tools", "benchmarks")


def find_pure(others: Iterable[str] = (), root: Path = ROOT) -> list[str]:
    """Files of pure tests from the root of the checkout, sorted.

    Args:
        others: systems whose tests stay away.
        root: of the checkout.
    """
    away = list(others)
    return sorted(
        path.relative_to(root).as_posix()
        for path in (root / "tests").rglob("test_*.py")
        if not path.is_relative_to(root / "tests" / "contracts")
        and not belongs_to(path, away, root)
        and is_pure(path, root)
    )


def is_pure(path: Path, root: Path = ROOT) -> bool:
    """Whether neither a file nor anything it imports from `TREES` names what has a time.

    Or the file says that it may wait.
    """
    if PATIENT.search(path.read_text()):
        return True
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        if _is_timed(one):
            return False
        seen.add(one)
        waiting += _imported(one, root)
    return True


@cache
def _is_timed(path: Path) -> bool:
    return TIMED.search(path.read_text()) is not None


@cache
def _imported(path: Path, root: Path) -> tuple[Path, ...]:
    tree = ast.parse(path.read_text())
    names = (name for node in ast.walk(tree) for name in _names_of(node))
    places = (root / f"{name.replace('.', '/')}.py" for name in names)
    return tuple(place for place in places if place.is_file())


def _names_of(node: ast.AST) -> Iterator[str]:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return (name for name in names if name.partition(".")[0] in TREES)
