"""What the long tests may take all together, by who they belong to: seconds of their `lasts` marks.

The marks are what a file takes on two processors that do little else. Nobody measures them here: a
busy machine is no failure. Who adds a long test takes the time from another, or says why not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.architecture.checkout import find_files, relative
from tools.pure_tests import find_pure
from tools.run_tests import PROCESS_WORKERS, find_processes
from tools.systems_of_tests import belongs_to, list_systems

MARK = re.compile(r"\b(?:lasts|whole_stage)\((\d+)\)")
GROUND = "ground"
# Seconds by part and owner.
BUDGETS = {
    # 30 of them for identities and credentials, on two chains and beside another resolver;
    # 8 to outwait programs
    ("unit", GROUND): 125,
    # a system that is begun, and the gas of every function: they may wait
    ("pure", GROUND): 84,
    ("unit", "outsourcing"): 10,
    # 50 for each phase of a channel, on chains of its own; 80 for controllers that serve and are
    # refused things, 40 for towers that serve, fail, and are killed, and 95 for sellers, likewise;
    # 30 for what a stranger makes of a channel's evidence; 3 for a controller's that goes to a
    # consortium ledger
    ("unit", "trading"): 378,
    # beside whole jobs, which leave them two fifths of both processors
    ("pure", "outsourcing"): 50,
    # four parties, each killed at records of its journal, and the demonstration of all four
    # 47 for its evidence on a consortium ledger, and the demonstration of that, here and elsewhere
    ("processes", "trading"): 617,
    # two thirds of it: every command of every page; 110 for the consortium ledger: killed, served
    # by its own process, spoken to by the programs of others
    ("processes", GROUND): 455,
    ("processes", "outsourcing"): 775,
}
OF_A_SYSTEM = {"pure": 45, "unit": 45, "processes": 330}  # that names no budget of its own
OWNERS = (GROUND, *list_systems())
LONGEST = 200  # of a file: a worker that begins with it is not the last by much


@cache
def sums() -> Counter[tuple[str, str]]:
    """Seconds of the marks by part and owner."""
    parts = dict.fromkeys(find_pure(), "pure") | dict.fromkeys(find_processes(None), "processes")
    found: Counter[tuple[str, str]] = Counter()
    for path, seconds in marked_files():
        found[parts.get(relative(path), "unit"), owner_of(path)] += seconds
    return found


def marked_files() -> Iterator[tuple[Path, int]]:
    """Files with a mark, without those of `make soak` alone."""
    for path in find_files(".py", under="tests"):
        is_for_soak = relative(path).startswith("tests/soak/")
        if path.name.startswith("test_") and not is_for_soak:
            seconds = [int(number) for number in MARK.findall(path.read_text())]
            if seconds:
                yield path, sum(seconds)


def owner_of(path: Path) -> str:
    systems = list_systems()
    return next((name for name in systems if belongs_to(path, [name])), GROUND)


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("part", OF_A_SYSTEM)
def test_long_tests__take_no_more_than_their_budget(part: str, owner: str) -> None:
    assert {name for _, name in sums()} <= set(OWNERS)
    assert sums()[part, owner] <= BUDGETS.get((part, owner), OF_A_SYSTEM[part])


def test_no_file__takes_so_long_that_other_workers_wait_for_it() -> None:
    assert {relative(p): s for p, s in marked_files() if s > LONGEST} == {}
    assert sum(seconds for _, seconds in marked_files()) > PROCESS_WORKERS * LONGEST


def test_every_file_with_a_stage_of_its_own__says_how_long_it_takes() -> None:
    marked = {path for path, _ in marked_files()}
    stages = [p for p in find_files(".py", under="tests/end_to_end") if p.name[:5] == "test_"]
    assert [relative(path) for path in stages if path not in marked] == []
