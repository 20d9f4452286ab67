"""`edgemark fabric` where Fabric's programs are not installed, and before a network is up."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from tests.stage.command_line import edgemark_here

from edgemark.cli.fabric.network import plan_of
from edgemark.cli.fabric.network import up as fabric_up
from edgemark.cli.ledger.asking.calling import finish, invoke, query
from edgemark.cli.ledger.serving import up as ledger_up
from edgemark.cli.terminal.exits import Exit


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home on a machine without Fabric's programs."""
    monkeypatch.setenv("FABRIC_BIN", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "home"


def test_fabric_up__without_its_programs__names_them_and_the_remedy(home: Path) -> None:
    done = edgemark_here("fabric", "up", "--home", home)
    assert done.status == Exit.UNRECOVERABLE
    assert "peer, orderer, configtxgen, cryptogen, osnadmin are not installed" in done.complaint
    assert "install-fabric.sh" in done.complaint
    assert not (home / "fabric").exists()


def test_fabric_status_and_down__of_nothing__say_so(home: Path) -> None:
    done = edgemark_here("fabric", "status", "--home", home)
    assert (done.status, done.out) == (Exit.CHECK_FAILED, "no network was ever up\n")
    done = edgemark_here("fabric", "down", "--home", home)
    assert (done.status, done.out) == (Exit.DONE, "no network was up\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--orderers", "8"), "8 is not in the range 1 .. 7"),
        (("--orgs", "1"), "1 is not in the range 2 .. 8"),
        (("--batch-timeout", "0"), "0 is not in the range 0.01 .. 60"),
        (("--batch-count", "0"), "0 is not in the range 1 .. 10000"),
    ],
)
def test_fabric_up__of_a_network_that_cannot_be__is_refused(
    home: Path, words: tuple[str, ...], said: str
) -> None:
    done = edgemark_here("fabric", "up", "--home", home, *words)
    assert done.status == Exit.REFUSED_INPUT
    assert said in done.error


def test_fabric_up__takes_seconds_as_the_development_ledger_does() -> None:
    wishes = dict.fromkeys(("orderers", "members", "bft", "orgs", "peers", "channels"))
    plan = plan_of({**wishes, "batch_timeout_s": 0.25, "batch_count": 7}, None)
    assert (plan.batch_timeout_ms, plan.batch_messages) == (250, 7)
    both = [{word for each in one.params for word in each.opts} for one in (fabric_up, ledger_up)]
    assert {"--batch-count", "--batch-timeout", "--orgs", "--channel"} <= both[0] & both[1]


@pytest.mark.parametrize(
    ("command", "default"), [(query, "40"), (invoke, "120"), (finish, "120 for each")]
)
def test_wait__says_the_time_of_its_own_command(command: click.Command, default: str) -> None:
    (option,) = [each for each in command.params if "--wait" in each.opts]
    assert isinstance(option, click.Option)
    assert f"[default: {default}]" in (option.help or "")
