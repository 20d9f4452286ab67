"""Each thing that happens to a job is one line of the log, with the job's id, on every machine."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.strategies import EVENTS, values_of

from edgemark.identifiers import ShareIndex
from edgemark.journal.journal import Journal
from edgemark.logs import JsonLines, configure_logs, get_logger
from edgemark.loop.machine import Tick
from edgemark.loop.runtime import Runtime
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.keys import WORDS, facts_of, words_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.phases import Refusing

ORDER = cast.small_order()
SECRETS = ("share", "outputs", "salt", "alpha", "secret", "result", "task", "order")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged at info."""
    stream = io.StringIO()
    configure_logs("info", stream)
    yield stream
    configure_logs("info", io.StringIO())


def test_every_event__has_words_and_no_other() -> None:
    assert set(WORDS) == set(EVENTS) - {on.Order}
    told = {*get_args(on.DeviceEvent), *get_args(on.NodeEvent), *get_args(on.JudgeEvent)}
    assert told == set(WORDS)


def test_no_words__tell_what_is_secret() -> None:
    assert not {name for _, told in WORDS.values() for name in told} & set(SECRETS)


@given(st.sampled_from(sorted(WORDS, key=lambda kind: kind.__name__)), st.data())
def test_any_event__is_told_in_one_line(kind: type, data: Any) -> None:
    line = words_of(data.draw(values_of(kind)))
    assert line.words
    assert not set(line.facts) & {"job", "at", "level", "part", "event", "phase"}


def test_a_run_of_a_device__is_told_line_by_line(lines: io.StringIO, tmp_path: Path) -> None:
    refused = on.HeardOfferRefused(ShareIndex(2), Refusing.NOT_NOW, "has as many jobs as it takes")
    happened = [
        on.AskedSubmit(ORDER),
        on.SawPosted(),
        refused,
        refused,  # told once
        on.HeardAcceptance(cast.acceptance_of(ORDER, 2)),
        on.SawIndexPhase(ShareIndex(2), IndexPhase.ACCEPTED),
    ]
    with Journal.open(tmp_path / "device.journal") as journal:
        runtime: Any = Runtime(PartyMachine(DeviceJob), journal, lambda *_: [], name="device")
        runtime.start()
        for event in happened:
            runtime.ask(ORDER.job, event)
        runtime.ask(ORDER.job, Tick(ORDER.terms.accept_by + 1))
        runtime.stop()
        runtime.join(10)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {line["job"] for line in told} == {ORDER.job.hex()}
    assert {line["level"] for line in told} == {"info"}
    assert [(line["event"], line.get("index")) for line in told] == [
        ("job ordered", None),
        ("job posted", None),
        ("offer refused", 2),
        ("acceptance received", 2),
        ("index accepted", 2),
        ("accept is over", None),
    ]
    assert told[2]["reason"] == "has as many jobs as it takes"
    assert told[-1]["phase"] == "expired"


def test_an_index__has_the_same_words_at_device_and_node() -> None:
    seen = words_of(on.SawIndexPhase(ShareIndex(3), IndexPhase.COMMITTED))
    own = words_of(on.SawCommitted())
    assert seen.words == own.words == "index committed"
    assert seen.facts["index"] == facts_of(ORDER.job + bytes([3]))["index"]


def test_a_line__is_json_whatever_a_node_said(lines: io.StringIO) -> None:
    line = words_of(on.HeardOfferRefused(ShareIndex(1), Refusing.REFUSED, 'no"\n\x1b[31m'))
    get_logger("device").info(line.words, **line.facts)
    assert lines.getvalue().count("\n") == 1
    assert "\x1b" not in lines.getvalue()
    assert isinstance(JsonLines(), JsonLines)
