"""`outsourcing evidence` and `outsourcing replay`, on the journals that parties keep."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.offchain.systems.outsourcing.cast import JUDGES, NODES, case_of, dense_function, offer_to
from tests.offchain.systems.outsourcing.court import Court, open_court
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.identifiers import ShareIndex
from edgemark.journal.journal import Journal
from edgemark.loop.archive import Archive
from edgemark.loop.replay import encode_record
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.station.functions import FunctionStore

pytestmark = pytest.mark.chain
CHARGED = ShareIndex(3)


@dataclass(frozen=True)
class Case:
    """A liar at index 3, convicted on chain; and the homes of those who hold its task."""

    court: Court
    order: Order

    def run(self, *words: str | Path, home: str = "stranger") -> Finished:
        """A command of somebody who knows where the chain and the contracts are."""
        environ = {
            "EDGEMARK_CHAIN_URL": self.court.chain.url,
            "EDGEMARK_CONFIRMATIONS": "0",
            "EDGEMARK_MANIFEST": str(self.court.folder / "deployment.json"),
        }
        return edgemark_here(
            "outsourcing", *words, "--home", self.court.folder / home, environ=environ
        )

    def export(self, home: str, path: Path, *words: str) -> Finished:
        """The evidence of one home."""
        return self.run("evidence", self.order.job.hex(), "-o", path, *words, home=home)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with open_court(tmp_path_factory.mktemp("court")) as court:
        court.deployment.save(court.folder / "deployment.json")
        order = court.start("evidence", liars=[CHARGED])
        court.charge(order, wrong=CHARGED)
        court.serve(order, CHARGED)
        court.rule(order, CHARGED, Finding.WRONG)
        made = Case(court, order)
        write_device(made)
        write_node(made)
        write_judge(made)
        yield made


def write_home(case: Case, name: str, machine: object, key: bytes, events: list[object]) -> None:
    """The journal and the function of a party, as its process leaves them."""
    home = case.court.folder / name
    home.mkdir(mode=0o700, exist_ok=True)
    FunctionStore(home / "functions").add(dense_function())
    with Journal.open(home / f"{name}.journal") as journal:
        for event in events:
            journal.append(encode_record(machine, key, event))  # type: ignore[arg-type]


def write_device(case: Case) -> None:
    order, answers = case.order, case.court.answers[case.order.job]
    indices = [
        on.SawIndexPhase(ShareIndex(j), phase)
        for phase in (IndexPhase.ACCEPTED, IndexPhase.COMMITTED)
        for j in range(1, 7)
    ]
    events = [
        on.AskedSubmit(order),
        on.SawPosted(),
        *indices,
        on.SawStarted(order.terms.accept_by),
        *(on.HeardAnswer(answers[j]) for j in range(1, 7)),
    ]
    write_home(case, "device", PartyMachine(DeviceJob), order.job, events)


def write_node(case: Case) -> None:
    order = case.order
    events = [
        offer_to(order, CHARGED),
        on.SawAccepted(),
        on.HeardTask(order.tasks[CHARGED - 1], case.court.answers[order.job][CHARGED].salt),
        on.SawStarted(order.terms.accept_by),
        on.FoundAnswer(case.court.answers[order.job][CHARGED]),
    ]
    write_home(case, "node", PartyMachine(NodeTask), key_of(order.job, CHARGED), events)


def write_judge(case: Case) -> None:
    order = case.order
    answer = case.court.answers[order.job][CHARGED]
    commitment = case.court.opened_by(answer, NODES[CHARGED - 1])
    filed = case_of(order, CHARGED, ChargeKind.WRONG, commitment=commitment)
    heard = on.HeardEvidence(order.terms, order.tasks[CHARGED - 1], answer)
    machine = PartyMachine(lambda: JudgeCase(me=JUDGES[0].address))
    write_home(case, "judge", machine, key_of(order.job, CHARGED), [filed, heard])


@pytest.mark.parametrize("home", ["device", "node", "judge"])
def test_evidence__of_each_party__replays_to_the_same_verdict(
    case: Case, home: str, tmp_path: Path
) -> None:
    path = tmp_path / "evidence.json"
    done = case.export(home, path, "--json")
    assert done.status == Exit.DONE, done.error
    assert done.value["indices"] == [CHARGED]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "1 of the 6 shares of this job's secret input" in done.error
    replayed = case.run("replay", path, "--json")
    assert replayed.status == Exit.DONE, replayed.out
    assert (replayed.value["outcome"], replayed.value["findings"]) == ("agrees", {"3": "wrong"})
    assert replayed.value["not_checked"] == []
    offline = case.run("replay", path, "--offline", "--chain-url", "http://127.0.0.1:9")
    assert offline.status == Exit.DONE
    assert offline.out.rstrip().endswith("EVERYTHING AGREES")
    assert "no chain was asked" in offline.out


def test_evidence__of_all_three__is_the_same_file(case: Case, tmp_path: Path) -> None:
    paths = {home: tmp_path / home for home in ("device", "node", "judge")}
    for home, path in paths.items():
        case.export(home, path)
    assert len({path.read_bytes() for path in paths.values()}) == 1


def test_evidence__while_the_party_writes_its_journal__is_given(case: Case, tmp_path: Path) -> None:
    with Journal.open(case.court.folder / "node" / "node.journal"):
        assert case.export("node", tmp_path / "evidence").status == Exit.DONE


def test_evidence__of_a_job_that_is_in_the_archive__is_given(case: Case, tmp_path: Path) -> None:
    folder = case.court.folder
    with Journal.open(folder / "judge" / "judge.journal") as journal:
        records = list(journal.records())
    elsewhere = folder / "retired"
    elsewhere.mkdir(mode=0o700)
    FunctionStore(elsewhere / "functions").add(dense_function())
    archive = Archive(elsewhere / "judge.archive")
    archive.put(key_of(case.order.job, CHARGED), records)
    assert case.export("retired", tmp_path / "evidence").status == Exit.DONE
    case.export("judge", tmp_path / "other")
    assert (tmp_path / "evidence").read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("index", ["1", "6", "7", "0"])
def test_evidence__of_an_index_that_is_not_charged__is_refused_and_nothing_written(
    case: Case, index: str, tmp_path: Path
) -> None:
    done = case.export("device", tmp_path / "evidence", "--index", index)
    assert done.status == Exit.REFUSED_INPUT
    assert "index is not charged" in done.complaint
    assert not (tmp_path / "evidence").exists()


def test_evidence__of_a_job_without_charges__is_refused(case: Case, tmp_path: Path) -> None:
    honest = case.court.start("honest").job.hex()
    done = case.run("evidence", honest, "-o", tmp_path / "evidence", home="device")
    assert done.status == Exit.REFUSED_INPUT
    assert "nothing is charged in this job" in done.complaint


def test_evidence__of_a_charge_that_goes_on__is_refused(case: Case, tmp_path: Path) -> None:
    order = case.court.start("goes on")
    case.court.charge(order, wrong=1)
    done = case.run("evidence", order.job.hex(), "-o", tmp_path / "evidence", home="device")
    assert done.status == Exit.REFUSED_INPUT
    assert "charge has not ended yet" in done.complaint


def test_evidence__from_a_home_that_holds_nothing__is_refused(case: Case, tmp_path: Path) -> None:
    done = case.export("stranger", tmp_path / "evidence")
    assert done.status == Exit.REFUSED_INPUT
    assert "holds no task of these charged indices" in done.complaint
    assert not (case.court.folder / "stranger").exists()


def test_evidence__over_a_file_that_is_there__is_refused(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "evidence"
    path.write_text("mine")
    done = case.export("device", path)
    assert done.status == Exit.REFUSED_INPUT
    assert path.read_text() == "mine"


def test_replay__without_the_function__asks_for_its_file(case: Case, tmp_path: Path) -> None:
    path, function = tmp_path / "evidence", tmp_path / "f.function"
    case.export("judge", path, "--hash-only")
    function.write_bytes(dense_function().to_bytes())
    done = case.run("replay", path)
    assert done.status == Exit.REFUSED_INPUT
    assert "--function FILE" in done.complaint
    assert case.run("replay", path, "--function", function).status == Exit.DONE
    function.write_bytes(dense_function(name="another").to_bytes())
    other = case.run("replay", path, "--function", function)
    assert other.status == Exit.REFUSED_INPUT  # the reader's file is wrong, not the bundle
    assert "is not the function of the bundle" in other.complaint


def test_replay__of_a_changed_file__fails_by_name(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "evidence"
    case.export("device", path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"finding":"wrong"', b'"finding":"right"'))
    done = case.run("replay", path)
    assert done.status == Exit.CHECK_FAILED
    assert "NO   index 3: finding as on chain: right; expected wrong" in done.out
    path.write_bytes(raw[:-2])
    assert case.run("replay", path).status == Exit.REFUSED_INPUT


def test_replay__of_a_false_verdict__leaves_with_the_status_of_a_broken_protocol(
    case: Case, tmp_path: Path
) -> None:
    order = case.court.start("framed")
    case.court.charge(order, wrong=CHARGED)
    case.court.serve(order, CHARGED)
    case.court.rule(order, CHARGED, Finding.WRONG)
    framed = Case(case.court, order)
    write_node(framed)
    path = tmp_path / "evidence"
    assert framed.export("node", path).status == Exit.DONE
    done = framed.run("replay", path)
    assert done.status == Exit.PEER_FAULT
    assert "THE VERDICT IS ANOTHER THAN FOUND HERE" in done.out
