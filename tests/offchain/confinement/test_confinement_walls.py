"""What a confined program reaches of the machine: nothing but what it is shown (A80).

Each test holds in both ways to confine; what stands in `REACHING` is tried by one program at once.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest
from tests.offchain.confinement.confined_scripts import PYTHON, run_script

from edgemark.confinement.inside import JOIN_SESSION_KEYRING, KEYCTL
from edgemark.confinement.limits import End
from edgemark.confinement.running import OWN_RIGHTS, WAYS

REACHING = """
import ctypes, json, os, socket, sys
def attempt(call):
    try:
        return repr(call())
    except OSError as error:
        return f"refused {error.errno}"
libc = ctypes.CDLL(None, use_errno=True)
def unshare(flags):
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "")
def reach(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return "reached"
def own_file():
    with open("own", "w") as file:
        file.write("x")
    return os.stat("own").st_size
asked = json.load(sys.stdin)
print(json.dumps({
    "environment": dict(os.environ),
    "descriptors": [n for n in range(64) if attempt(lambda: os.fstat(n))[:7] != "refused"],
    "folder": os.getcwd(),
    "root": sorted(os.listdir("/")),
    "key": attempt(lambda: open(asked["key"]).read()),
    "home": attempt(lambda: os.listdir(asked["home"])),
    "process": attempt(lambda: os.kill(asked["pid"], 0)),
    "listener": attempt(lambda: reach(asked["port"])),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "users": attempt(lambda: unshare(0x10000000)),
    "mounts": attempt(lambda: unshare(0x00020000)),
    "system": attempt(lambda: open("/usr/planted", "w")),
    "own": attempt(own_file),
    "data": attempt(lambda: os.write(0, b"x")),
    "out of root": attempt(lambda: os.chroot("..")),
    "pids": os.getpid() < 10,
    "keys": libc.syscall(asked["keyctl"], 10, -3, b"user", b"edgemark-planted", 0),
    "shared memory": libc.shmget(0, 2**20, 0o1600),
}))
"""
SHOWN = {"bin", "dev", "etc", "lib", "lib32", "lib64", "sbin", "tmp", "usr"}
EPERM, ENOENT, EROFS, ECONNREFUSED, ENETUNREACH, ESRCH = 1, 2, 30, 111, 101, 3


def plant_key() -> None:
    """Put a key into the session's keyring, which every process of it may read.

    As add_key(2) and keyctl(2) of <linux/keyctl.h>, KEYCTL_SEARCH and the session's ring, -3.
    """
    libc, number = ctypes.CDLL(None, use_errno=True), KEYCTL[os.uname().machine]
    assert libc.syscall(number, JOIN_SESSION_KEYRING, None) > 0
    add = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
    assert libc.syscall(add, b"user", b"edgemark-planted", b"secret", ctypes.c_size_t(6), -3) > 0
    assert libc.syscall(number, 10, -3, b"user", b"edgemark-planted", 0) > 0


@pytest.mark.parametrize("way", WAYS)
def test_a80_a_program_reaches_nothing_of_the_machine(way: str, tmp_path: Path) -> None:
    plant_key()
    key = tmp_path / "key"
    key.write_text("a secret of the seller's")
    key.chmod(0o644)  # no permission is what keeps it
    tmp_path.chmod(0o755)
    os.environ["EDGEMARK_PLANTED"] = "of the seller's"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = {
            "key": str(key),
            "home": str(Path.home()),
            "pid": os.getpid(),
            "port": listener.getsockname()[1],
            "keyctl": KEYCTL[os.uname().machine],
        }
        outcome = run_script(REACHING, way, json.dumps(asked).encode(), interpreter=PYTHON)
    del os.environ["EDGEMARK_PLANTED"]
    assert outcome.end is End.FINISHED
    found = json.loads(outcome.output)
    assert set(found["environment"]) <= {"LC_CTYPE"}  # which Python gives itself
    assert found["descriptors"] == [0, 1, 2]
    assert found["folder"] == "/tmp"
    assert set(found["root"]) <= SHOWN
    assert found["key"] == f"refused {ENOENT}"
    assert found["home"] == f"refused {ENOENT}"
    assert found["process"] == f"refused {ESRCH}"
    assert found["listener"] == f"refused {ENETUNREACH}"
    assert found["interfaces"] == ["lo"]
    assert found["users"] == found["mounts"] == f"refused {EPERM}"
    assert found["system"] == f"refused {EROFS}"
    assert found["own"] == "1"
    assert found["data"] == f"refused {EPERM}"
    assert found["out of root"] == f"refused {EPERM}"
    assert found["pids"]
    assert found["shared memory"] == found["keys"] == -1


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_is_shown__is_read_and_not_written(way: str, tmp_path: Path) -> None:
    shown = Path("/var/tmp") / f"shown-{os.getpid()}"  # a folder that every user may enter
    shown.write_text("shown")
    shown.chmod(0o666)
    try:
        script = f"cat {shown}; echo more >> {shown} || ls -d /var/tmp/*"
        outcome = run_script(script, way, shown=(str(shown),))
    finally:
        text = shown.read_text()
        shown.unlink()
    assert outcome.output.decode() == f"shown{shown}\n"
    assert text == "shown"
    assert not stat.S_ISLNK(shown.parent.lstat().st_mode)


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp"])
def test_what_is_shown__may_lie_where_programs_have_their_own_folder(folder: str) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        Path(place).chmod(0o755)
        (Path(place) / "shown").write_text("shown")
        outcome = run_script(f"cat {place}/shown; touch {place}/x", OWN_RIGHTS, shown=(place,))
        assert (outcome.end, outcome.output) == (End.EXITED, b"shown")
        assert [path.name for path in Path(place).iterdir()] == ["shown"]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_is_not_there__is_no_reason_to_run_without_it(way: str) -> None:
    outcome = run_script("echo ran", way, shown=("/nowhere/at-all",))
    assert (outcome.end, outcome.cpu_us, outcome.output) == (End.UNSTARTED, 0, b"")
    assert "nowhere" in outcome.reason


@pytest.mark.parametrize("way", WAYS)
def test_what_is_started_with_a_mark_of_its_owner__gains_no_rights(way: str) -> None:
    script = "for each in su mount passwd; do command -v $each; done; su -c id root 2>&1; id -u"
    outcome = run_script(script, way, b"")
    assert b"uid=" not in outcome.output
