"""Caliper, unmodified, puts a load on the development ledger by the profile that it is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT
from tests.offchain.ledger.embedded.served import ORG1, ORG2, development_ledger
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark.ledger.embedded.running.profiles import CALIPER, write_profiles

pytestmark = [pytest.mark.soak, pytest.mark.processes]

HERE = ROOT / ".caliper"
WORKLOAD = ROOT / "tests" / "stage" / "fabric_peers" / "caliper_workload.cjs"
COUNT, LIMIT_S = 1000, 240


def draft_benchmark() -> dict[str, object]:
    load = {"type": "fixed-load", "opts": {"transactionLoad": 32}}
    workload = {"module": str(WORKLOAD), "arguments": {"chaincode": "shelf"}}
    puts = {"label": "put", "txNumber": COUNT, "rateControl": load, "workload": workload}
    return {"test": {"name": "puts", "workers": {"number": 1}, "rounds": [puts]}}


def test_caliper__gets_every_transaction_committed(tmp_path: Path) -> None:
    program = HERE / "node_modules" / ".bin" / "caliper"
    assert program.exists(), f"{program} is missing: `make .caliper/.ready` installs it"
    with development_ledger(tmp_path / "ledger") as ledger:
        ledger.deploy("shelf", {ORG1: Shelf(), ORG2: Shelf()})
        write_profiles(ledger.thread.ledger)  # as the next start would: Caliper reads chaincodes
        workspace = tmp_path / "workspace"
        workspace.mkdir()
        (workspace / "benchmark.yaml").write_text(json.dumps(draft_benchmark()))
        facts = {
            "workspace": workspace,
            "networkconfig": ledger.thread.place.profiles / CALIPER,
            "benchconfig": "benchmark.yaml",
            "projectconfig": HERE / "nothing.yaml",
        }
        words = [f"--caliper-{name}={value}" for name, value in facts.items()]
        done = subprocess.run(
            [program, "launch", "manager", *words, "--caliper-flow-only-test"],
            env={**os.environ, "CALIPER": str(HERE)},
            cwd=HERE,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        told = done.stdout + done.stderr
        assert done.returncode == 0, told[-3000:]
        row = re.search(r"\| put +\| (\d+) +\| (\d+) +\| (.+)\|", told)
        assert row is not None, told[-3000:]
        assert (int(row[1]), int(row[2])) == (COUNT, 0)
        user = ledger.user(ORG2)
        kept = user.evaluate(user.propose("shelf", "list", "caliper-", "caliper-~"))
        assert len(json.loads(kept.payload)) == COUNT
