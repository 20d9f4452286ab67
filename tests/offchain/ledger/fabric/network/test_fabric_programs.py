"""Fabric's programs: found, too old, missing, and what they say when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.network.programs import (
    NEEDED,
    ProgramFailed,
    find_programs,
    plain_environment,
    read_version,
)
from edgemark.ledger.launching.program import ToolMissing


def install(folder: Path, text: str = "echo ' Version: v3.1.5'", names: tuple[str, ...] = NEEDED):
    """Programs of these names that do what `text` says."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return {"FABRIC_BIN": str(folder), "PATH": "/nowhere"}


def test_find_programs__in_the_folder_that_is_named__come_first(tmp_path: Path) -> None:
    named = install(tmp_path / "named")
    on_path = install(tmp_path / "path", "echo ' Version: 2.5.16'")
    found = find_programs({**named, "PATH": on_path["FABRIC_BIN"]})
    assert (found.version, found.has_bft) == ("3.1.5", True)
    assert found.paths["osnadmin"] == tmp_path / "named" / "osnadmin"
    found = find_programs({"PATH": on_path["FABRIC_BIN"]})
    assert (found.version, found.number, found.has_bft) == ("2.5.16", (2, 5), False)


def test_find_programs__some_missing__names_them_and_how_they_are_installed(
    tmp_path: Path,
) -> None:
    place = install(tmp_path / "bin", names=("peer", "orderer", "configtxgen"))
    with pytest.raises(ToolMissing, match="cryptogen, osnadmin are not installed") as missing:
        find_programs(place)
    assert "install-fabric.sh" in missing.value.remedy
    assert "FABRIC_BIN" in missing.value.remedy


@pytest.mark.parametrize("text", ["Version: 1.4.12", "Version: v2.2.0", "", "Version: latest"])
def test_read_version__too_old_or_none__is_refused(text: str) -> None:
    with pytest.raises(RefusedInput):
        read_version(text)


def test_run__of_a_program_that_fails__tells_its_last_words(tmp_path: Path) -> None:
    place = install(tmp_path / "bin")
    found = find_programs(place)
    install(tmp_path / "bin", 'echo "$FABRIC_CFG_PATH: no such profile" >&2; exit 1')
    with pytest.raises(ProgramFailed, match="failed") as failed:
        found.run("configtxgen", "-profile", "Nobody", settings=tmp_path)
    assert failed.value.who == "configtxgen -profile Nobody"
    assert failed.value.had == f"{tmp_path}: no such profile |"


def test_plain_environment__keeps_what_would_overrule_our_settings_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CORE_PEER_ADDRESS", "ORDERER_GENERAL_LISTENPORT", "FABRIC_CFG_PATH", "LC_OWN"):
        monkeypatch.setenv(name, "theirs")
    environment = plain_environment(tmp_path)
    assert environment["FABRIC_CFG_PATH"] == str(tmp_path)
    assert environment["LC_OWN"] == "theirs"
    assert not [name for name in environment if name.startswith(("CORE_", "ORDERER_"))]
