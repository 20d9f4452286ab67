"""Commands in odd surroundings: streams closed or full, devices as files, files in others' places.

Each stands for a kind that somebody met: the exit status tells the remedy, the refusal is readable,
and nothing of a secret is in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.stage.command_line import edgemark_here

from edgemark.cli.outsourcing import aftermath
from edgemark.cli.terminal.exits import Exit
from edgemark.errors import RefusedInput
from edgemark.files import read_limited, write_whole
from edgemark.identity.keys import ACCOUNT_FILE, KeyStore
from edgemark.systems.outsourcing.offline import sharing_files
from edgemark.token.plans import read_plans

LIMIT_S = 120
ENDLESS = Path("/dev/zero")


def in_bash(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """What bash makes of a command; `edgemark` is this checkout's."""
    program = f'edgemark() {{ "{sys.executable}" -m edgemark "$@"; }}; '
    usual = {name: value for name, value in os.environ.items() if not name.startswith("EDGEMARK_")}
    return subprocess.run(
        ["bash", "-c", program + command],
        env={**usual, "EDGEMARK_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("edgemark config show 2>&-", Exit.DONE),
        ("edgemark account address <&- >&- 2>&-", Exit.DONE),
        ("edgemark config show --json >/dev/full", Exit.UNRECOVERABLE),
        ("edgemark config sow 2>/dev/full", Exit.REFUSED_INPUT),
    ],
)
def test_stream_that_is_closed_or_full__costs_neither_the_status_nor_a_traceback(
    tmp_path: Path, command: str, status: Exit
) -> None:
    """Before, status 1 and nothing said: the words were lost, and with them what they were of."""
    done = in_bash(command, tmp_path / "home")
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if "address" in command:  # what was opened meanwhile did not take a stream's number
        account = (tmp_path / "home" / "keys" / ACCOUNT_FILE).read_text().split()
        assert KeyStore.open(tmp_path / "home" / "keys").account.address == account[1]


@pytest.mark.parametrize(
    "words",
    [("config", "sow"), ("outsourcing", "compile", "nowhere"), ("account", "address", "--jsn")],
)
def test_call_that_is_wrong__is_json_where_json_was_asked_for(words: tuple[str, ...]) -> None:
    """Before, a program that read JSON got none."""
    done = edgemark_here(*words, "--json")
    assert done.status == Exit.REFUSED_INPUT
    assert done.value["error"] == "RefusedInput"
    assert "--help" in done.value["remedy"]
    assert done.value["what"] in done.error


def test_option_before_its_command__is_told_where_it_stands() -> None:
    """Before: "No such option: --home Did you mean --help?"."""
    done = edgemark_here("--home", "x", "account", "address")
    assert done.status == Exit.REFUSED_INPUT
    assert "--home stands behind the command: `edgemark COMMAND --home ...`" in done.error


def test_key_file_in_the_place_of_a_list_of_nodes__is_not_shown(tmp_path: Path) -> None:
    """Before, the whole key stood in the refusal."""
    KeyStore.open(tmp_path / "keys")
    path = tmp_path / "keys" / ACCOUNT_FILE
    function, inputs = tmp_path / "f.function", tmp_path / "inputs.json"
    function.write_bytes(cast.dense_function().to_bytes())
    inputs.write_text("[[1, 2]]")
    files = ("--function", function, "--input", inputs, "--nodes", path)
    done = edgemark_here("outsourcing", "submit", *files, "--home", tmp_path / "home", "--json")
    assert done.status == Exit.REFUSED_INPUT
    assert f"{path}, line 1: is not an account address" in done.error
    assert path.read_text()[:8] not in done.error + done.out


