"""What systems hand to the ground by name is of one system: of two of a name, one would be lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT
from tools.systems_of_tests import list_systems

NAMED = re.compile(r'name_role\(\s*(\d+),\s*"(\w+)"')
BLOCK = re.compile(r"(\w+) (\d+) to (\d+)")  # of role numbers, as `Roles.sol` tells
BLOCK_SIZE, FIRST_SERVER = 16, 16
GROUND = "the ground"
LISTS = ("commands", "demonstrations", "networks", "queries", "roles", "contracts", "events")


def find_shared(owners: Mapping[str, Iterable[object]]) -> dict[object, list[str]]:
    """By name, who has it, when several do."""
    having: dict[object, list[str]] = {}
    for owner, names in owners.items():
        for name in set(names):
            having.setdefault(name, []).append(owner)
    return {name: who for name, who in having.items() if len(who) > 1}


def find_handed_in(kind: str) -> dict[str, Iterable[object]]:
    """By system, and for the ground, what it hands in by name."""
    from edgemark.cli import main
    from edgemark.cli.catalogue import GROUPS
    from edgemark.cli.systems import OF_SYSTEMS, SYSTEMS

    systems = dict(zip(SYSTEMS, OF_SYSTEMS, strict=True))
    match kind:
        case "commands":
            return {GROUND: main.OWN, **{name: each.GROUPS for name, each in systems.items()}}
        case "demonstrations" | "networks":
            listed = {"demonstrations": "DEMOS", "networks": "NETWORKS"}[kind]
            return {name: getattr(each, listed) for name, each in systems.items()}
        case "queries":
            return {GROUND: main.OWN_INDEX, **{n: each.QUERIES for n, each in systems.items()}}
        case "roles":
            return {GROUND: ("device", "provider"), **{each.NAME: each.ROLES for each in GROUPS}}
        case "contracts":
            return {group.NAME: [kind.name for kind in group.KINDS] for group in GROUPS}
    owners = {event: g.NAME for g in reversed(GROUPS) for kind in g.KINDS for event in kind.events}
    # What the ground hands to several is one type, and told from another of its name.
    return {g.NAME: [e.__name__ for e, owner in owners.items() if owner == g.NAME] for g in GROUPS}


def read_roles(root: Path) -> dict[str, dict[int, str]]:
    """By system, the role numbers that its files name."""
    return {
        name: {
            int(number): role
            for path in sorted((root / "offchain/edgemark/systems" / name).rglob("*.py"))
            for number, role in NAMED.findall(path.read_text())
        }
        for name in list_systems(root)
    }


def read_blocks(text: str) -> dict[str, range]:
    """By system, the numbers that `Roles.sol` says it has."""
    return {name: range(int(low), int(high) + 1) for name, low, high in BLOCK.findall(text)}


def test_role_numbers_and_their_names__are_of_one_system() -> None:
    roles = read_roles(ROOT)
    assert roles["outsourcing"] == {16: "COMPUTE_NODE", 17: "ENCLAVE"}
    assert find_shared({name: named.keys() for name, named in roles.items()}) == {}
    assert find_shared({name: named.values() for name, named in roles.items()}) == {}


def test_role_numbers__are_of_the_sixteen_that_are_written_down_for_the_system() -> None:
    blocks = read_blocks((ROOT / "contracts/identity/Roles.sol").read_text())
    for name, block in blocks.items():
        assert (len(block), block.start % BLOCK_SIZE) == (BLOCK_SIZE, 0), name
        assert block.start >= FIRST_SERVER, name
    assert find_shared(blocks) == {}
    told = (ROOT / "contracts/README.md").read_text()
    for name, named in read_roles(ROOT).items():
        assert set(named) <= set(blocks.get(name, ())), f"{name}: write its sixteen into Roles.sol"
        assert not named or f"{name} {blocks[name].start}" in told, f"{name}: and into README.md"


@pytest.mark.parametrize("kind", LISTS)
def test_what_systems_hand_in_by_name__is_of_one_of_them(kind: str) -> None:
    handed_in = find_handed_in(kind)
    assert "outsourcing" in handed_in
    assert find_shared(handed_in) == {}


def test_planted_names_of_two_systems__are_found_with_both(tmp_path: Path) -> None:
    for name, text in {
        "ferry": 'A = name_role(64, "PILOT")',
        "pier": 'name_role(\n64, "X")',
    }.items():
        package = tmp_path / "offchain/edgemark/systems" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text)
    roles = read_roles(tmp_path)
    assert roles == {"ferry": {64: "PILOT"}, "pier": {64: "X"}}
    assert find_shared(roles) == {64: ["ferry", "pier"]}
    assert find_shared({"ferry": ["a", "a"], "pier": {"b": 1}}) == {}
    assert read_blocks("(ferry 64 to 79, pier 80 to 95)") == {
        "ferry": range(64, 80),
        "pier": range(80, 96),
    }
