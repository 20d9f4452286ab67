"""`edgemark index` as a user types it, on a chain with our contracts and little else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain  # noqa: F401 - a fixture
from tests.waiting import wait_until

from edgemark.amounts import Amount
from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.indexer.store import IndexStore
from edgemark.indexer.subject import index_path
from edgemark.token.metacoin import MetaCoin
from edgemark.transport.ports import HeldPorts, hold_ports

pytestmark = pytest.mark.chain


@dataclass
class Desk:
    """A home folder and the commands typed there."""

    chain: SmallChain
    home: Path
    capture: pytest.CaptureFixture[str]

    def options(self) -> list[str]:
        """Where home and chain are."""
        return ["--home", str(self.home), "--chain-url", self.chain.chain.url]

    def type(self, *words: str) -> tuple[int, str]:
        """Run one command; (exit status, standard output)."""
        with pytest.raises(SystemExit) as left:
            main(["index", *words, *self.options()])
        return int(left.value.code or 0), self.capture.readouterr().out

    def ask(self, *words: str) -> dict[str, Any]:
        """The same, for JSON."""
        status, output = self.type(*words, "--json")
        assert status == Exit.DONE
        return json.loads(output)

    @property
    def file(self) -> Path:
        return index_path(self.home, self.chain.deployment)


@pytest.fixture
def desk(
    small_chain: SmallChain,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    small_chain.deployment.save(tmp_path / "deployments" / "31337.json")
    return Desk(small_chain, tmp_path, capsys)


def deposit(chain: SmallChain, amount: int) -> None:
    """Give account 1 free tokens in the anchor."""
    accounts = AnchorAccounts(chain.chain, chain.deployment.contract("AssetAnchor"))
    token = MetaCoin(chain.chain, chain.deployment.contract("MetaCoin"))
    chain.operator.send(token.approve(accounts.contract.address, amount))
    chain.operator.send(accounts.deposit(account(1), amount))


def test_status__before_anything__says_there_is_none(desk: Desk) -> None:
    assert desk.ask("status") == {
        "index": "none",
        "remedy": "Make it: `edgemark index sync`.",
    }
    assert not desk.file.exists()


def test_sync_and_status__tell_how_far_the_index_is(desk: Desk) -> None:
    synced = desk.ask("sync")
    head = desk.chain.chain.head()
    assert (synced["indexed"], synced["head"], synced["lag_blocks"]) == (head, head, 0)
    deposit(desk.chain, 10**18)
    behind = desk.ask("status")
    assert behind["lag_blocks"] == 2
    assert desk.ask("sync")["lag_blocks"] == 0
    checked = desk.ask("status", "--check")
    assert checked["damage"] == "none"
    assert checked["events"] > behind["events"]


def test_party__of_an_account__has_what_the_contract_says(desk: Desk) -> None:
    before = desk.ask("party", account(1))
    deposit(desk.chain, 25 * 10**17)
    after = desk.ask("party", account(1))
    accounts = AnchorAccounts(desk.chain.chain, desk.chain.deployment.contract("AssetAnchor"))
    free = accounts.free_balance(account(1))
    assert after["free"] == str(free)
    assert int(after["deposited"]) == int(before["deposited"]) + 25 * 10**17
    status, text = desk.type("party", account(1))
    assert status == Exit.DONE
    assert f"  {Amount(int(after['deposited']))}\n" in text


def test_party__without_sync__answers_what_the_file_holds(desk: Desk) -> None:
    desk.ask("sync")
    deposit(desk.chain, 10**18)
    old = desk.ask("party", account(1), "--no-sync")
    new = desk.ask("party", account(1))
    assert int(new["deposited"]) == int(old["deposited"]) + 10**18


def test_queries__while_another_process_fills_the_index__answer(desk: Desk) -> None:
    desk.ask("sync")
    with IndexStore.open_to_write(desk.file, desk.chain.deployment):
        assert desk.ask("jobs") == {"jobs": []}
        status, output = desk.type("sync", "--json")
    assert status == Exit.REFUSED_INPUT
    assert json.loads(output)["error"] == "IndexBusy"


def test_rebuild__of_a_damaged_file__makes_it_anew(desk: Desk) -> None:
    desk.ask("sync")
    desk.file.write_bytes(b"no database at all, whatever its name says" * 100)
    status, output = desk.type("status", "--json")
    assert status == Exit.UNRECOVERABLE
    assert "edgemark index rebuild" in json.loads(output)["remedy"]
    assert desk.ask("rebuild")["lag_blocks"] == 0
    assert desk.ask("status", "--check")["damage"] == "none"
    assert desk.ask("rebuild")["lag_blocks"] == 0  # a sound one too


@pytest.mark.parametrize(
    "words",
    [
        ("jobs", "--payer", "0x12"),
        ("jobs", "--phase", "happy"),
        ("jobs", "--limit", "0"),
        ("job", "xyz"),
        ("job", "ab" * 32),
        ("party", "nobody"),
    ],
)
def test_queries__for_what_cannot_be__are_refused(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.type(*words)[0] == Exit.REFUSED_INPUT


def test_sync__without_a_chain__says_so(desk: Desk) -> None:
    with pytest.raises(SystemExit) as left:
        main(["index", "sync", "--home", str(desk.home), "--chain-url", "http://127.0.0.1:1"])
    assert left.value.code == Exit.LEDGER_UNAVAILABLE


def figures_at(port: int) -> dict[str, float]:
    """What Prometheus would read."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (li.split() for li in lines if li[0] != "#")}


@pytest.fixture
def held() -> Iterator[HeldPorts]:
    with hold_ports(1) as ports:
        yield ports


@pytest.mark.processes
def test_sync_follow__keeps_up_until_it_is_stopped(desk: Desk, held: HeldPorts) -> None:
    command = [sys.executable, "-m", "edgemark", "index", "sync", "--follow", *desk.options()]
    port = held.numbers[0]
    environ = {**os.environ, "EDGEMARK_METRICS_PORT": str(port), "EDGEMARK_LOG_FORMAT": "json"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as follower:
        try:
            assert follower.stderr is not None
            assert json.loads(follower.stderr.readline())["lag_blocks"] == 0
            deposit(desk.chain, 10**18)
            head = desk.chain.chain.head()
            wait_until("the deposit", lambda: desk.ask("status")["indexed"] >= head, look_s=0.1)
            wait_until("its figure", lambda: figures_at(port)["edgemark_index_block"] >= head)
            shown = figures_at(port)
            assert shown["edgemark_chain_up"] == 1
            assert shown["edgemark_index_lag_blocks"] == 0
            assert shown["edgemark_index_events"] == desk.ask("status")["events"]
        finally:
            follower.terminate()
    assert desk.ask("status", "--check")["damage"] == "none"
