"""`edgemark demo outsourcing --json`, as a user runs it: three jobs, three misbehaviours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.stage.browser import check_look, open_browser
from tests.stage.forks import ENVIRONMENT
from tests.stage.playhouse import whole_stage

from edgemark.amounts import SUPPLY, format_tokens
from edgemark.cli.catalogue import GROUPS
from edgemark.demo.evm.stage import PARTY_TOKENS
from edgemark.deployment.deployment import Deployment
from edgemark.party.evm.contracts import BaseContracts
from edgemark.token.records import Purpose

pytestmark = whole_stage(54)

PAGE = "receipt.html"
LIMIT_S = 420  # on a busy machine


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("demo")
    return run_demo(folder, "--html", str(folder / PAGE))


def run_demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end; the folder is its last word."""
    words = ["demo", "outsourcing", "--json", *options, "--keep", str(folder)]
    return subprocess.run(
        [sys.executable, "-m", "edgemark", *words],
        env={**ENVIRONMENT, **clean_environment()},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def clean_environment() -> dict[str, str]:
    """What a user has: no setting of this project."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EDGEMARK_")}


@pytest.fixture(scope="module")
def receipt(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(run.stdout)
    return parsed


def test_demo__ends_with_status_0_and_no_traceback(
    run: subprocess.CompletedProcess[str],
) -> None:
    assert run.returncode == 0, run.stderr[-2000:]
    assert "Traceback" not in run.stderr


def test_demo__prints_one_json_value_on_standard_output(
    run: subprocess.CompletedProcess[str],
) -> None:
    assert len(run.stdout.strip().splitlines()) == 1


def test_receipt__has_the_documented_form(receipt: dict[str, Any]) -> None:
    assert set(receipt) == {
        "system",
        "ok",
        "about",
        "caveats",
        "checks",
        "parties",
        "tokens_before",
        "tokens_after",
        "seconds",
        "evidence",
    }
    assert receipt["system"] == "outsourcing"
    assert receipt["ok"] is True
    for check in receipt["checks"]:
        assert set(check) == {"name", "passed", "seen", "expected"}
    for party in receipt["parties"]:
        assert set(party) == {"name", "role", "before", "after", "account"}
    assert all(seconds >= 0 for seconds in receipt["seconds"].values())


def test_receipt__every_check_passed(receipt: dict[str, Any]) -> None:
    assert [check for check in receipt["checks"] if check["passed"] is not True] == []


def test_receipt__all_three_misbehaviours_were_convicted(receipt: dict[str, Any]) -> None:
    convicted = [check["seen"] for check in receipt["checks"] if "convicted" in check["name"]]
    assert convicted == ["3", "5", "2"]


def test_receipt__every_party_stands_in_it_with_its_role(receipt: dict[str, Any]) -> None:
    roles = [party["role"] for party in receipt["parties"]]
    assert roles.count("compute node") == 6
    assert roles.count("judge") == 4
    assert roles.count("payer") == 1


def test_receipt__parties_and_supply_add_up(receipt: dict[str, Any]) -> None:
    before = sum(int(party["before"]) for party in receipt["parties"])
    after = sum(int(party["after"]) for party in receipt["parties"])
    assert before == after == int(receipt["tokens_before"]) == int(receipt["tokens_after"])
    assert before == 10**9 * 10**18


def test_receipt__shows_stakes_and_vesting_as_they_were_deployed(
    run: subprocess.CompletedProcess[str], receipt: dict[str, Any]
) -> None:
    manifest = Deployment.load(Path(run.args[-1]) / "deployment.json", GROUPS, 31337)
    rows = {party["name"]: party for party in receipt["parties"]}
    servers = [name for name in rows if name.startswith(("node ", "judge "))]
    stakes = len(servers) * manifest.group(BaseContracts).staking.min_stake
    community = manifest.group(BaseContracts).allocations[Purpose.COMMUNITY].amount
    funded = PARTY_TOKENS * (len(servers) - 4 + 1)  # the nodes and the device; judges need none
    for name, role, expected in (
        ("providers", "stakes", stakes),
        ("allocations", "supply under vesting", SUPPLY - community),
        ("operator", "has the community's tokens", community - funded - stakes),
    ):
        row = rows[name]
        assert (row["role"], int(row["before"])) == (role, expected)
        assert row["after"] == row["before"], name
    seen = {check["name"]: check["seen"] for check in receipt["checks"]}
    assert seen["stakes of providers untouched"] == format_tokens(stakes)


def test_receipt__says_what_it_cost_and_what_it_does_not_protect(receipt: dict[str, Any]) -> None:
    evidence = receipt["evidence"]
    for party in ("device:", "nodes:", "judges:", "chain:"):
        measured = [value for name, value in evidence.items() if name.startswith(party)]
        assert measured, party
        assert min(measured) > 0, party
    assert "locally, one batch, floating point" in receipt["seconds"]
    assert [caveat for caveat in receipt["caveats"] if "t >= colluders + e" in caveat]


def test_r26_receipt__says_when_where_and_with_what(receipt: dict[str, Any]) -> None:
    about = receipt["about"]
    assert about["chain"] == "31337"
    assert about["contract"].startswith("JobSettlement 0x")
    assert "RidgeClassifier" in about["model"]
    assert "1,797 images" in about["data"]
    assert " UTC, block " in about["as of"]
    assert {"edgemark", "function", "example"} <= set(about)


def test_demo__leaves_no_process_behind(run: subprocess.CompletedProcess[str]) -> None:
    folder = run.args[-1]
    left = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if folder.encode() in read_quietly(path)
    ]
    assert left == []


def read_quietly(path: Path) -> bytes:
    """A command line, or nothing when its process has just ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.soak  # test_outsourcing_script.py has a whole job on Hardhat, with its receipt
def test_demo__on_a_hardhat_node__has_the_same_receipt(
    tmp_path: Path, receipt: dict[str, Any]
) -> None:
    run = run_demo(tmp_path, "--chain", "hardhat")
    assert run.returncode == 0, run.stderr[-2000:]
    other = json.loads(run.stdout)
    assert other["ok"] is True
    assert other["checks"] == receipt["checks"]
    assert other["parties"] == receipt["parties"]
    assert (tmp_path / "chain" / "hardhat.log").exists()
    assert not (tmp_path / "chain" / "anvil.log").exists()


def test_page__shows_the_images_the_dishonest_and_the_money(
    run: subprocess.CompletedProcess[str],
) -> None:
    path = Path(run.args[-1]) / PAGE
    assert path.stat().st_mode & 0o777 == 0o600
    page = path.read_text()
    assert "Everything adds up" in page
    assert page.count('class="pixels"') == 2 * 60  # each image, and the share of it
    assert page.count('class="mark no">convicted') == 3
    for words in ("node 3 lies", "node 5 commits and serves nothing", "found it wrong"):
        assert words in page
    assert 'class="flow"' in page
    assert "supply under vesting" in page
    with open_browser() as browser:
        check_look(browser, path)
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
