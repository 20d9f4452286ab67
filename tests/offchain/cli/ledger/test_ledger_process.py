"""`edgemark ledger up|down|status|...`: one process for a folder, found again and ended exactly."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from tests.stage.command_line import Finished, edgemark_here
from tests.waiting import wait_until

from edgemark.cli.terminal.exits import Exit
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.control import ask_ledger
from edgemark.ledger.embedded.running.place import Place
from edgemark.ledger.embedded.running.process import ledger_down, ledger_up
from edgemark.ledger.fabric.faults import LedgerSilent
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.network.programs import find_programs
from edgemark.ledger.launching.notes import read_note, write_note
from edgemark.ledger.launching.program import Program
from edgemark.process import is_running, start_ticks

pytestmark = [pytest.mark.processes, pytest.mark.lasts(12)]


class Home:
    """A home folder with a ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(folder / "ledger")

    def run(self, *words: str) -> Finished:
        return edgemark_here("ledger", *words, "--json", "--home", str(self.folder))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield Home(tmp_path)
    ledger_down(tmp_path / "ledger")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A ledger that runs, with two channels; tests leave it running."""
    home = Home(tmp_path_factory.mktemp("home") / ("deep" * 20))
    assert home.run("up", "--orgs", "3", "--channel", "two=Org1MSP,Org3MSP").status == Exit.DONE
    yield home
    assert home.run("down").value == {"stopped": True}
    assert home.run("status").status == Exit.CHECK_FAILED


def test_ledger__is_found_again_and_says_where_it_is(served: Home) -> None:
    up, status = served.run("up").value, served.run("status").value
    assert up["pid"] == status["pid"]
    assert set(status["ports"]) == {"Org1MSP", "Org2MSP", "Org3MSP", "OrdererMSP"}
    assert status["channels"]["two"]["organisations"] == ["Org1MSP", "Org3MSP"]
    with urllib.request.urlopen(f"{status['metrics']}/healthz") as page:
        assert json.load(page) == {"healthy": True, "faults": []}
    with urllib.request.urlopen(f"{status['metrics']}/metrics") as page:
        assert b"edgemark_ledger_calls_open" in page.read()


@pytest.mark.parametrize("words", [("--orgs", "2"), ("--skew", "3"), ("--channel", "third")])
def test_ledger_that_is_wished_otherwise__is_refused(served: Home, words: tuple[str, ...]) -> None:
    refused = served.run("up", *words)
    assert refused.status == Exit.REFUSED_INPUT
    assert "{" not in refused.value["had"] + refused.value["needed"], "words, and no Python"
    if words[0] == "--channel":
        assert refused.value["had"] == "channels two of Org1MSP, Org3MSP"
        assert refused.value["needed"] == "channels two of Org1MSP, Org3MSP; third of all"


def test_status__in_a_home_with_a_network_of_fabric__says_who_knows_of_it(tmp_path: Path) -> None:
    assert "fabric" not in edgemark_here("ledger", "status", "--home", tmp_path).out
    (tmp_path / "fabric").mkdir()
    status = edgemark_here("ledger", "status", "--home", tmp_path)
    assert status.status == Exit.CHECK_FAILED
    assert "edgemark fabric status" in status.out


def test_second_process__is_refused(served: Home) -> None:
    refused = served.run("serve")
    assert refused.status == Exit.REFUSED_INPUT
    assert refused.value["error"] == "FileInUse"


def test_socket_and_folder__are_for_their_owner_alone(served: Home) -> None:
    assert stat.S_IMODE(served.place.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(served.place.socket.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"no json\n", b'"text"\n', b"{}\n", b'{"ask": "kill"}\n', b"[" * 9000]
)
def test_noise_on_the_socket__changes_nothing(served: Home, line: bytes) -> None:
    where = os.open(served.place.folder, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(f"/proc/self/fd/{where}/control.sock")
            asking.sendall(line)
    finally:
        os.close(where)
    assert ask_ledger(served.place.socket, "ping") == {"alive": True}


def test_snapshot_advance_and_verify__answer(served: Home) -> None:
    number = served.run("snapshot").value["number"]
    assert served.run("advance", "60").value == {"advanced_s": 60}
    assert served.run("revert", str(number)).value == {"number": number}
    refused = served.run("revert", "9999")
    assert refused.status == Exit.REFUSED_INPUT
    assert refused.value["remedy"] == "Name one of them: `edgemark ledger snapshot --list`."
    (last,) = served.run("snapshot", "--list").value["snapshots"][-1:]
    assert (last["number"], list(last["channels"])) == (number, ["two"])
    assert abs(last["time"] - datetime.now(UTC).timestamp()) < 60
    table = edgemark_here("ledger", "snapshot", "--list", "--home", str(served.folder)).out
    assert table.splitlines()[-1].startswith(f"{number} ")
    assert table.splitlines()[-1].endswith(f"two={last['channels']['two']}")
    checked = served.run("verify").value["channels"]
    assert sorted(each["channel"] for each in checked) == ["two"]


def test_identities__are_issued_listed_and_revoked(served: Home, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    file = tmp_path / "request.pem"
    file.write_bytes(request.public_bytes(Encoding.PEM))
    words = ("--msp-id", "Org2MSP", "--attribute", "role=audit", "--request", str(file))
    issued = served.run("identity", "issue", "auditor", *words).value
    assert issued["attributes"] == {"role": "audit"}
    assert list((Path(issued["msp_folder"]) / "keystore").iterdir()) == []
    heights = served.run("status").value["channels"]
    assert served.run("identity", "revoke", "User1", "--msp-id", "Org3MSP").value["counts"] is True
    assert served.run("status").value["channels"]["two"]["height"] == heights["two"]["height"] + 1
    listed = served.run("identity", "list").value["identities"]
    assert [each["name"] for each in listed if each["revoked"]] == ["User1"]
    (auditor,) = [each for each in listed if each["name"] == "auditor"]
    assert (auditor["role"], auditor["attributes"]) == ("client", {"role": "audit"})
    assert auditor["valid_until"] > datetime.now(UTC).timestamp()
    table = edgemark_here("ledger", "identity", "list", "--home", str(served.folder)).out
    (line,) = [each for each in table.splitlines() if "auditor" in each]
    assert line.split()[:4] == ["Org2MSP", "auditor", "client", "role=audit"]
    assert line.endswith(f"{auditor['valid_until_utc']}  no")
    for wrong in (("issue", "auditor", "--msp-id", "Org2MSP"), ("issue", "../x"), ("revoke", "no")):
        assert served.run("identity", *wrong).status == Exit.REFUSED_INPUT
    assert served.run("identity", "issue", "a", "--attribute", "x").status == Exit.REFUSED_INPUT
    assert served.run("identity", "issue", "a", "--msp-id", "NoMSP").status == Exit.REFUSED_INPUT


def test_identity_issue__says_what_to_do_instead_and_can_be_of_one_that_has_expired(
    served: Home,
) -> None:
    wrong: tuple[tuple[tuple[str, ...], str], ...] = (
        (("User1",), "Give another name"),
        (("../other",), "Name it so"),
        (("other", "--attribute", "role"), "--attribute role=VALUE"),
    )
    for words, remedy in wrong:
        refused = served.run("identity", "issue", *words)
        assert refused.status == Exit.REFUSED_INPUT
        assert remedy in refused.value["remedy"]
    for days in ("-1", "1.5", "3651"):
        assert served.run("identity", "issue", "late", "--days", days).status == Exit.REFUSED_INPUT
    late, week, whole = (
        served.run("identity", "issue", name, "--msp-id", "Org2MSP", *words).value
        for name, words in (("late", ("--days", "0")), ("week", ("--days", "7")), ("whole", ()))
    )
    now = datetime.now(UTC).timestamp()
    assert late["valid_until"] <= now
    assert abs(week["valid_until"] - now - 7 * 86400) < 600
    certificate = next((Path(whole["msp_folder"]) / "cacerts").iterdir()).read_bytes()
    end = x509.load_pem_x509_certificate(certificate).not_valid_after_utc.timestamp()
    assert whole["valid_until"] == end
    words = ("--msp-id", "Org2MSP", "--msp-folder", late["msp_folder"], "--channel", "two")
    refused = served.run("query", "shelf", "get", *words)
    assert (refused.status, refused.value["what"]) == (Exit.REFUSED_INPUT, "has expired")
    assert "edgemark ledger identity issue" in refused.value["remedy"]


def test_identity_revoke__counts_only_where_it_says_so(served: Home) -> None:
    refused = served.run("identity", "revoke", "Admin", "--msp-id", "OrdererMSP")
    assert refused.status == Exit.REFUSED_INPUT
    assert refused.value["needed"] == "one of Org1MSP, Org2MSP, Org3MSP"
    network = served.folder / "network/org1.example.com"
    OrganisationFolder(network, "Org1MSP").make("peer0", MemberRole.PEER, datetime.now(UTC))
    words = ("ledger", "identity", "revoke", "User1", "--organisation-folder", str(network))
    done = edgemark_here(*words, "--home", str(served.folder))
    listed = network / "msp/crls/revoked.pem"
    assert done.status == Exit.DONE
    assert listed.is_file()
    assert str(listed) in done.out
    assert "does not count as revoked yet" in done.out
    assert "configuration of each channel" in done.out


@pytest.mark.parametrize("form", ["gateway", "hfc", "caliper"])
def test_profile__is_json_that_names_the_ports(served: Home, form: str) -> None:
    printed = served.run("profile", "--form", form)
    assert printed.status == Exit.DONE
    assert json.loads(printed.out)


def test_name_that_is_not_there__is_told_with_those_that_are(served: Home) -> None:
    for words, needed in (
        (("profile", "--msp-id", "Org9MSP"), "one of Org1MSP, Org2MSP, Org3MSP"),
        (("identity", "list", "--msp-id", "x"), "one of Org1MSP, Org2MSP, Org3MSP, OrdererMSP"),
        (("identity", "revoke", "nosuch"), "one of Admin, User1"),
    ):
        refused = served.run(*words)
        assert (refused.status, refused.value["needed"]) == (Exit.REFUSED_INPUT, needed)
        assert refused.value["remedy"]


def test_channel_of_the_settings_that_is_not_there__is_told_at_the_start(served: Home) -> None:
    told = "commands ask channel mychannel, and this ledger has two. Give them --channel two"
    assert told in served.run("up").error


def test_seconds_below_zero__are_told_as_seconds(served: Home) -> None:
    refused = served.run("advance", "-5")
    assert refused.status == Exit.REFUSED_INPUT
    assert "-5 is below 0: SECONDS is 0 .. 3153600000." in refused.error


def test_killed_ledger__is_not_found_and_comes_up_where_it_was(home: Home) -> None:
    first = home.run("up").value
    started = start_ticks(first["pid"])
    assert started is not None
    os.kill(first["pid"], signal.SIGKILL)
    wait_until("its end", lambda: not is_running(first["pid"], started))
    assert home.run("status").status == Exit.CHECK_FAILED
    silent = home.run("query", "trading", "tasks", "--wait", "1")
    assert silent.status == Exit.LEDGER_UNAVAILABLE
    assert silent.value["remedy"] == "It is down: start it with `edgemark ledger up`."
    began = time.monotonic()
    for words in (("query", "shelf", "get"), ("invoke", "shelf", "put"), ("snapshot",)):
        refused = home.run(*words)
        assert refused.status == Exit.LEDGER_UNAVAILABLE
        assert refused.value["remedy"] == "It is down: start it with `edgemark ledger up`."
    assert time.monotonic() - began < 10  # they would be asked again for 40 s and 120 s
    assert home.run("finish").value == {"finished": []}
    with pytest.raises(LedgerSilent):
        ask_ledger(home.place.socket, "ping")
    again = home.run("up").value
    assert again["pid"] != first["pid"]
    assert again["ports"] == first["ports"]


def test_two_that_start_it_at_once__find_the_same__and_its_log_stays(home: Home) -> None:
    assert home.run("init").status == Exit.DONE
    words = [sys.executable, "-m", "edgemark", "ledger", "serve", "--home", str(home.folder)]

    def start(_: int) -> int:
        running = ledger_up(home.place.folder, lambda _: [*words, "--log-level", "info"])
        return running.program.pid

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(start, range(2))
    assert first == second
    assert "serving" in (home.place.folder / "ledger.log").read_text()


def test_down_while_it_starts__waits_and_ends_it(home: Home) -> None:
    assert home.run("init").status == Exit.DONE
    words = [sys.executable, "-m", "edgemark", "ledger", "serve", "--home", str(home.folder)]
    begins = threading.Event()

    def command(_: Path) -> list[str]:
        begins.set()
        return words

    with ThreadPoolExecutor(1) as threads:
        up = threads.submit(ledger_up, home.place.folder, command)
        assert begins.wait(20)
        assert home.run("down").value == {"stopped": True}
        wait_until("its end", lambda: not up.result().program.is_running)
    assert home.run("status").status == Exit.CHECK_FAILED


def test_down__leaves_the_note_and_socket_of_one_that_came_up_meanwhile(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.place.folder.mkdir(parents=True)
    dead, other = {"pid": 2**22 + 1, "started": 1}, {"pid": 2**22 + 2, "started": 2}
    write_note(home.place.note, dead)
    home.place.socket.touch()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Program, "close", lambda _: write_note(home.place.note, other))
        assert not ledger_down(home.place.folder)
    assert read_note(home.place.note) == other
    assert home.place.socket.exists()


def test_port_in_use__is_refused_by_name(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        refused = home.run("up", "--port", str(port))
    assert (refused.status, refused.value["error"]) == (Exit.REFUSED_INPUT, "PortInUse")
    assert home.run("status").status == Exit.CHECK_FAILED


def test_damaged_key__is_said_and_nothing_is_left_running(home: Home) -> None:
    assert home.run("init").status == Exit.DONE
    key = next(home.place.folder.rglob("server.key"))
    key.chmod(0o644)
    assert home.run("up").status == Exit.UNRECOVERABLE
    assert home.run("status").status == Exit.CHECK_FAILED


@pytest.mark.parametrize(
    "words",
    [
        ("up", "--orgs", "0"),
        ("up", "--orgs", "17"),
        ("up", "--channel", "Bad Name"),
        ("up", "--channel", "one=NobodyMSP"),
        ("up", "--batch-timeout", "0"),
        ("up", "--execute-timeout", "-1"),
        ("up", "--skew", "99"),
        ("serve",),
        ("snapshot",),
        ("verify",),
        ("profile",),
        ("identity", "list"),
    ],
)
def test_wrong_call__is_refused_and_starts_nothing(home: Home, words: tuple[str, ...]) -> None:
    assert home.run(*words).status == Exit.REFUSED_INPUT
    assert home.run("status").status == Exit.CHECK_FAILED


@pytest.mark.fabric
def test_folder_of_cryptogen__is_read_and_issued_from(tmp_path: Path) -> None:
    settings = tmp_path / "crypto.yaml"
    settings.write_text(
        "PeerOrgs:\n- {Name: Org1, Domain: org1.example.com, EnableNodeOUs: true,"
        " Template: {Count: 1}, Users: {Count: 1}}\n"
    )
    program = find_programs().paths["cryptogen"]
    subprocess.run(
        [program, "generate", f"--config={settings}", f"--output={tmp_path / 'crypto'}"], check=True
    )
    path = tmp_path / "crypto/peerOrganizations/org1.example.com"
    theirs = OrganisationFolder(path, "Org1MSP")
    folder = theirs.issue("auditor", MemberRole.CLIENT, datetime.now(UTC), {"role": "audit"})
    organisation = theirs.read()
    for msp in (folder / "msp", None):
        organisation.admit(theirs.signer(msp).identity, at=datetime.now(UTC))
    ours = Organisations.make(tmp_path, 1, datetime.now(UTC)).folder_of("Org1MSP")
    ours.issue("auditor", MemberRole.CLIENT, datetime.now(UTC))
    files = [
        sorted(str(each.relative_to(place)) for each in place.rglob("*") if each.is_file())
        for place in (path, ours.path)
    ]
    assert files[0] == files[1]
