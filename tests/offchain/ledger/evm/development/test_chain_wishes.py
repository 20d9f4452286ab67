"""`chain up` of a folder whose chain runs: found again, or refused where it is not as wished."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stage.command_line import edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.ledger.evm.development.keeping import NOTE_OF_KEEPER
from edgemark.ledger.evm.development.launching import NOTE
from edgemark.process import start_ticks

URL = "http://127.0.0.1:8545"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder whose note names a process that runs; no chain is there."""
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        facts = {"kind": "anvil", "pid": process.pid, "started": start_ticks(process.pid)}
        write_note(tmp_path, {**facts, "port": 8545, "block_time_s": 1})
        yield tmp_path


def write_note(home: Path, facts: dict[str, object]) -> None:
    (home / "chain").mkdir(exist_ok=True)
    (home / "chain" / NOTE).write_text(json.dumps(facts))


@pytest.mark.parametrize(
    "words", [(), ("--port", "8545"), ("--port", "0"), ("--port", "8545", "--block-time", "1")]
)
def test_chain_up__as_it_runs__is_found_again(home: Path, words: tuple[str, ...]) -> None:
    done = edgemark_here("chain", "up", "--home", home, *words)
    assert (done.status, done.out) == (Exit.DONE, f"chain is up at {URL}\n")


@pytest.mark.parametrize(
    ("words", "had", "needed"),
    [
        (("--port", "8555"), "port 8545", "port 8555"),
        (("--block-time", "7"), "block_time_s 1", "block_time_s 7"),
    ],
)
def test_chain_up__otherwise_than_it_runs__is_refused_and_names_the_running_one(
    home: Path, words: tuple[str, ...], had: str, needed: str
) -> None:
    done = edgemark_here("chain", "up", "--home", home, *words)
    assert done.status == Exit.REFUSED_INPUT
    assert f"{URL}: chain of this folder runs already, and otherwise" in done.complaint
    assert f"had {had}; needed {needed}" in done.complaint
    assert "edgemark chain down" in done.complaint


def test_chain_up__beside_a_note_of_before__knows_no_block_time_to_refuse(home: Path) -> None:
    facts = json.loads((home / "chain" / NOTE).read_bytes())
    del facts["block_time_s"]
    write_note(home, facts)
    assert edgemark_here("chain", "up", "--home", home, "--block-time", "7").status == Exit.DONE
    assert edgemark_here("chain", "up", "--home", home, "--port", "1").status == Exit.REFUSED_INPUT


# --- a chain that comes with servers ---

WITH_NODES = ("--with-nodes", "6")
TOLD = {
    "url": URL,
    "chain": "anvil",
    "servers": "6 nodes and 4 judges",
    "network": "/somewhere/network",
    "device": "/somewhere/network/device",
    "manifest": "/somewhere/network/deployment.json",
    "commands": [["index", "nodes", "--home", "/some where"]],
}


def note_keeper(home: Path, facts: dict[str, object]) -> None:
    """Let the process that the note of the chain names keep it company."""
    chain = json.loads((home / "chain" / NOTE).read_bytes())
    write_note(home, {**chain, "with": "nodes 6"})
    own = {"pid": chain["pid"], "started": chain["started"]}
    (home / "chain" / NOTE_OF_KEEPER).write_text(json.dumps({**own, **facts}))


def test_chain_up__with_servers_beside_a_chain_alone__is_refused(home: Path) -> None:
    done = edgemark_here("chain", "up", "--home", home, *WITH_NODES)
    assert done.status == Exit.REFUSED_INPUT
    assert f"{URL}: chain of this folder runs already, and alone" in done.complaint
    assert "edgemark chain down" in done.complaint


@pytest.mark.parametrize("words", [(), WITH_NODES])
def test_chain_up__while_another_brings_it_up__is_refused(
    home: Path, words: tuple[str, ...]
) -> None:
    note_keeper(home, {})
    done = edgemark_here("chain", "up", "--home", home, *words)
    assert done.status == Exit.REFUSED_INPUT
    assert "are being brought up" in done.complaint


def test_chain_up__with_servers_that_are_there__says_again_what_to_type(home: Path) -> None:
    note_keeper(home, {"told": TOLD})
    done = edgemark_here("chain", "up", "--home", home, *WITH_NODES)
    assert done.status == Exit.DONE
    assert f"chain is up at {URL}: for development only" in done.out
    assert "  edgemark index nodes --home '/some where'\n" in done.out
    assert f"  edgemark chain down --home {home}\n" in done.out
    shown = edgemark_here("chain", "up", "--home", home, *WITH_NODES, "--json").value
    assert {**shown, "commands": TOLD["commands"]} == TOLD
    assert edgemark_here("chain", "up", "--home", home).out == f"chain is up at {URL}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--with-nodes", "7"), "had with nodes 6; needed with nodes 7"),
        ((*WITH_NODES, "--port", "8555"), "had port 8545; needed port 8555"),
        ((*WITH_NODES, "--chain", "hardhat"), "had kind anvil; needed kind hardhat"),
        (("--with-nodes", "5"), "5 is not in the range 6 .. 24"),
    ],
)
def test_chain_up__with_other_servers_than_are_there__is_refused(
    home: Path, words: tuple[str, ...], said: str
) -> None:
    note_keeper(home, {"told": TOLD})
    done = edgemark_here("chain", "up", "--home", home, *words)
    assert done.status == Exit.REFUSED_INPUT
    assert said in done.error
