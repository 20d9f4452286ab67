"""`edgemark ledger chaincode deploy|run`, on either ledger and by a connection profile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf
from tests.offchain.ledger.homes_of_ledgers import LedgerHome, development_home, fabric_home
from tests.stage.command_line import Finished, edgemark_here
from tests.waiting import wait_until

from edgemark.cli.terminal.exits import Exit
from edgemark.ledger.fabric.lifecycle.hosting import find_hosts, stop_hosts
from edgemark.ledger.fabric.lifecycle.opening import ledger_folder, list_accesses
from edgemark.ledger.fabric.opening import LedgerAccess
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.packages.making import make_package
from edgemark.ledger.fabric.settings import DEVELOPMENT
from edgemark.party.consortium.clocks import stop_clocks

pytestmark = [pytest.mark.processes]

SHELF = "tests.offchain.ledger.embedded.shelf_chaincode:Shelf"


@pytest.fixture(
    scope="module", params=["development", pytest.param("fabric", marks=pytest.mark.fabric)]
)
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LedgerHome]:
    """A home whose ledger serves, and whose chaincode and clocks are ended with it."""
    begin = {"development": development_home, "fabric": fabric_home}[request.param]
    with begin(tmp_path_factory.mktemp("town")) as home:
        try:
            yield home
        finally:
            stop_clocks(folder_of(home))
            stop_hosts(folder_of(home))


def folder_of(home: LedgerHome) -> Path:
    folder = ledger_folder(home.settings, home.home)
    assert folder is not None
    return folder


def ledger(town: LedgerHome, *words: str | Path) -> Finished:
    return edgemark_here("ledger", *words, "--ledger", town.settings.kind, "--home", town.home)


def test_chaincode_deploy__can_be_called_at_once_and_again(town: LedgerHome) -> None:
    done = ledger(town, "chaincode", "deploy", "shelf", "--run", SHELF)
    assert done.status == Exit.DONE, done.error
    assert done.out.startswith("shelf 1.0 is on mychannel, sequence 1\n  Org1MSP  127.0.0.1:")
    assert ledger(town, "invoke", "shelf", "put", "k", "v").status == Exit.DONE
    assert ledger(town, "query", "shelf", "get", "k").out == "v\n"
    again = ledger(town, "chaincode", "deploy", "shelf", "--run", SHELF, "--json").value
    assert again["sequence"] == 1
    policy = "OR('Org1MSP.peer', 'Org2MSP.peer')"
    words = ("chaincode", "deploy", "shelf", "--run", SHELF, "--policy", policy, "--json")
    changed = ["policy majority -> OR('Org1MSP.peer', 'Org2MSP.peer')"]
    assert ledger(town, *words).value == {**again, "sequence": 2, "changed": changed}


def test_chaincode_deploy__leaves_what_is_not_said_as_committed_and_tells_what_changes(
    town: LedgerHome, tmp_path: Path
) -> None:
    words, policy = (
        ("chaincode", "deploy", "kept", "--run", SHELF),
        "OR('Org1MSP.peer', 'Org2MSP.peer')",
    )
    assert ledger(town, *words, "--version", "2.0", "--policy", policy).status == Exit.DONE
    again = ledger(town, *words, "--reload")
    assert again.out.startswith("kept 2.0 is on mychannel, sequence 1\n  Org1MSP  ")
    package = tmp_path / "kept.tgz"
    package.write_bytes(town.serve("kept", Shelf()))
    nowhere = tmp_path / "nowhere.tgz"
    nowhere.write_bytes(make_package("kept", Connection("127.0.0.1:1", 0.5)))
    refused = ledger(town, "chaincode", "deploy", "kept", "--package", nowhere)
    assert "127.0.0.1:1: does not answer; nothing was changed" in refused.complaint
    assert "--package-id kept:" in refused.complaint
    elsewhere = ledger(town, "chaincode", "deploy", "kept", "--package", package)
    assert elsewhere.out.startswith(
        "kept 2.0 is on mychannel, sequence 2\n  changed: package of Org1MSP, Org2MSP\n"
    )
    back = ledger(town, *words, "--policy", "majority", "--version", "2.1")
    assert back.out.startswith(
        "kept 2.1 is on mychannel, sequence 3\n  changed: version 2.0 -> 2.1; "
        f"policy {policy} -> majority; package of Org1MSP, Org2MSP\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "needed one of ours (trading), or MODULE:CLASS"),
        (("any", "--run", "shelf.py"), "needed one of ours (trading), or MODULE:CLASS"),
        (("any", "--run", "nowhere:Shelf"), "No module named 'nowhere'"),
        (("any", "--run", SHELF.replace("Shelf", "Nope")), "needed Shelf"),
        (("any", "--policy", "AND('Org1MSP'"), "policy"),
        (
            ("any", "--run", SHELF, "--policy", "OR('Org9MSP.peer', 'Org1MSP.peer')"),
            "names organisation Org9MSP, which the channel does not have; "
            "had OR('Org9MSP.peer', 'Org1MSP.peer'); needed organisations Org1MSP, Org2MSP",
        ),
        (("\udcff",), "name is wrong"),
        (("any", "--run", "\udcff:Shelf"), "cannot be run"),
        (("any", "--version", "\udcff"), "version is wrong"),
        (("any", "--policy", "OR('\udcff.peer')"), "cannot be read"),
        (("a b",), "name is wrong"),
        (("any", "--version", ""), "version is wrong"),
        (("any", "--package", "/nowhere/p.tgz"), "cannot be read"),
        (("any", "--address", "127.0.0.1"), "address is wrong"),
        (("any", "--address", "127.0.0.1:1", "--package", "p.tgz"), "are alternatives"),
        (("any", "--channel", "elsewhere"), "elsewhere"),
        (("any", "--msp-id", "Org9MSP"), "Org9MSP"),
    ],
)
def test_chaincode_deploy__of_what_cannot_be__is_refused_and_leaves_nothing(
    town: LedgerHome, words: tuple[str, ...], said: str
) -> None:
    done = ledger(town, "chaincode", "deploy", *words)
    assert done.status != Exit.DONE
    assert said in done.complaint
    assert done.complaint.count("had ") < 2
    assert find_hosts(folder_of(town), "any") is None
    assert find_hosts(folder_of(town), "nowhere") is None


def test_chaincode_deploy__before_there_is_a_ledger__says_how_to_start_one(tmp_path: Path) -> None:
    done = edgemark_here("ledger", "chaincode", "deploy", "shelf", "--home", tmp_path)
    assert done.status == Exit.REFUSED_INPUT
    assert "Start one: `edgemark ledger up`" in done.complaint


CODE = """
from edgemark_chaincode.shim.interface import Chaincode, success

