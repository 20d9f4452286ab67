"""Looking needs no lock: a home at work can be looked at, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.stage.command_line import edgemark_here

from edgemark.cli.outsourcing import ordering, sharing
from edgemark.cli.terminal.exits import Exit
from edgemark.journal.journal import Journal
from edgemark.loop.archive import Archive
from edgemark.loop.replay import encode_record
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.offline.exported_answers import ExportedAnswers
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.machine import PartyMachine

ORDER = cast.small_order()
OVER = bytes([0xAC] * 32)
MACHINE = PartyMachine(DeviceJob)
HAPPENED = (on.AskedSubmit(ORDER), on.SawPosted(), on.SawStarted(cast.START))


def record(key: bytes, event: object) -> bytes:
    return encode_record(MACHINE, key, event)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The home of a device that is at work: one job is open, one is over."""
    refused = [on.AskedSubmit(ORDER), on.FoundPostingRefused("no")]
    Archive(tmp_path / "device.archive").put(OVER, [record(OVER, event) for event in refused])
    with Journal.open(tmp_path / "device.journal") as journal:
        for event in (*HAPPENED, on.HeardAnswer(cast.right_answer(ORDER, 3))):
            journal.append(record(ORDER.job, event))
        yield tmp_path


def contents(home: Path) -> dict[Path, bytes]:
    """Every file, with what is in it."""
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of which the time, the id and one contract are known."""
    lookout = SimpleNamespace(
        chain=SimpleNamespace(now=lambda: cast.START, chain_id=cast.CHAIN_ID),
        deployment=SimpleNamespace(contracts={"JobSettlement": cast.SETTLEMENT}),
    )
    for module in (ordering, sharing):
        monkeypatch.setattr(module, "Lookout", SimpleNamespace(open=lambda _: lookout))


def test_status__lists_the_jobs_of_a_home_at_work(home: Path) -> None:
    before = contents(home)
    done = edgemark_here("outsourcing", "status", "--home", home, "--json")
    assert done.status == Exit.DONE
    assert done.value == {ORDER.job.hex(): "started", OVER.hex(): "failed"}
    assert contents(home) == before


def test_status__is_told_of_a_record_that_is_half_there_as_if_it_were_not(home: Path) -> None:
    with (home / "device.journal").open("ab") as file:
        file.write(b"\0\0\0\x50half a head")
    before = contents(home)
    done = edgemark_here("outsourcing", "status", "--home", home, "--json")
    assert done.value[ORDER.job.hex()] == "started"
    assert contents(home) == before


@pytest.mark.usefixtures("chain")
def test_status_of_a_job__is_told_while_another_command_stays_with_it(home: Path) -> None:
    before = contents(home)
    done = edgemark_here("outsourcing", "status", ORDER.job.hex(), "--home", home, "--json")
    assert done.status == Exit.DONE
    assert json.loads(done.out)["phase"] == "started"
    assert contents(home) == before


@pytest.mark.usefixtures("chain")
def test_answers__are_exported_while_another_command_stays_with_the_job(home: Path) -> None:
    output = home.parent / f"{home.name}.answers"
    asked = ("export-answers", ORDER.job.hex(), "-o", output, "--home", home, "--json")
    done = edgemark_here("outsourcing", *asked)
    assert (done.status, done.value["answers"]) == (Exit.DONE, [3])
    exported = ExportedAnswers.from_bytes(output.read_bytes())
    assert (exported.job, exported.settlement) == (ORDER.job, cast.SETTLEMENT)


def test_a_job_that_was_never_ordered_here__is_unknown(home: Path) -> None:
    done = edgemark_here("outsourcing", "status", "ee" * 32, "--home", home)
    assert done.status == Exit.REFUSED_INPUT
    assert "job is unknown here" in done.error


@pytest.mark.usefixtures("chain")
def test_r18_a_job__may_be_named_by_the_beginning_of_its_id(home: Path) -> None:
    begun = f"0x{ORDER.job.hex()[:6].upper()}"
    done = edgemark_here("outsourcing", "status", begun, "--home", home, "--json")
    assert done.value["job"] == ORDER.job.hex()
    output = home.parent / f"{home.name}.answers"
    asked = ("export-answers", begun, "-o", output, "--home", home, "--json")
    assert edgemark_here("outsourcing", *asked).value["answers"] == [3]


@pytest.mark.parametrize("verb", ["status", "result"])
def test_r18_a_beginning_that_nothing_has__is_refused_with_how_many_are_known(
    home: Path, verb: str
) -> None:
    done = edgemark_here("outsourcing", verb, "123456", "--home", home)
    assert done.status == Exit.REFUSED_INPUT
    assert "had 2 jobs of this home's device" in done.error


@pytest.mark.parametrize("seconds", ["nan", "-5", "inf", "1e400"])
def test_a_timeout_that_is_no_number_of_seconds__is_refused(home: Path, seconds: str) -> None:
    asked = ("result", "ee" * 32, "--timeout", seconds, "--home", home)
    done = edgemark_here("outsourcing", *asked)
    assert done.status == Exit.REFUSED_INPUT
    assert "--timeout" in done.error


def test_status_of_an_empty_home__makes_nothing(tmp_path: Path) -> None:
    done = edgemark_here("outsourcing", "status", "--home", tmp_path, "--json")
    assert (done.status, done.value) == (Exit.DONE, {"jobs": 0})
    assert list(tmp_path.iterdir()) == []
