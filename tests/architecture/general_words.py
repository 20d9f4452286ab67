"""What is general, and how words of systems are found in it.

What is general is everything below `edgemark` but the systems, their commands and the catalogue,
and the stage on which the tests of every system play. The command line lists the systems by name.
Whatever is under way for somebody is to the ground a *matter*; "job" is one system's word for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tools.systems_of_tests import list_systems

PACKAGE, STAGE = Path("offchain/edgemark"), Path("tests/stage")  # below the checkout
LISTING = "cli/systems.py"  # of the systems, by name
KIND = re.compile(r'ContractKind\(\s*"(\w+)"')
EVENT = re.compile(r"^class (\w+)\(ChainEvent\)", re.MULTILINE)
WORDS = ("jobs?", "judges?", "settlements?", "compute nodes?", "COMPUTE_NODE", "ENCLAVE")


def words_of_systems(root: Path) -> re.Pattern[str]:
    """Names of the systems of a checkout, of their contracts and events, and their parties."""
    found = set(list_systems(root))
    for path in (root / PACKAGE / "systems").rglob("*.py"):
        text = path.read_text()
        found |= {*KIND.findall(text), *EVENT.findall(text)}
    return pattern_of([*sorted(found), *WORDS])


def pattern_of(words: Sequence[str]) -> re.Pattern[str]:
    """Any of these expressions, as a word, in capitals or not."""
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


def find_words(
    general: Path, words: re.Pattern[str], systems: Sequence[str]
) -> dict[str, frozenset[str]]:
    """By file below a general folder, those of the words that stand in it.

    Args:
        general: the package or the stage.
        words: that no general file has.
        systems: that there are; their own files are left out.
    """
    own = ("systems/", "cli/catalogue.py", *(f"cli/{name}/" for name in systems))
    found = {}
    for path in sorted(general.rglob("*.py")):
        name = path.relative_to(general).as_posix()
        if name.startswith(own):
            continue
        met = {word.lower().removesuffix("s") for word in words.findall(path.read_text())}
        if name == LISTING:
            met -= set(systems)
        if met:
            found[name] = frozenset(met)
    return found
