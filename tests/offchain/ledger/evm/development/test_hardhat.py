"""Where Hardhat is looked for, and the settings that it is given."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemark.ledger.evm.development.hardhat import NPM_PROGRAM, find_hardhat, write_settings
from edgemark.ledger.evm.development.node import ChainOptions
from edgemark.ledger.launching.program import ToolMissing


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that no checkout surrounds, with a Node.js that is the only program on PATH."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name).resolve()
        (folder / "bin").mkdir()
        (folder / "bin" / "node").write_text("#!/bin/sh\n")
        (folder / "bin" / "node").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder / "bin"))
        yield folder


def test_find_hardhat__no_node_js__says_so(outside: Path) -> None:
    (outside / "bin" / "node").unlink()
    with pytest.raises(ToolMissing, match=r"Node\.js"):
        find_hardhat(outside)


def test_find_hardhat__nowhere__says_how_to_install_it(outside: Path) -> None:
    with pytest.raises(ToolMissing) as missing:
        find_hardhat(outside)
    assert "make setup" in missing.value.remedy
    assert "npm install hardhat@2" in missing.value.remedy


def test_find_hardhat__below_a_folder_above__is_found(outside: Path) -> None:
    program = outside / NPM_PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text("")
    deep = outside / "some" / "where"
    deep.mkdir(parents=True)
    assert find_hardhat(deep) == (outside / "bin" / "node", program)


@pytest.mark.parametrize(
    ("block_time_s", "mining"),
    [(None, {"auto": True, "interval": 0}), (1, {"auto": False, "interval": 1000})],
)
def test_write_settings__block_time__is_in_milliseconds(
    block_time_s: float | None, mining: dict[str, object]
) -> None:
    network = write_settings(ChainOptions(block_time_s=block_time_s))["networks"]["hardhat"]
    assert network["mining"] == mining
    assert network["hardfork"] == "prague"
    assert "initialBaseFeePerGas" not in network
