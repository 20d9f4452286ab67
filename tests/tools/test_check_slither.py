"""Every serious finding needs its explanation, and every explanation its finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tools.check_slither import (
    ROOT,
    SLITHER,
    Finding,
    SlitherBroken,
    compare,
    find_serious,
    read_explanations,
    run_slither,
)
from tools.compile_contracts import REMAPPING, read_settings

PLANTED = "contracts/mocks/planted/anchoring/PlantedPushPayout.sol"

KNOWN = Finding("incorrect-equality", "Anchor.check(uint256)")
OTHER = Finding("reentrancy-eth", "Anchor.pay(address)")


def function_element(contract: str, signature: str) -> dict[str, Any]:
    return {
        "type": "function",
        "name": signature.partition("(")[0],
        "type_specific_fields": {"parent": {"name": contract}, "signature": signature},
    }


def report_of(*impacts: str) -> dict[str, Any]:
    element = function_element("Anchor", "check(uint256)")
    found = [
        {"check": "incorrect-equality", "impact": impact, "elements": [element]}
        for impact in impacts
    ]
    return {"results": {"detectors": found}}


@pytest.mark.parametrize("impact", ["High", "Medium"])
def test_find_serious__takes_high_and_medium(impact: str) -> None:
    assert set(find_serious(report_of(impact))) == {KNOWN}


def test_find_serious__leaves_the_others() -> None:
    assert not find_serious(report_of("Low", "Informational", "Optimization"))


def test_find_serious__names_the_contract_where_no_function_is_named() -> None:
    element = {"type": "contract", "name": "Anchor", "type_specific_fields": {}}
    found = {"check": "locked-ether", "impact": "Medium", "elements": [element]}
    assert set(find_serious({"results": {"detectors": [found]}})) == {
        Finding("locked-ether", "Anchor")
    }


def test_compare__a_finding_without_a_reason_and_a_reason_without_a_finding() -> None:
    assert compare([KNOWN], [KNOWN]) == []
    assert compare([KNOWN, OTHER], [KNOWN]) == [f"not explained: {OTHER.check} in {OTHER.where}"]
    assert compare([], [KNOWN]) == [f"explained, but gone: {KNOWN.check} in {KNOWN.where}"]


ENTRY = '[[finding]]\ncheck = "a"\nwhere = "B.c()"\nreason = "{}"\n'


def test_read_explanations__gives_the_reasons() -> None:
    assert read_explanations(ENTRY.format("why")) == {Finding("a", "B.c()"): "why"}
    assert read_explanations("") == {}


@pytest.mark.parametrize(
    "text",
    [ENTRY.format(" "), '[[finding]]\ncheck = "a"\nwhere = "b"\n', ENTRY.format("x") * 2],
)
def test_read_explanations__incomplete_or_twice__is_refused(text: str) -> None:
    with pytest.raises(SlitherBroken):
        read_explanations(text)


def script(folder: Path, body: str) -> Path:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    "body",
    [
        "exit 0",
        'echo \'{"success": false, "results": {}}\' > "$2"; echo "analyzed (9 contracts with)"',
        # Slither ends well on a project that it does not understand.
        'echo \'{"success": true, "results": {}}\' > "$2"; echo "0 analyzed"',
    ],
)
def test_run_slither__that_did_not_do_its_work__is_refused(tmp_path: Path, body: str) -> None:
    # A stand-in for slither: the real one cannot be made to fail in these ways at will.
    with pytest.raises(SlitherBroken):
        run_slither([script(tmp_path, body)])


def test_run_slither__that_is_missing__is_refused(tmp_path: Path) -> None:
    with pytest.raises(SlitherBroken, match="missing"):
        run_slither([tmp_path / "nothing"])


def test_slither__finds_the_planted_reentrancy() -> None:
    """In its file alone: `make lint` and the part `static` read all of the contracts."""
    compiler = ("--solc", str(ROOT / ".solcx" / f"solc-v{read_settings(ROOT)[0]}"))
    remapped = ("--solc-remaps", REMAPPING)
    report, _ = run_slither(
        [SLITHER, PLANTED, *compiler, *remapped, "--fail-none", "--disable-color"]
    )
    planted = {f for f in find_serious(report) if f.where.startswith("PlantedPushPayout.")}
    assert any(finding.check.startswith("reentrancy") for finding in planted)