class Told(Chaincode):
    async def init(self, stub):
        return success()

    async def invoke(self, stub):
        return success(b"ANSWER")
"""


def test_chaincode_deploy__again__runs_the_code_as_it_is_now_or_leaves_what_ran(
    town: LedgerHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source, words = tmp_path / "told.py", ("chaincode", "deploy", "told", "--run", "told:Told")
    source.write_text(CODE.replace("ANSWER", "first"))
    assert ledger(town, *words).status == Exit.DONE
    source.write_text(CODE.replace("ANSWER", "the second"))
    assert ledger(town, *words, "--version", "2", "--reload").status == Exit.DONE
    assert ledger(town, "query", "told", "any").out == "the second\n"
    monkeypatch.chdir(town.home)  # what ran is known by its name, and where it ran
    short = ledger(town, "chaincode", "deploy", "told", "--reload")
    assert short.out.startswith("told 2 is on mychannel, sequence 2\n"), short.complaint
    monkeypatch.chdir(tmp_path)
    before = find_hosts(folder_of(town), "told")
    assert before is not None
    assert before.reload

    failed = ledger(town, *words[:-1], "told:Nope")
    assert failed.status == Exit.REFUSED_INPUT
    assert "needed Told" in failed.complaint
    assert find_hosts(folder_of(town), "told") == before
    assert before.is_running
    assert ledger(town, "query", "told", "any").out == "the second\n"

    source.write_text("a mistake\n")
    logs = [each.log for each in before.programs.values()]
    wait_until(
        "its end", lambda: all(b"waiting for a change" in each.read_bytes() for each in logs)
    )
    away = ledger(town, "query", "told", "any", "--org", "Org1MSP")
    assert away.status != Exit.DONE
    assert f"The chaincode's log is {before.programs['Org1MSP'].log}." in away.complaint
    if town.settings.kind == DEVELOPMENT:  # Fabric says it in its own words
        assert before.package_of("Org1MSP")[0].package_id in away.complaint
        assert "in its log. See what each endorser said. The chaincode's" in away.complaint


def test_chaincode_deploy__by_a_profile__says_who_has_to_approve_too(town: LedgerHome) -> None:
    """A network of others: only the own organisation is acted for, by its own identity."""
    first, second = list_accesses(town.settings, town.home)
    package = town.home / "mine.tgz"
    package.write_bytes(town.serve("mine", Shelf()))

    done = deploy_mine(first, "--package", package)
    assert done.status == Exit.REFUSED_INPUT
    assert "is not committed: too few organisations approved the same" in done.complaint
    assert "Org2MSP" in done.complaint
    done = deploy_mine(second, "--package", package)
    assert done.out.startswith("mine 1.0 is on mychannel, sequence 1\n")
    unsaid = deploy_mine(first)
    assert unsaid.status == Exit.REFUSED_INPUT
    assert "--address HOST:PORT, or --package FILE" in unsaid.complaint


def deploy_mine(access: LedgerAccess, *words: str | Path) -> Finished:
    """As the administrator of one organisation, on a network of others."""
    return edgemark_here(
        "ledger",
        "chaincode",
        "deploy",
        "mine",
        *words,
        "--ledger-profile",
        access.profile.source,
        "--msp-id",
        access.signer.msp_id,
        "--msp-folder",
        access.settings.msp_folder,
        "--home",
        access.home,
    )


def test_chaincode_run__in_the_foreground__until_interrupted(town: LedgerHome) -> None:
    assert ledger(town, "chaincode", "deploy", "front", "--run", SHELF).status == Exit.DONE
    words = ["ledger", "chaincode", "run", "front", "--ledger", town.settings.kind]
    command = [sys.executable, "-m", "edgemark", *words, "--home", str(town.home)]
    path = os.pathsep.join(part for part in sys.path if part)
    usual = {name: value for name, value in os.environ.items() if not name.startswith("EDGEMARK_")}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**usual, "PYTHONPATH": path},
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "front runs\n"
            assert ledger(town, "invoke", "front", "put", "k", "v").status == Exit.DONE
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(60) == Exit.INTERRUPTED
    found = find_hosts(folder_of(town), "front")
    assert found is not None
    wait_until("the end of its processes", lambda: not found.is_running)


STOPS = (
    CODE.replace('success(b"ANSWER")', "success((await read(stub)).encode())")
    + """
