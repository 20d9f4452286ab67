"""`edgemark demo trading --json`, as a user runs it: four runs side by side, and the receipt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.stage.forks import ENVIRONMENT
from tests.stage.playhouse import whole_stage

pytestmark = whole_stage(75)

PAGE = "receipt.html"
LIMIT_S = 540  # on a busy machine
RUNS = ("run 1", "run 2", "run 3, older", "run 3, highest", "run 4")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The command, to its end; the folder is its last word."""
    folder = tmp_path_factory.mktemp("demo")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EDGEMARK_")}
    words = ["demo", "trading", "--json", "--html", str(folder / PAGE), "--keep", str(folder)]
    return subprocess.run(
        [sys.executable, "-m", "edgemark", *words],
        env={**ENVIRONMENT, **clean},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def receipt(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(run.stdout)
    return parsed


def test_trading_demo__every_check_passed(
    run: subprocess.CompletedProcess[str], receipt: dict[str, Any]
) -> None:
    assert [check for check in receipt["checks"] if check["passed"] is not True] == []
    assert run.returncode == 0, run.stderr[-2000:]
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("name", RUNS)
def test_trading_demo__each_run_has_its_end_its_vouchers_and_its_evidence(
    receipt: dict[str, Any], name: str
) -> None:
    told = {
        check["name"].removeprefix(f"{name}: "): check["expected"]
        for check in receipt["checks"]
        if check["name"].startswith(f"{name}: ")
    }
    assert {"amount that counted", "back to the buyer", "penalty"} <= told.keys()
    assert int(told["vouchers signed by both, by eth_account"]) >= 1
    assert told["evidence on chain = credentials held"] != "nothing"
    is_cheated = name.startswith(("run 3", "run 4"))
    assert ("answered with" in told) is is_cheated
    assert (told["penalty"] != "0") is is_cheated


def test_trading_demo__a_tower_answered_the_cheat_and_has_its_bonds(
    receipt: dict[str, Any],
) -> None:
    told = {check["name"]: check["seen"] for check in receipt["checks"]}
    assert told["tower: earned the bonds of the cheating buyer"] == "8.2"
    for run in ("run 3, older", "run 3, highest"):
        assert told[f"{run}: receipt of the tower"] == told[f"{run}: answered with"]
        assert f"{run}: shown with its delegation by" in told
    assert told["run 1: paid in the middle, by a checkpoint"] != "0"
    for run in RUNS:
        assert told[f"{run}: evidence of the initiation credential, and its signers"]


def test_trading_demo__everybody_stands_in_the_receipt_and_no_token_is_missing(
    receipt: dict[str, Any],
) -> None:
    roles = [party["role"] for party in receipt["parties"]]
    assert (roles.count("buyer"), roles.count("seller"), roles.count("controller")) == (4, 1, 1)
    sums = {
        each: sum(int(party[each]) for party in receipt["parties"]) for each in ("before", "after")
    }
    assert int(receipt["tokens_before"]) == int(receipt["tokens_after"]) >= sums["after"] > 0
    assert sums["before"] == sums["after"]


def test_trading_demo__says_what_a_settlement_cost(receipt: dict[str, Any]) -> None:
    told = receipt["evidence"]
    assert told["channels"] == len(RUNS)
    assert told["settlements, each signed by both and issued"] >= 10
    for name in (
        "transactions",
        "gas for each settlement",
        "credentials signed a second, one core",
    ):
        assert told[name] > 0, name


def test_trading_demo__its_page_shows_the_channels_and_the_money(
    run: subprocess.CompletedProcess[str],
) -> None:
    page = (Path(run.args[-1]) / PAGE).read_text()
    assert "Everything adds up" in page
    assert 'class="flow"' in page
    assert "bonds of buyer 3" in page
    assert "retainers of seller" in page


def test_trading_demo__leaves_no_process_behind(run: subprocess.CompletedProcess[str]) -> None:
    folder = str(run.args[-1]).encode()
    left = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if folder in path.read_bytes():
                left.append(path.parent.name)
        except OSError:
            continue
    assert left == []
