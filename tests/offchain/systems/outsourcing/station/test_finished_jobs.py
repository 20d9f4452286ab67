"""F4: a stranger who names jobs that are over makes a server read few of them, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.journal.journal import Journal
from edgemark.loop import replay as replay_module
from edgemark.loop.archive import Archive
from edgemark.loop.memory import MatterMemory
from edgemark.loop.replay import encode_record
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.judge.judge import Judge
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import ReadRequest
from edgemark.systems.outsourcing.station import looks as looks_module
from edgemark.systems.outsourcing.station.looks import Looks
from edgemark.transport.faults import NotFound
from edgemark.transport.serving.routes import Request

ORDER, ONE = cast.small_order(), ShareIndex(1)
OVER = [JobId(bytes([number]) * 32) for number in range(1, 9)]
TIMES = 400  # requests of strangers in a second
MOST = looks_module.STRANGERS_PER_S_OF_ADDRESS * looks_module.BURST_S


class CountingArchive(Archive):
    """Counts how often a job is read."""

    read = 0

    def find(self, key: bytes) -> list[bytes] | None:
        found = super().find(key)
        self.read += found is not None
        return found


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingArchive:
    """Of a node and of a judge; one job of those read lately stays."""
    monkeypatch.setattr(replay_module, "RECALLED", 1)
    return CountingArchive(tmp_path / "archive")


def remember(folder: Path, archive: Archive, state: Callable[[], Any], *events: Any) -> Any:
    """A runtime whose jobs are over, each with this life."""
    machine: Any = PartyMachine(state)
    for job in OVER:
        key, told = key_of(job, ONE), [replace(events[0], job=job), *events[1:]]
        archive.put(key, [encode_record(machine, key, event) for event in told])
    facts: dict[str, Any] = {"seam": None, "max_open": 9, "archive_after": 9, "name": "test"}
    memory = MatterMemory(machine, Journal.open(folder / "journal"), archive, **facts)
    memory.load()
    return SimpleNamespace(
        state=memory.find, state_at_hand=memory.find_at_hand, is_archived=memory.is_archived
    )


def furnish(server: Any, runtime: Any) -> Any:
    server.runtime, server.recalling = runtime, threading.Lock()
    server.looks = Looks(lambda _: False, lambda: 100.0)
    server.station = SimpleNamespace(address=cast.NODE_ADDRESSES[0])
    server.chain_time = SimpleNamespace(read=lambda: 1)
    return server


@pytest.fixture
def node(tmp_path: Path, archive: CountingArchive) -> Any:
    """A node whose tasks are over."""
    events = (cast.offer_to(ORDER, 1), on.SawAccepted(), on.SawStarted(Timestamp(1031)))
    runtime = remember(tmp_path, archive, NodeTask, *events, on.SawEnded())
    return furnish(ComputeNode.__new__(ComputeNode), runtime)


@pytest.fixture
def judge(tmp_path: Path, archive: CountingArchive) -> Any:
    """A judge whose cases are over."""
    case = cast.case_of(ORDER, 1, ChargeKind.SILENT)
    me = cast.JUDGE_ADDRESSES[0]
    runtime = remember(tmp_path, archive, lambda: JudgeCase(me=me), case, on.SawEnded())
    return furnish(Judge.__new__(Judge), runtime)


def ask(door: Callable[[Request], object], job: JobId) -> object:
    read = ReadRequest(
        job, ONE, cast.OUTSIDER.address, cast.NODE_ADDRESSES[0], Timestamp(1), bytes(65)
    )
    return door(Request("POST", "/v1/answers", {}, read.to_wire(), "10.0.0.1"))


def flood(server: Any) -> None:
    for number in range(TIMES):
        with pytest.raises(RefusedInput):
            ask(server._give_answer, OVER[number % len(OVER)])


def planted(server: Any) -> Any:
    """As it was: whoever names a job that is over has it read."""
    server.state_for = lambda _, job, index: server.runtime.state(key_of(job, index))
    return server


@pytest.mark.parametrize("role", ["node", "judge"])
def test_f4_strangers_who_name_finished_jobs__have_few_of_them_read(
    role: str, archive: CountingArchive, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(role)
    flood(server)
    assert archive.read == MOST
    flood(planted(server))
    assert archive.read == MOST + TIMES


def test_f4_a_finished_job_that_was_read_lately__costs_no_look(
    node: Any, archive: CountingArchive
) -> None:
    for _ in range(TIMES):
        with pytest.raises(RefusedInput, match="reader may not"):
            ask(node._give_answer, OVER[0])
    assert archive.read == 1


def test_f4_a_job_that_nobody_heard_of__costs_a_node_no_look(node: Any) -> None:
    for _ in range(TIMES):
        with pytest.raises(NotFound):
            ask(node._give_answer, JobId(bytes(32)))
    with pytest.raises(RefusedInput, match="reader may not"):
        ask(node._give_answer, OVER[0])


def test_f4_finished_jobs__are_read_one_at_a_time_and_not_waited_for(
    node: Any, archive: CountingArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = list[int]()

    def read(key: bytes) -> object:
        """Another request comes while this one is answered."""
        with pytest.raises(Overloaded, match="being read") as refused:
            ask(node._give_answer, OVER[1])
        refusals.append(refused.value.retry_after_s)
        return find(key)

    find = node.runtime.state
    monkeypatch.setattr(node.runtime, "state", read)
    with pytest.raises(RefusedInput, match="reader may not"):
        ask(node._give_answer, OVER[0])
    assert (refusals, archive.read) == ([1], 1)
    monkeypatch.setattr(node.runtime, "state", find)
    with pytest.raises(RefusedInput, match="reader may not"):
        ask(node._give_answer, OVER[1])


def test_f4_evidence_of_a_finished_case__is_told_to_be_taken(judge: Any) -> None:
    params = {"job": OVER[0].hex(), "index": "1"}
    head: Any = SimpleNamespace(params=params, account=None, peer="10.0.0.1", path="/")
    assert judge._admit_evidence(head).body == TAKEN
