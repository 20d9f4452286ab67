"""`edgemark ledger invoke|query|finish|events|history` as typed, on a development ledger."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.embedded.served import ORG1, ORG2, development_ledger
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf
from tests.stage.command_line import edgemark_here

from edgemark.cli.doctor.chain_findings import names_chain
from edgemark.cli.doctor.ledger_findings import find_on_ledger
from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import read_settings
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.network.network import NOTE
from edgemark.ledger.fabric.opening import open_ledger
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.ledger.fabric.settings import DEVELOPMENT, LedgerSettings

ORGANISATIONS = f"one of {ORG1}, {ORG2}"


@dataclass
class Desk:
    """A home folder and the commands typed there."""

    home: Path
    capture: pytest.CaptureFixture[str]

    def type(self, *words: str) -> tuple[int, str, str]:
        """Run one command; (exit status, standard output, standard error)."""
        with pytest.raises(SystemExit) as left:
            main(["ledger", *words, "--home", str(self.home)])
        said = self.capture.readouterr()
        return int(left.value.code or 0), said.out, said.err

    def ask(self, *words: str, status: int = Exit.DONE) -> dict[str, Any]:
        """The same, for JSON."""
        found, out, error = self.type(*words, "--json")
        assert found == status, error
        facts: dict[str, Any] = json.loads(out)
        return facts


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with development_ledger(folder / "ledger") as running:
        running.deploy("shelf", {ORG1: Shelf(), ORG2: Shelf()})
        yield folder


@pytest.fixture
def desk(home: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(home, capsys)


def test_invoke__says_block_code_and_transaction__and_query_reads_it(desk: Desk) -> None:
    status, out, _ = desk.type("invoke", "shelf", "put", "a", "1")
    assert status == Exit.DONE
    first, answer = out.splitlines()
    assert first.startswith("VALID in block ")
    assert len(first.split()[-1]) == 64
    assert answer == "kept"
    assert desk.type("query", "shelf", "get", "a")[:2] == (Exit.DONE, "1\n")
    facts = desk.ask("invoke", "shelf", "put", "a", "2")
    assert (facts["code"], facts["response"]) == ("VALID", "kept")
    assert desk.ask("query", "shelf", "get", "a") == {"response": "2"}


def test_a_name_typed_again__is_the_same_transaction(desk: Desk) -> None:
    words = ("invoke", "shelf", "put", "named", "1", "--name", "first")
    assert desk.ask(*words) == desk.ask(*words)
    other = ("invoke", "shelf", "put", "named", "2", "--name", "first")
    refused = desk.ask(*other, status=Exit.REFUSED_INPUT)
    assert refused["error"] == "SubmissionDiffers"
    assert desk.ask("finish") == {"finished": []}
    refused = desk.ask("finish", "--give-up", "first", status=Exit.REFUSED_INPUT)
    assert [each["error"] for each in refused["finished"]] == ["RefusedInput"], "it was decided"


def test_history__tells_every_value_the_newest_first(desk: Desk) -> None:
    ids = [
        desk.ask("invoke", "shelf", "put", "told", value)["transaction_id"] for value in ("1", "2")
    ]
    gone = desk.ask("invoke", "shelf", "drop", "told")["transaction_id"]
    rows = desk.ask("history", "shelf", "told")["history"]
    assert [(row["transaction"], row["value"], row["deleted"]) for row in rows] == [
        (gone, None, True),
        (ids[1], "2", False),
        (ids[0], "1", False),
    ]
    assert "(deleted)" in desk.type("history", "shelf", "told")[1]
    desk.ask("invoke", "shelf", "put_parts", "kind", "x", "y")
    assert len(desk.ask("history", "shelf", "kind", "x", "y")["history"]) == 1
    assert desk.type("history", "shelf", "never")[1] == "shelf never wrote this key\n"


def test_events__go_on_behind_their_checkpoint(desk: Desk, tmp_path: Path) -> None:
    held = str(tmp_path / "checkpoint")
    begun = ("events", "shelf", "--checkpoint", held, "--wait", "1")
    assert desk.type(*begun)[:2] == (Exit.DONE, "")
    for key in ("e1", "e2", "e3"):
        desk.ask("invoke", "shelf", "put", key, "1")
    names = []
    for count in ("1", "2"):
        words = ("events", "shelf", "--checkpoint", held, "--count", count, "--json")
        _, out, _ = desk.type(*words)
        names += [json.loads(line)["payload"] for line in out.splitlines()]
    assert names == ["e1", "e2", "e3"]
    with CheckpointFile(Path(held)).held():
        status, out, error = desk.type(*begun)
    assert (status, out) == (Exit.REFUSED_INPUT, "")
    assert "is in use" in error


def test_a_chaincode_that_says_no__is_told_by_every_endorser(desk: Desk) -> None:
    facts = desk.ask("invoke", "shelf", "refuse", "a", status=Exit.REFUSED_INPUT)
    assert facts["error"] == "ChaincodeRefused"
    assert "no such thing" in facts["had"]
    assert [each["msp_id"] for each in facts["endorsers"]] == [ORG1]
    _, _, error = desk.type("query", "shelf", "refuse", "a")
    assert "no such thing" in error
    assert "Traceback" not in error


def test_a_chaincode_that_says_no__is_named_with_its_organisation_and_remedy(desk: Desk) -> None:
    for words in (("invoke", "shelf", "refuse", "a"), ("query", "shelf", "refuse", "a")):
        facts = desk.ask(*words, status=Exit.REFUSED_INPUT)
        assert facts["who"] == f"chaincode shelf on mychannel, at {ORG1}"
        assert "mend the call" in facts["remedy"]


@pytest.mark.parametrize(
    ("words", "who", "needed"),
    [
        (("query", "nobody", "get", "a"), "chaincode nobody", "one of shelf"),
        (("invoke", "nobody", "put", "a", "1"), "chaincode nobody", "one of shelf"),
        (("history", "nobody", "a"), "chaincode nobody", "one of shelf"),
        (("query", "shelf", "get", "a", "--channel", "no"), "channel no", "one of mychannel"),
        (("invoke", "shelf", "put", "a", "1", "--channel", "no"), "channel no", "one of mychannel"),
        (("history", "shelf", "a", "--channel", "no"), "channel no", "one of mychannel"),
        (("events", "shelf", "--channel", "no"), "channel no", "one of mychannel"),
        (("chaincode", "deploy", "trading", "--channel", "no"), "channel no", "one of mychannel"),
        (("query", "shelf", "get", "a", "--org", "Org9MSP"), "organisation Org9MSP", ORGANISATIONS),
        (
            ("invoke", "shelf", "put", "a", "1", "--org", ORG1, "--org", "Org9MSP"),
            "organisation Org9MSP",
            ORGANISATIONS,
        ),
    ],
)
def test_what_is_not_there__is_named_with_what_is(
    desk: Desk, words: tuple[str, ...], who: str, needed: str
) -> None:
    facts = desk.ask(*words, status=Exit.REFUSED_INPUT)
    assert (facts["error"], facts["who"], facts["needed"]) == ("NotEndorsed", who, needed)
    assert facts["remedy"]


def test_what_the_ledger_said__stays_beside_what_is_there(desk: Desk) -> None:
    facts = desk.ask("query", "nobody", "get", "a", status=Exit.REFUSED_INPUT)
    assert facts["had"].startswith("FAILED_PRECONDITION: no peers available to evaluate chaincode")


def test_events_of_a_chaincode_that_is_not_there__are_waited_for_with_a_warning(desk: Desk) -> None:
    status, out, error = desk.type("events", "nobody", "--wait", "0.1")
    assert (status, out) == (Exit.DONE, "")
    assert "chaincode nobody: is not on channel mychannel; needed one of shelf" in error


def test_fewer_events_than_were_asked_for__are_told_by_the_status(desk: Desk) -> None:
    words = ("events", "shelf", "--from-block", "0", "--wait", "1", "--count")
    desk.ask("invoke", "shelf", "put", "counted", "1")
    assert desk.type(*words, "1")[0] == Exit.DONE
    status, out, error = desk.type(*words, "1000")
    assert status == Exit.LEDGER_UNAVAILABLE
    assert f"{len(out.splitlines())} of 1000 events came" in error


def test_an_answer_that_is_no_text__is_said_to_be_hex(desk: Desk) -> None:
    words = ("query", "qscc", "GetChainInfo", "mychannel")
    status, out, error = desk.type(*words)
    assert (status, out[:2]) == (Exit.DONE, "0x")
    assert "no text; its bytes, in hex" in error
    assert desk.ask(*words)["encoding"] == "hex"
    assert "encoding" not in desk.ask("query", "shelf", "get", "a")


def test_arguments_that_begin_with_a_dash__stand_behind_two(desk: Desk) -> None:
    words = ("--retries", "1", "--", "shelf", "put", "-k", "-5")
    with pytest.raises(SystemExit) as left:
        main(["ledger", "invoke", "--home", str(desk.home), *words])
    assert left.value.code in {0, None}
    desk.capture.readouterr()
    client = open_ledger(LedgerSettings(kind=DEVELOPMENT), desk.home).client(submits=False)
    with client as asking:
        assert asking.evaluate("shelf", "get", "-k") == b"-5"


def test_two_who_submit_as_one_identity__are_told_how_both_can(desk: Desk) -> None:
    with open_ledger(LedgerSettings(kind=DEVELOPMENT), desk.home).client():
        refused = desk.ask("invoke", "shelf", "put", "a", "1", status=Exit.REFUSED_INPUT)
        assert refused["error"] == "JournalInUse"
        assert "--msp-folder" in refused["remedy"]
        desk.ask("query", "shelf", "get", "a")
        desk.ask("history", "shelf", "a")


def test_why_an_identity_is_refused__is_said_where_its_organisation_is_here(
    desk: Desk, tmp_path: Path
) -> None:
    other = OrganisationFolder(tmp_path / "org1.example.com", ORG1)
    other.make("peer0", MemberRole.PEER, datetime.now(UTC))
    msp = other.path / "users/User1@org1.example.com/msp"
    words = ("query", "shelf", "get", "a", "--msp-folder", str(msp))
    facts = desk.ask(*words, status=Exit.REFUSED_INPUT)
    assert (facts["who"], facts["what"]) == (f"identity in {msp}", "was issued by another CA")
    assert "edgemark ledger identity issue" in facts["remedy"]
    assert "access denied" in facts["had"]


def test_too_few_endorsements__are_invalid_and_say_the_code(desk: Desk) -> None:
    words = ("invoke", "shelf", "put", "few", "1", "--org", ORG1)
    facts = desk.ask(*words, status=Exit.REFUSED_INPUT)
    assert (facts["error"], facts["code"]) == ("TransactionInvalid", "ENDORSEMENT_POLICY_FAILURE")
    assert facts["block"] > 0
    assert facts["had"].endswith(f", endorsed by {ORG1} alone")
    assert facts["needed"] == f"what its policy says: majority, so {ORG2} too"
    assert "Leave --org out" in facts["remedy"]


def test_an_organisation_that_is_not_there__is_told_with_those_that_are(desk: Desk) -> None:
    words = ("query", "shelf", "get", "a", "--msp-id", "Org9MSP")
    facts = desk.ask(*words, status=Exit.REFUSED_INPUT)
    assert (facts["who"], facts["needed"]) == ("Org9MSP", "Org1MSP, Org2MSP")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("query", "nobody", "get", "a"), "NotEndorsed"),
        (("query", "shelf", "get", "a", "--channel", "nowhere"), "NotEndorsed"),
        (("query", "shelf", "get", "a", "--org", "Org9MSP"), "NotEndorsed"),
        (("query", "x" * 65, "get"), "RefusedInput"),
        (("query", "shelf", "get", "\udcff"), "RefusedInput"),
        (("query", "\udcff", "get"), "RefusedInput"),
        (("invoke", "shelf", "put", "k", "\udcff"), "RefusedInput"),
        (("invoke", "shelf", "put", "k", "v", "--name", "\udcff"), "RefusedInput"),
        (("invoke", "shelf", "put", "k", "v", "--org", "\udcff"), "RefusedInput"),
        (("invoke", "shelf", "put", "k", "v", "--transient", "a=\udcff"), "RefusedInput"),
        (("invoke", "shelf", "put", "k", "v", "--channel", "\udcff"), "RefusedInput"),
        (("history", "\udcff", "k"), "RefusedInput"),
        (("history", "shelf", "\udcff"), "RefusedInput"),
        (("events", "\udcff", "--count", "1"), "RefusedInput"),
        (("query", "shelf", "get", "a", "--msp-id", "Org9MSP"), "ProfileInvalid"),
        (("query", "shelf", "get", "a", "--ledger", "profile"), "ProfileInvalid"),
        (("query", "shelf", "get", "a", "--ledger-profile", "gone.json"), "ProfileInvalid"),
        (("query", "shelf", "get", "a", "--msp-folder", "gone"), "IdentityRefused"),
        (("query", "shelf", "get", "a", "--transient", "pin"), "RefusedInput"),
    ],
)
def test_a_wrong_call__is_refused_with_its_reason(
    desk: Desk, words: tuple[str, ...], error: str
) -> None:
    refused = desk.ask(*words, status=Exit.REFUSED_INPUT)
    assert refused["error"] == error
    assert refused["had"] or refused["needed"] or refused["remedy"]


def test_a_key_that_others_can_read__is_refused(desk: Desk, tmp_path: Path) -> None:
    users = desk.home / "ledger/crypto-config/peerOrganizations/org1.example.com/users"
    msp = shutil.copytree(users / "User1@org1.example.com" / "msp", tmp_path / "msp")
    next((Path(msp) / "keystore").iterdir()).chmod(0o644)
    refused = desk.ask(
        "query", "shelf", "get", "a", "--msp-folder", str(msp), status=Exit.REFUSED_INPUT
    )
    assert "chmod 600" in refused["remedy"]


def test_nobody_at_the_peers_address__is_said_in_time(desk: Desk, tmp_path: Path) -> None:
    held = json.loads(profile_path(desk.home / "ledger", ORG1).read_text())
    for node in held["peers"].values():
        node["url"] = "grpcs://localhost:1"
    (tmp_path / "profile.json").write_text(json.dumps(held))
    users = desk.home / "ledger/crypto-config/peerOrganizations/org1.example.com/users"
    facts = desk.ask(
        *("query", "shelf", "get", "a", "--wait", "0.5"),
        *("--ledger-profile", str(tmp_path / "profile.json")),
        *("--msp-folder", str(users / "User1@org1.example.com" / "msp")),
        status=Exit.LEDGER_UNAVAILABLE,
    )
    assert facts["error"] == "LedgerSilent"


def test_doctor__finds_the_ledger_and_each_peer__and_of_fabric_alone_what_to_name(
    desk: Desk, tmp_path: Path
) -> None:
    settings = read_settings(None, {"home": str(desk.home)})
    found = {each.name: each for each in find_on_ledger(settings, serves=False, offline=False)}
    assert found["ledger"].seen.startswith("development, channel mychannel, as Org1MSP, by ")
    assert [each.seen for name, each in found.items() if name.startswith("peer ")] == [
        "listens"
    ] * 2
    for each in ("profiles", "crypto-config"):
        shutil.copytree(desk.home / "ledger" / each, tmp_path / "fabric" / each)
    (tmp_path / "fabric" / NOTE).write_text("{}")
    alone = read_settings(None, {"home": str(tmp_path)})
    found = {each.name: each for each in find_on_ledger(alone, serves=False, offline=True)}
    assert found["ledger"].fine, found["ledger"]
    assert "give commands --ledger fabric" in found["ledger"].seen


@pytest.mark.parametrize(
    ("said", "is_needed"), [({}, False), ({"chain.url": "http://127.0.0.1:9"}, True)]
)
def test_doctor__needs_no_chain_where_a_home_has_a_ledger_and_nothing_of_a_chain(
    desk: Desk, said: dict[str, str], is_needed: bool
) -> None:
    assert names_chain(read_settings(None, {"home": str(desk.home), **said})) is is_needed
    words = [
        word for name, value in said.items() for word in (f"--{name.replace('.', '-')}", value)
    ]
    facts = edgemark_here("doctor", "--home", desk.home, "--json", *words).value
    assert facts["chain"]["needed"] is is_needed
    assert facts["ledger"]["fine"]


def test_no_ledger_here__names_the_command_that_starts_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = Desk(tmp_path, capsys).ask("query", "shelf", "get", status=Exit.REFUSED_INPUT)
    assert "edgemark ledger up" in refused["remedy"]
