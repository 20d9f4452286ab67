"""`submit` that is interrupted names its job, from the first moment the job can have begun."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.outsourcing import ordering
from edgemark.cli.outsourcing.placing import submission
from edgemark.cli.spending.price import Price
from edgemark.cli.terminal.exits import Exit
from edgemark.ledger.evm.sending.rehearsed_lane import Rehearsal
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId

ORDER = cast.small_order()
JOB = ORDER.job.hex()


class Interrupted:
    """A device of which nothing is there but what a submission calls.

    Args:
        at: where the user interrupts: `drafting`, `recording` (the record is on the disk, the
            answer is not back), `returning`, or `waiting`.
    """

    def __init__(self, at: str) -> None:
        self.at = at
        self.records: list[JobId] = []
        self.jobs = list
        self.runtime = SimpleNamespace(state=lambda job: job if job in self.records else None)
        decided = SimpleNamespace(limits=cast.LIMITS)
        self.station = SimpleNamespace(
            home=Path("a home"),
            chain=SimpleNamespace(now=lambda: cast.START),
            deployment=SimpleNamespace(group=lambda _: decided),
        )

    def reach(self, place: str) -> None:
        """The user interrupts here, or nothing happens."""
        if self.at == place:
            raise KeyboardInterrupt

    def draft(self, *_: object) -> object:
        self.reach("drafting")
        return ORDER

    def begin(self, *_: object) -> JobId:
        self.reach("recording")
        self.records.append(ORDER.job)
        self.reach("returning")
        return ORDER.job

    def job(self, _: JobId) -> DeviceJob:
        return DeviceJob(order=ORDER)

    def wait(self, *_: object) -> None:
        self.reach("waiting")


Submit = Callable[..., Finished]


@pytest.fixture
def submit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Submit:
    """Submits until the user interrupts at a place."""
    (tmp_path / "f.function").write_bytes(cast.dense_function().to_bytes())
    (tmp_path / "inputs.json").write_text(json.dumps([[2, 5]]))
    asking = ("--function", tmp_path / "f.function", "--input", tmp_path / "inputs.json")
    nodes = [word for node in cast.NODE_ADDRESSES for word in ("--node", node)]

    def run(at: str, *words: str) -> Finished:
        @contextmanager
        def opened(*_: object) -> Iterator[Interrupted]:
            yield Interrupted(at)

        monkeypatch.setattr(ordering, "open_device", opened)
        monkeypatch.setattr(submission, "price_job", lambda *_: Price(Rehearsal(())))
        monkeypatch.setattr(submission.ordering, "get_ready", lambda *_: None)
        home = ("--home", tmp_path / "home", "--chain-url", "http://127.0.0.1:9")
        return edgemark_here("outsourcing", "submit", *asking, *nodes, *home, *words)

    return run


@pytest.mark.parametrize("words", [(), ("--no-wait",)])
@pytest.mark.parametrize("at", ["returning", "waiting"])
def test_submit__interrupted_once_the_job_began__names_it(
    submit: Submit, at: str, words: tuple[str, ...]
) -> None:
    done = submit(at, *words)
    assert done.status == Exit.INTERRUPTED
    assert f"the job goes on: edgemark outsourcing result {JOB} --home 'a home'" in done.error


def test_submit__interrupted_while_the_record_is_written__names_the_job_with_a_doubt(
    submit: Submit,
) -> None:
    done = submit("recording")
    assert done.status == Exit.INTERRUPTED
    assert "the job may have begun" in done.error
    assert JOB in done.error


def test_submit__interrupted_before_there_is_a_job__names_none(submit: Submit) -> None:
    done = submit("drafting")
    assert done.status == Exit.INTERRUPTED
    assert "result" not in done.error
