"""What a machine gives to confine with; whoever is killed leaves nothing that runs."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from tests.offchain.confinement.confined_scripts import PYTHON, SHELL

from edgemark.confinement import users
from edgemark.confinement.limits import CannotConfine
from edgemark.confinement.means import find_way, try_way
from edgemark.confinement.running import OWN_RIGHTS, USER_NAMESPACE, WAYS
from edgemark.confinement.users import FIRST_USER, hold_user

ROOT = Path(__file__).resolve().parents[3]
PR_CAPBSET_DROP, CAP_SYS_ADMIN = 24, 21
NOBODY = 65534
RUNNING = """
import os, sys
from edgemark.confinement.limits import Limits
from edgemark.confinement.running import Program, run_confined
limits = Limits(cpu_s=30, wall_s=60, memory_bytes=2**27, output_bytes=10, files_bytes=2**16)
handle = os.open("{shell}", os.O_RDONLY)
script = ": {mark}; (setsid sleep 1000 &); trap '' TERM; while :; do sleep 1; done"
run_confined(Program(handle, ("{shell}", "-c", script), limits), b"", "{way}")
"""


def start(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "offchain")},
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_this_machine__has_a_way() -> None:
    assert find_way() in WAYS


def test_where_the_kernel_gives_nothing__it_is_said_and_nothing_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from edgemark.confinement import means

    monkeypatch.setattr(means, "try_way", lambda way: f"unshare of {way}: not permitted")
    with pytest.raises(CannotConfine) as caught:
        means.find_way.__wrapped__()
    assert "not permitted" in str(caught.value)
    assert "user.max_user_namespaces" in caught.value.remedy


def drop_sys_admin() -> None:
    """As in a container: root, but with no right to make namespaces."""
    if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0):
        raise OSError("root keeps its rights")


def test_without_roots_rights_over_namespaces__the_other_way_is_found() -> None:
    script = "from edgemark.confinement.means import find_way; print(find_way())"
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "offchain")},
        preexec_fn=drop_sys_admin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout.strip(), found.stderr) == (USER_NAMESPACE, "")


def test_a_seller_that_is_not_root__has_a_way() -> None:
    """With another interpreter and a copy of these files: those of a home only its owner reads."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        package = Path(folder) / "edgemark"
        shutil.copytree(ROOT / "offchain" / "edgemark" / "confinement", package / "confinement")
        for name in ("__init__", "errors", "words"):
            shutil.copy(ROOT / "offchain" / "edgemark" / f"{name}.py", package)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        script = "from edgemark.confinement.means import find_way; print(find_way())"
        found = subprocess.run(
            [PYTHON, "-c", script],
            env={"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            user=NOBODY if os.geteuid() == 0 else None,
            group=NOBODY if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (found.stdout.strip(), found.stderr) == (USER_NAMESPACE, "")


def test_a_program_that_is_not_there__is_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgemark.confinement import means

    monkeypatch.setattr(means, "TRIAL", "/bin/false")
    assert "exited" in try_way(OWN_RIGHTS)


@pytest.mark.parametrize("way", WAYS)
def test_when_whoever_runs_it_is_killed__all_of_it_ends(way: str) -> None:
    mark = f"orphan{os.getpid()}{way[:4]}"
    process = start(RUNNING.format(shell=SHELL, mark=mark, way=way))
    try:
        wait_until(lambda: len(inside(mark)) > 1)  # the shell, and what it started
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: inside(mark) == [])
    finally:
        process.kill()
        process.wait()


def inside(mark: str) -> list[int]:
    """Processes that share the namespace of those with this mark, from outside."""
    spaces: dict[str, list[int]] = {}
    marked: set[str] = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            space = os.readlink(folder / "ns/pid")
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        spaces.setdefault(space, []).append(int(folder.name))
        if mark.encode() in words and b"run_confined" not in words:
            marked.add(space)
    return [pid for space in marked for pid in spaces[space]]


def wait_until(is_so: object) -> None:
    deadline = time.monotonic() + 20
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_runs_at_one_time__are_two_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(users, "USERS", 2)
    monkeypatch.setattr(users, "FIRST_USER", FIRST_USER + 500)
    with hold_user() as one, hold_user() as other:
        assert one != other
        with pytest.raises(CannotConfine), hold_user():
            pass
    with hold_user() as again:
        assert again == one