def test_device_without_end_in_the_place_of_a_file__is_read_no_further_than_files_are_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, `replay /dev/zero` took all memory that there was."""
    assert read_limited(Path(os.devnull), 10) == b""
    monkeypatch.setattr(aftermath, "MAX_BUNDLE_BYTES", 10)
    monkeypatch.setattr(sharing_files, "MAX_SHARING_FILE_BYTES", 10)
    (tmp_path / "secret.json").symlink_to(ENDLESS)
    done = edgemark_here("outsourcing", "replay", ENDLESS, "--offline", "--home", tmp_path)
    assert (done.status, "is too large" in done.complaint) == (Exit.REFUSED_INPUT, True)
    with pytest.raises(RefusedInput, match="is too large"):
        sharing_files.read_secret(tmp_path / "secret.json")
    with pytest.raises(RefusedInput, match="is too large"):
        read_plans(ENDLESS)


def test_device_pipe_or_link_in_the_place_of_an_output__stays_what_it_is(tmp_path: Path) -> None:
    """Before, root's `--html /dev/null` put a file in the place of the device, for everybody."""
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "file"
    os.mkfifo(pipe)
    link.symlink_to(file)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"page")
        assert (pipe.is_fifo(), os.read(reader, 10)) == (True, b"page")
    finally:
        os.close(reader)
    for content in (b"one", b"two"):
        write_whole(link, content)
        assert (link.is_symlink(), file.read_bytes()) == (True, content)
    with pytest.raises(OSError, match="No space left"):
        write_whole(Path("/dev/full"), b"page")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--margin", "2"), "--margin: says nothing alone; needed a table, --bounds-from FILE"),
        (("--drop", "a"), "--drop: says nothing alone; needed a table, --bounds-from FILE"),
        (("--batch", "-5"), "-5 is not in the range >= 1"),
    ],
)
def test_option_that_would_say_nothing__is_refused(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    """Before, `--margin nan` was taken, and nothing came of it."""
    (tmp_path / "m.model.json").write_text("{}")
    done = edgemark_here("outsourcing", "compile", tmp_path / "m.model.json", *words)
    assert done.status == Exit.REFUSED_INPUT
    assert told in done.error


@pytest.mark.parametrize("home", ["", "somewhere"])
def test_home_variable_that_names_no_folder__is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    """Before, keys were made in the root folder, or wherever somebody stood."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", home)
    done = edgemark_here("account", "address")
    assert done.status == Exit.REFUSED_INPUT
    assert "begins in a home folder that nobody knows" in done.complaint
    assert "--home FOLDER" in done.complaint
    assert not list(tmp_path.iterdir())


def test_folder_that_is_gone_while_one_stands_in_it__is_named(tmp_path: Path) -> None:
    done = in_bash(
        f'mkdir "{tmp_path}/g" && cd "{tmp_path}/g" && rmdir "{tmp_path}/g" && '
        "edgemark account address --home x",
        tmp_path,
    )
    assert done.returncode == Exit.REFUSED_INPUT
    assert "the folder that you are in" in done.stderr


def test_output_over_an_input__is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """Before, `--input t.csv --output t.csv` would have put the answers in the rows' place."""
    table, plan = tmp_path / "t.csv", tmp_path / "m.plan.json"
    table.write_text("a\n1\n")
    plan.write_text("{}")
    (tmp_path / "link.csv").symlink_to(table)
    for output in (table, tmp_path / "link.csv", tmp_path / "." / "t.csv"):
        words = ("--model", plan, "--input", table, "--nodes", "auto", "--output", output)
        done = edgemark_here("outsourcing", "submit", *words, "--home", tmp_path)
        assert done.status == Exit.REFUSED_INPUT
        assert "--output: is the file of --input as well" in done.complaint
    twice = ("--output", tmp_path / "x", "--html", tmp_path / "x")
    done = edgemark_here("outsourcing", "result", "00" * 32, *twice, "--home", tmp_path)
    assert "--html: is the file of --output as well" in done.complaint
    assert table.read_text() == "a\n1\n"


def test_looking_at_a_home_that_is_not_there__makes_no_account_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before, `account show` with a mistyped --home told of the empty account that it had made."""
    monkeypatch.setenv("EDGEMARK_CHAIN_URL", "http://127.0.0.1:9")  # nobody is asked
    for words in (("account", "show"), ("provider", "show")):
        done = edgemark_here(*words, "--home", tmp_path / "mistyped")
        assert done.status == Exit.REFUSED_INPUT
        assert "this home has no keys yet" in done.complaint
        assert not (tmp_path / "mistyped").exists()
