"""How a new system may be called: by a word that nothing else of the checkout is called by.

A name becomes folders, modules, commands, a section of settings, the beginning of names of
contracts and events, and a word that the ground may not use
(`tests/architecture/general_words.py`).
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

from tests.architecture.empty_names import is_empty_name
from tests.architecture.general_words import (
    PACKAGE,
    STAGE,
    find_words,
    pattern_of,
    words_of_systems,
)
from tools.systems_of_tests import GROUND, list_systems, owners_of

from edgemark.cli.main import ACCOUNT, COMMANDS, DEMOS, INDEX
from edgemark.cli.systems import OF_SYSTEMS

NAME = re.compile(r"[a-z][a-z0-9]{2,15}")
MOST_TOLD = 3  # files in which a word stands
PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")  # of `openPage`, `open_page`, `OPEN_PAGE`
TAKEN_FOLDERS = (  # what stands in them is imported, collected or compiled by its name
    PACKAGE,
    PACKAGE / "cli",
    Path("contracts"),
    Path("contracts/interfaces"),
    Path("tests"),
    Path("tests/contracts"),
    Path("tests/offchain"),
    Path("tests/offchain/cli"),
)
# Solidity 0.8, "Reserved Keywords", "Language Grammar" and "Units": those that a name could be.
SOLIDITY = (
    "abstract address after alias anonymous apply assembly auto bool break byte bytes calldata "
    "case catch constant constructor continue contract copyof days default define delete else "
    "emit enum error ether event external fallback false final fixed for from function global "
    "gwei hours immutable implements import indexed inline int interface internal let library "
    "macro mapping match memory minutes modifier mutable new null override partial payable "
    "pragma private promise public pure receive reference relocatable return returns revert "
    "sealed seconds sizeof static storage string struct super supports switch this throw "
    "transient true try type typedef typeof ufixed uint unchecked unicode using var view "
    "virtual weeks wei while years"
)
SIZED = re.compile(r"(?:u?int|bytes|u?fixed)[0-9]+(?:x[0-9]+)?")  # types of Solidity


def check_name(name: str, root: Path, scaffold: Collection[str]) -> None:
    """Check that a new system may be called so.

    Args:
        name: that somebody chose.
        root: of the checkout.
        scaffold: texts and paths of the sources that are renamed.

    Raises:
        SystemExit: it may not; says why.
    """
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        sys.exit(f"{name!r} is no name: one word of 3 to 16 small letters and digits")
    if name in list_systems(root):
        sys.exit(f"there is a system {name}")
    why = next(chain(_meanings(name), _places(name, root, scaffold)), None)
    if why:
        sys.exit(f"no system can be called {name}: {why}; choose another name")


def _meanings(name: str) -> Iterator[str]:
    """What the word means already, wherever it stands."""
    if name == GROUND:
        yield f"SYSTEM={GROUND} asks for the tests of the ground alone"
    if keyword.issoftkeyword(name) or name in SOLIDITY.split() or SIZED.fullmatch(name):
        yield "it is a keyword of Python or Solidity"
    if is_empty_name(Path(name)):
        yield "it does not say what is inside"
    if name in _commands():
        yield "a command of edgemark is called so"


def _places(name: str, root: Path, scaffold: Collection[str]) -> Iterator[str]:
    """Where the checkout has it, the plainest first."""
    for folder in TAKEN_FOLDERS:
        if (root / folder / name).is_dir() or (root / folder / f"{name}.py").is_file():
            yield f"{(folder / name).as_posix()} is there"
    if any(name in {part.lower() for part in PARTS.findall(text)} for text in scaffold):
        yield "what is written for a new system uses the word for something else"
    if words_of_systems(root).fullmatch(name):
        yield "it is a word of another system"
    if owned := [path for path in _tests(root) if name in owners_of(path)]:
        yield f"{_some(owned)} would be its own"
    if used := _general_files(name, root):
        yield f"the ground, which may name no system, uses the word in {_some(used)}"


def _commands() -> set[str]:
    places = [COMMANDS, DEMOS, INDEX, ACCOUNT]
    places += [getattr(system, "COMMANDS", {}) for system in OF_SYSTEMS]
    return {"account", "demo", "index"}.union(*places)


def _tests(root: Path) -> list[Path]:
    """Files of tests, from the root."""
    return sorted(path.relative_to(root) for path in (root / "tests").rglob("test_*.py"))


def _general_files(name: str, root: Path) -> list[Path]:
    """Where the ground and the stage of the tests use the word, from the root."""
    systems = list_systems(root)
    return [
        general / file
        for general in (PACKAGE, STAGE)
        for file in find_words(root / general, pattern_of([name]), systems)
    ]


def _some(paths: list[Path]) -> str:
    told = ", ".join(path.as_posix() for path in paths[:MOST_TOLD])
    more = len(paths) - MOST_TOLD
    return f"{told} and {more} more" if more > 0 else told
