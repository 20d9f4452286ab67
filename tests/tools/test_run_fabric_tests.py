"""`make test-fabric`: which files it runs, and what it says where the programs are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.run_fabric_tests import find_tests, main


def test_find_tests__finds_files_by_their_marker() -> None:
    found = find_tests()
    assert "tests/offchain/ledger/fabric/network/test_real_network.py" in found
    assert "tests/offchain/ledger/embedded/doors/test_table_of_answers.py" in found, "by a fixture"
    assert "tests/offchain/ledger/launching/test_programs_of_a_folder.py" not in found


def test_main__without_the_programs__fails_and_says_how_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FABRIC_BIN", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main() == 2
    said = capsys.readouterr().err
    assert "peer, orderer, configtxgen, cryptogen, osnadmin are not installed" in said
    assert "install-fabric.sh" in said
