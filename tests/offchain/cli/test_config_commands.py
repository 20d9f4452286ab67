"""R24: settings are kept by a command, so that no start, `rotate` or `doctor` needs them again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.offchain.cli.test_hostile_input import check_refused
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.journal.journal import Journal
from edgemark.settings.toml_file import FILE_NAME

PROVIDER = "0x" + "11" * 20


def config(home: Path, *words: str, **environ: str) -> Finished:
    return edgemark_here("config", *words, "--home", home, environ=environ)


def in_force(home: Path, name: str, **environ: str) -> dict[str, str]:
    shown = config(home, "show", "--json", **environ)
    assert shown.status == Exit.DONE, shown.error
    found: dict[str, str] = shown.value[name]
    return found


def test_set__of_a_new_home__is_in_force_and_says_where_from(tmp_path: Path) -> None:
    home = tmp_path / "node"
    done = config(
        home, "set", "registration.deposit", "1000", "server.listen_port", "9101", "--json"
    )
    assert done.status == Exit.DONE, done.error
    assert done.value == {
        "file": str(home / FILE_NAME),
        "changed": True,
        "settings": {"registration.deposit": "1000000000000000000000", "server.listen_port": 9101},
        "start_anew": {},
    }
    assert in_force(home, "registration.deposit") == {
        "value": "1000000000000000000000",
        "origin": str(home / FILE_NAME),
    }
    told = [line.split("  ") for line in config(home, "show").out.splitlines()]
    (deposit,) = (
        [part for part in line if part] for line in told if "registration.deposit" in line[0]
    )
    assert deposit[1].strip() == "1,000 MTC"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / ".gitignore").read_text() == "*\n"


def test_set__again__changes_one_line_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_text("# mine\ndeposit = 1  # MTC\n")
    assert "changed               yes" in config(tmp_path, "set", "registration.deposit", "2.5").out
    assert file.read_text() == "# mine\ndeposit = 2.5  # MTC\n"
    assert "changed               no" in config(tmp_path, "set", "deposit", "2.5").out
    assert in_force(tmp_path, "registration.deposit")["value"] == str(25 * 10**17)


def test_unset__takes_it_out_and_the_default_is_back(tmp_path: Path) -> None:
    config(tmp_path, "set", "party.workers", "3", "logs.level", "debug")
    done = config(tmp_path, "unset", "party.workers", "--json")
    assert (done.value["changed"], done.value["settings"]) == (True, {"party.workers": None})
    assert in_force(tmp_path, "party.workers") == {"value": "8", "origin": "default"}
    assert in_force(tmp_path, "logs.level")["value"] == "debug"
    assert config(tmp_path, "unset", "party.workers", "--json").value["changed"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("registration.depost", "1"), ("is no setting", "perhaps registration.deposit")),
        (("listenport", "1"), ("is no setting", "perhaps server.listen_port")),
        (("server.listenport", "1"), ("is no setting", "perhaps server.listen_port")),
        (("chain", "http://x"), ("is a section", "chain.url")),
        (("server.listen_port", "70000"), ("server.listen_port", "needed 0..65535")),
        (("party.workers", "1_6"), ("has the wrong type", "needed a whole number")),
        (("party.poll_s", "\uff18"), ("has the wrong type", "needed a number")),
        (("party.workers", "many"), ("has the wrong type", "needed a whole number")),
        (("registration.provider", "me"), ("is not an account address", "needed 0x")),
        (("registration.advertise", "http://x"), ("is no endpoint", "needed https://HOST:PORT")),
        (("logs.level", "loud"), ("needed debug, info",)),
        (("chain.url", "ftp://key@x"), ("is no address of a chain's node",)),
        (("outsourcing.node.min_fee", "1,5"), ("is no amount", "had 1,5", "such as")),
        (("registration.deposit", "1000000000000000000000"), ("perhaps 1000 was meant",)),
        (("home", "/x"), ("cannot be set in the file", "--home FOLDER")),
        (("party.workers", "3", "workers", "4"), ("is given twice",)),
    ],
)
def test_set__of_what_no_start_would_take__is_refused_and_writes_nothing(
    tmp_path: Path, words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    done = config(tmp_path, "set", "metrics.port", "1", *words)
    check_refused(done, Exit.REFUSED_INPUT, *said)
    assert list(tmp_path.iterdir()) == []


def test_set__of_a_name_alone__says_that_its_value_is_missing(tmp_path: Path) -> None:
    done = config(tmp_path, "set", "registration.deposit=1000")
    assert done.status == Exit.REFUSED_INPUT
    assert "NAME VALUE" in done.error


def test_r16_a_file_of_before__is_refused_with_what_was_meant_and_set_mends_it(
    tmp_path: Path,
) -> None:
    (tmp_path / FILE_NAME).write_text("[registration]\ndeposit = 1000000000000000000000\n")
    refused = config(tmp_path, "show")
    check_refused(refused, Exit.REFUSED_INPUT, "registration.deposit", "perhaps 1000 was meant")
    assert config(tmp_path, "set", "registration.deposit", "1000").status == Exit.DONE
    assert in_force(tmp_path, "registration.deposit")["value"] == str(1000 * 10**18)
    environ = {"EDGEMARK_MIN_FEE": "250000000000000000"}
    refused = config(tmp_path, "show", **environ)
    check_refused(refused, Exit.REFUSED_INPUT, "EDGEMARK_MIN_FEE", "perhaps 0.25 was meant")


def test_set__below_the_environment__warns_that_that_wins(tmp_path: Path) -> None:
    environ = {"EDGEMARK_WORKERS": "5"}
    done = config(tmp_path, "set", "party.workers", "3", **environ)
    assert done.status == Exit.DONE
    assert done.error == "Beware: EDGEMARK_WORKERS of the environment wins over party.workers.\n"
    assert in_force(tmp_path, "party.workers", **environ)["origin"] == "EDGEMARK_WORKERS"


def test_r16_set__of_what_the_environment_says_too__warns_of_nothing(tmp_path: Path) -> None:
    environ = {"EDGEMARK_WORKERS": "3", "EDGEMARK_MIN_FEE": "0.50", "EDGEMARK_CONFIRMATIONS": "1"}
    words = ("set", "party.workers", "3", "min_fee", "0.5", "chain.confirmations", "1")
    assert config(tmp_path, *words, **environ).error == ""
    words = ("set", "party.workers", "4", "min_fee", "0.5", "chain.confirmations", "2")
    said = "EDGEMARK_WORKERS, EDGEMARK_CONFIRMATIONS of the environment win over"
    told = f"Beware: {said} party.workers, chain.confirmations.\n"
    assert config(tmp_path, *words, **environ).error == told


def test_set__of_a_home_that_serves__names_the_process_that_is_to_be_started_anew(
    tmp_path: Path,
) -> None:
    me = str(os.getpid())
    beware = f"Beware: node, process {me}, runs on with what it read before: start it anew.\n"
    with Journal.open(tmp_path / "node.journal"), Journal.open(tmp_path / "device.journal"):
        done = config(tmp_path, "set", "party.workers", "3", "--json")
        assert (done.value["start_anew"], done.error) == ({"node": me}, beware)
        assert config(tmp_path, "set", "party.workers", "3").error == ""  # it says so already
        assert config(tmp_path, "unset", "party.workers").error == beware
        assert config(tmp_path, "set", "outsourcing.node.min_fee", "3").error == beware
        assert config(tmp_path, "set", "identity.url", "http://a:1").error == ""  # reads it not
        words = ("set", "party.workers", "4", "--config", str(tmp_path / "mine.toml"))
        assert config(tmp_path, *words).error == beware
        assert config(tmp_path / "other", "set", "party.workers", "4").error == ""
    with Journal.open(tmp_path / "judge.journal"):
        assert config(tmp_path, "set", "outsourcing.node.min_fee", "4").error == ""
    assert config(tmp_path, "set", "party.workers", "5").error == ""


def test_r16_set__of_a_link_to_nothing__says_that_nothing_was_kept(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).symlink_to("/dev/null")
    done = config(tmp_path, "set", "party.workers", "3")
    check_refused(done, Exit.REFUSED_INPUT, "/dev/null", "Nothing was changed")


def test_set__with_a_file_of_its_own__writes_there(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    words = ("set", "home", str(tmp_path / "there"), "--config", str(file))
    assert config(tmp_path / "here", *words).status == Exit.DONE
    assert file.read_text() == f'home = "{tmp_path / "there"}"\n'
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("server", ["node", "judge"])
def test_a_server__takes_its_settings_as_options_and_names_what_is_missing(
    tmp_path: Path, server: str
) -> None:
    run = (server, "run", "--home", tmp_path)
    refused = edgemark_here(*run, "--log-level", "error")
    check_refused(refused, Exit.REFUSED_INPUT, "registration.provider", "is not set", "config set")
    refused = edgemark_here(*run, "--provider", PROVIDER, "--log-level", "error")
    check_refused(refused, Exit.REFUSED_INPUT, "server.listen_port", "is not set", "config set")
    refused = edgemark_here(*run, "--provider", "me")
    check_refused(refused, Exit.REFUSED_INPUT, "registration.provider (command line)", "had 'me'")
    refused = edgemark_here(*run, "--deposit", "1e30")
    check_refused(refused, Exit.REFUSED_INPUT, "registration.deposit (command line)", "MTC")
    assert list(tmp_path.iterdir()) == []
