"""What a careless or hostile user can name on the command line, and how it is refused.

No chain is there and no process is started: all of it is refused before either is needed.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.main import leave_at_once_when_asked_again
from edgemark.cli.terminal import exits
from edgemark.cli.terminal.exits import Exit
from edgemark.errors import RefusedInput, Unrecoverable

MOST_COMPLAINT = 600  # characters: one line that somebody reads


def check_refused(done: Finished, status: Exit, *words: str) -> None:
    """The status, and one short line with these words and nothing of Python in it."""
    assert done.status == status, (done.out, done.error)
    complaint = done.complaint
    for word in words:
        assert word in complaint
    assert len(complaint) < MOST_COMPLAINT
    for leak in ("Errno", "0x7f", "codec can't", "recursion depth", "set_int_max_str_digits"):
        assert leak not in complaint


FILES_THAT_ARE_NONE: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "list": b"[[1, 2]]",
    "half": b'{"format": "edgemark-',
    "bytes": bytes(range(256)),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep-object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "long-number": b"[" + b"9" * 100_000 + b"]",
    "other": b'{"format": "edgemark-plan", "version": 1}',
    "newer": b'{"format": "edgemark-evidence", "version": 99}',
}


@pytest.fixture(params=sorted(FILES_THAT_ARE_NONE))
def odd_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "odd.json"
    path.write_bytes(FILES_THAT_ARE_NONE[request.param])
    return path


def test_replay__of_what_is_no_bundle__names_the_file(odd_file: Path, tmp_path: Path) -> None:
    done = edgemark_here("outsourcing", "replay", odd_file, "--offline", "--home", tmp_path)
    check_refused(done, Exit.REFUSED_INPUT, "odd.json", "needed format edgemark-evidence")


def test_decode__of_what_is_no_secret__names_the_file(odd_file: Path, tmp_path: Path) -> None:
    done = edgemark_here(
        "outsourcing", "decode", odd_file, "--secret", odd_file, "--home", tmp_path
    )
    check_refused(done, Exit.REFUSED_INPUT, "odd.json", "needed format edgemark-sharing-secret")


def test_compile__of_what_is_no_model__names_the_file(odd_file: Path, tmp_path: Path) -> None:
    done = edgemark_here("outsourcing", "compile", odd_file, "--home", tmp_path)
    check_refused(done, Exit.REFUSED_INPUT, "odd.json")


def test_share__inputs_that_are_none__are_refused_by_file(odd_file: Path, tmp_path: Path) -> None:
    function = tmp_path / "f.function"
    function.write_bytes(cast.dense_function().to_bytes())
    words = ("--function", function, "--input", odd_file, "--out", tmp_path / "sharing")
    if odd_file.read_bytes() != FILES_THAT_ARE_NONE["list"]:
        check_refused(edgemark_here("outsourcing", "share", *words), Exit.REFUSED_INPUT, "odd.json")
        assert not (tmp_path / "sharing").exists()


def test_share__a_function_that_is_none__is_refused_by_file(odd_file: Path, tmp_path: Path) -> None:
    words = ("--function", odd_file, "--input", odd_file, "--out", tmp_path / "sharing")
    check_refused(edgemark_here("outsourcing", "share", *words), Exit.REFUSED_INPUT, "odd.json")


# --- folders -------------------------------------------------------------------------------------


def a_file(folder: Path) -> Path:
    (folder / "file").write_text("x")
    return folder / "file"


def below_a_file(folder: Path) -> Path:
    return a_file(folder) / "home"


def name_too_long(folder: Path) -> Path:
    return folder / ("x" * 5_000)


@pytest.mark.parametrize("place", [a_file, below_a_file, name_too_long])
def test_home_that_can_be_none__is_refused(place: Callable[[Path], Path], tmp_path: Path) -> None:
    done = edgemark_here("account", "address", "--home", place(tmp_path), "--json")
    assert done.status == Exit.REFUSED_INPUT
    assert "Traceback" not in done.error
    assert done.value["remedy"]


@pytest.mark.parametrize("environ", [{}, {"EDGEMARK_HOME": ""}])
def test_home_that_is_empty__is_refused_and_nothing_is_made(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = () if environ else ("--home", "")
    done = edgemark_here("account", "address", *words, environ=environ)
    check_refused(done, Exit.REFUSED_INPUT, "home", "is empty")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [below_a_file, name_too_long])
def test_output_that_cannot_be_written__is_refused_by_its_own_name(
    place: Callable[[Path], Path], tmp_path: Path
) -> None:
    function, inputs = tmp_path / "f.function", tmp_path / "inputs.json"
    function.write_bytes(cast.dense_function().to_bytes())
    inputs.write_text("[[2, 5]]")
    out = place(tmp_path)
    words = ("--function", function, "--input", inputs, "--out", out)
    done = edgemark_here("outsourcing", "share", *words, "--json")
    assert done.status == Exit.REFUSED_INPUT
    assert done.value["who"]
    assert "Traceback" not in done.error


def test_settings_that_nest_without_end__are_refused(tmp_path: Path) -> None:
    (tmp_path / "edgemark.toml").write_text("a = " + "[" * 5_000 + "]" * 5_000)
    done = edgemark_here("config", "show", "--home", tmp_path)
    check_refused(done, Exit.REFUSED_INPUT, "edgemark.toml", "nested too deeply")


def test_settings_that_are_no_text__are_refused(tmp_path: Path) -> None:
    (tmp_path / "edgemark.toml").write_bytes(b"\xff\xfe")
    done = edgemark_here("config", "show", "--home", tmp_path)
    check_refused(done, Exit.REFUSED_INPUT, "edgemark.toml", "no UTF-8")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "chain",
        "127.0.0.1:8545",
        "ftp://host",
        "http://",
        "http://[::1",
        "http://host:99999",
        "http://hos\nt:8545",
        "http://host:8545/ a",
        'http://ho"st',
        "http://host/\x1b[31m",
        "ws://host:8546",
        "s3cret-key@host",
    ],
)
def test_chain_url_that_is_no_web_address__is_refused_unshown(url: str, tmp_path: Path) -> None:
    done = edgemark_here("account", "show", "--home", tmp_path / "home", "--chain-url", url)
    check_refused(done, Exit.REFUSED_INPUT, "chain_url", "needed http://HOST:PORT")
    assert "s3cret" not in done.error


def test_keyfile_with_absurd_costs__is_refused(tmp_path: Path) -> None:
    parameters = {"c": 10**12, "prf": "hmac-sha256", "dklen": 32, "salt": "00"}
    crypto = {
        "kdf": "pbkdf2",
        "kdfparams": parameters,
        "cipher": "aes-128-ctr",
        "ciphertext": "00",
        "cipherparams": {"iv": "00"},
        "mac": "00",
    }
    (tmp_path / "key.json").write_text(json.dumps({"version": 3, "crypto": crypto}))
    (tmp_path / "phrase").write_text("s3cret")
    for private in ("key.json", "phrase"):
        (tmp_path / private).chmod(0o600)
    done = edgemark_here(
        "account",
        "address",
        "--home",
        tmp_path / "home",
        environ={
            "EDGEMARK_ACCOUNT_FILE": str(tmp_path / "key.json"),
            "EDGEMARK_PASSPHRASE_FILE": str(tmp_path / "phrase"),
        },
    )
    check_refused(done, Exit.REFUSED_INPUT, "key.json", "is no encrypted account key")
    assert "s3cret" not in done.error


@pytest.mark.parametrize("amount", ["0", "0.0", "0e5"])
def test_withdrawing_nothing__is_refused_before_a_chain_is_asked(
    tmp_path: Path, amount: str
) -> None:
    done = edgemark_here("account", "withdraw", amount, "--home", tmp_path)
    check_refused(done, Exit.REFUSED_INPUT, "amount: is nothing", "needed more than 0")
    assert list(tmp_path.iterdir()) == []


# --- the system ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_disk_that_refuses__means_stop_and_look(number: int) -> None:
    explained = exits.explain_system(OSError(number, os.strerror(number), "journal"))
    assert isinstance(explained, Unrecoverable)
    assert explained.who == "journal"


def test_name_that_the_system_refuses__means_fix_the_call() -> None:
    explained = exits.explain_system(PermissionError(errno.EACCES, "Permission denied", "home"))
    assert isinstance(explained, RefusedInput)
    assert "home" in str(explained)
    assert "Permission denied" in str(explained)


def test_full_disk__ends_with_status_5_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("edgemark.files.os.fsync", refuse)
    done = edgemark_here("account", "address", "--home", tmp_path / "home")
    check_refused(done, Exit.UNRECOVERABLE, "account.key", "No space left", "Free space")
    assert list((tmp_path / "home" / "keys").iterdir()) == []


def test_second_interrupt__leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr("edgemark.cli.main.os._exit", left.append)
    before = signal.getsignal(signal.SIGINT)
    try:
        leave_at_once_when_asked_again()
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert left == [Exit.INTERRUPTED]


@pytest.mark.processes
def test_interrupt__while_the_program_imports__is_told_as_one() -> None:
    script = """
import runpy, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "click":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
runpy.run_module("edgemark", run_name="__main__")
"""
    path = os.pathsep.join(part for part in sys.path if part)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (Exit.INTERRUPTED, "", "interrupted\n")