async def read(stub):
    value = "as it was"
    breakpoint()
    return value
"""
)


def test_chaincode_run__of_one_organisation__stops_at_a_breakpoint_and_reads_its_terminal(
    town: LedgerHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "told.py").write_text(STOPS)
    assert ledger(town, "chaincode", "deploy", "stops", "--run", "told:Told").status == Exit.DONE
    behind = ledger(town, "query", "stops", "any", "--org", "Org2MSP")
    assert "(BdbQuit)" in behind.complaint
    assert "edgemark ledger chaincode run NAME --alone" in behind.complaint
    words = ["ledger", "chaincode", "run", "stops", "--msp-id", "Org1MSP", "--alone"]
    command = [sys.executable, "-m", "edgemark", *words, "--ledger", town.settings.kind]
    path = os.pathsep.join(part for part in sys.path if part)
    usual = {name: value for name, value in os.environ.items() if not name.startswith("EDGEMARK_")}
    with subprocess.Popen(
        [*command, "--home", str(town.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**usual, "PYTHONPATH": path},
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stdin is not None
            assert running.stdout.readline().startswith('{"address"')
            running.stdin.write("value = 'as it was typed'\nc\n")
            running.stdin.flush()
            done = ledger(town, "query", "stops", "any", "--org", "Org1MSP", "--wait", "20")
            assert done.out == "as it was typed\n", done.complaint
        finally:
            running.terminate()
    unknown = ledger(town, "chaincode", "run", "stops", "--msp-id", "Org9MSP", "--alone")
    assert unknown.status == Exit.REFUSED_INPUT
    assert "needed Org1MSP or Org2MSP" in unknown.complaint


def test_chaincode_run__of_what_was_not_deployed__is_refused(town: LedgerHome) -> None:
    done = ledger(town, "chaincode", "run", "never")
    assert done.status == Exit.REFUSED_INPUT
    assert "was not deployed from this home" in done.complaint
    done = ledger(town, "chaincode", "run", "never", "--package-id", "a:b")
    assert "stand together" in done.complaint
