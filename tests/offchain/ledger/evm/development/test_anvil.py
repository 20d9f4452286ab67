"""What only Anvil does: found in several places, keeps its state, takes further arguments."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemark.ledger.evm.development.anvil import (
    MOST_STATES,
    STATES,
    AnvilNode,
    AnvilOptions,
    find_anvil,
)
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.launching.program import ProgramDied, ToolMissing

pytestmark = pytest.mark.chain


def test_start__an_argument_that_anvil_does_not_know__tells_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ProgramDied) as died:
        AnvilNode.start(tmp_path, AnvilOptions(extra=("--no-such-option",)))
    assert "--no-such-option" in str(died.value.had)
    assert str(tmp_path / "anvil.log") in died.value.remedy


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that no checkout surrounds: the tests' own may lie below one that has an Anvil."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder).resolve()


def test_find_anvil__nowhere__says_how_to_install_it(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(outside))
    with pytest.raises(ToolMissing) as missing:
        find_anvil(outside)
    assert "make setup" in missing.value.remedy
    assert "npm install" in missing.value.remedy


def test_find_anvil__below_a_folder_above__is_found(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(outside))
    program = outside / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    deep = outside / "some" / "where"
    deep.mkdir(parents=True)
    with pytest.raises(ToolMissing):
        find_anvil(deep)  # not executable
    program.chmod(0o755)
    assert find_anvil(deep) == program


def test_find_anvil__on_path__comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_anvil() == program


def test_state__of_a_chain_that_was_stopped__is_there_again(tmp_path: Path) -> None:
    options = AnvilOptions(block_time_s=None, state=tmp_path / "state.json")
    with AnvilNode.start(tmp_path / "first", options) as node:
        chain = EvmChain(node.url).connect()
        chain.rpc("anvil_setBalance", "0x" + "77" * 20, "0x7")
        chain.rpc("anvil_mine", "0x3")
    with AnvilNode.start(tmp_path / "second", options) as node:
        chain = EvmChain(node.url).connect()
        assert int(chain.rpc("eth_getBalance", "0x" + "77" * 20, "latest"), 16) == 7
        assert chain.head() == 3


def test_old_states__stay_in_the_folder_of_the_chain_and_go_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anvil's own choice is the user's home folder, without bound and for ever."""
    home, folder = tmp_path / "home", tmp_path / "chain"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with AnvilNode.start(folder, AnvilOptions(block_time_s=None)) as node:
        chain = EvmChain(node.url).connect()
        for _ in range(2 * MOST_STATES + 50):
            chain.rpc("evm_mine")
        kept = [path for path in (folder / STATES).rglob("*.json") if path.is_file()]
        assert 0 < len(kept) <= MOST_STATES
    assert not (folder / STATES).exists()
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_find_anvil__from_elsewhere__looks_around_the_package_too(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(outside))
    monkeypatch.chdir(outside)
    checkout = Path(__file__).parents[5]
    assert find_anvil() == find_anvil(checkout)
