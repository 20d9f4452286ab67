"""What lists commands imports none of them; every command that is listed is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from edgemark.cli.main import edgemark
from edgemark.cli.terminal.lazy import LazyGroup

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"web3", "eth_account", "eth_utils", "eth_abi", "numpy", "aiohttp", "cryptography"}
WALLETS = {"web3", "eth_account", "eth_utils", "eth_abi", "rlp", "pydantic", "Crypto", "numpy"}
LIMIT_S = 120
COLUMNS = 80  # of a terminal


def list_groups(group: LazyGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[str, LazyGroup]]:
    """Every lazy group, by what a user types."""
    yield " ".join(words), group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, LazyGroup):
            yield from list_groups(command, (*words, name))


assert isinstance(edgemark, LazyGroup)
GROUPS = dict(list_groups(edgemark))
PLACES = [(words, name) for words, group in GROUPS.items() for name in group.places]


def edgemark_commands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command, groups too."""
    yield group.name or "", group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from edgemark_commands(command)
        else:
            yield name, command


def helped(command: click.Command) -> list[str]:
    """Lines of its help, on a terminal of 80 columns."""
    return CliRunner().invoke(command, ["--help"], terminal_width=COLUMNS).output.splitlines()


def modules_after(*words: str, **environment: str) -> set[str]:
    """Names of the libraries that one fresh run of the program imported."""
    script = (
        "import sys, atexit\n"
        "from edgemark.cli.main import main\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"main({list(words)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "offchain"), **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert done.stdout
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "words", [("--help",), ("outsourcing", "--help"), ("account", "--help"), ("config", "show")]
)
def test_what_needs_no_chain__imports_no_library_of_the_chain(words: tuple[str, ...]) -> None:
    seen = modules_after(*words)
    assert "click" in seen
    assert seen & HEAVY == set()


def test_a_server__starts_without_the_libraries_of_wallets() -> None:
    seen = modules_after("node", "run", "--help")
    assert "aiohttp" in seen
    assert seen & WALLETS == set()


def test_tab_key__offers_commands_without_importing_them() -> None:
    answer = modules_after(
        _EDGEMARK_COMPLETE="bash_complete", COMP_WORDS="edgemark outsourcing ex", COMP_CWORD="2"
    )
    assert answer & HEAVY == set()


@pytest.mark.parametrize(("words", "name"), PLACES)
def test_listed_command__is_there_and_its_summary_is_not_cut(words: str, name: str) -> None:
    group = GROUPS[words]
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.name == name
    assert command.help
    listed = CliRunner().invoke(group, ["--help"], terminal_width=COLUMNS).output.splitlines()
    summary = group.places[name].summary
    assert any(line.split() == [name, *summary.split()] for line in listed), name


def test_no_command__is_listed_with_a_cut_summary() -> None:
    cut = [
        f"{name}: {line.strip()}"
        for name, command in edgemark_commands(edgemark)
        if isinstance(command, click.Group)
        for line in helped(command)[1:]
        if line.endswith("...")
    ]
    assert cut == []


def test_every_group__lists_each_command_once() -> None:
    own = {"", "account", "credential", "demo", "identity", "index", "ledger"}
    parts = ("offer", "qualification", "settlement", "template")
    trading = {f"trading {each}" for each in parts}
    assert set(GROUPS) == {*own, *trading, "outsourcing", "trading"}
    names = edgemark.list_commands(click.Context(edgemark))
    assert names == sorted(set(names))
    assert {*own - {""}, *edgemark.places} == set(names)
