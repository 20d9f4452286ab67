"""A channel of months in its journal: short, whole after any death, never half a record (T8)."""

from __future__ import annotations

import shutil
import signal
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.loop.killed_tidying import live
from tests.offchain.systems.trading.parties_cast import CHANNEL
from tests.offchain.systems.trading.simulation.test_trading_scenarios import opened
from tests.offchain.systems.trading.simulation.trading_actors import Actor

from edgemark.journal.journal import Journal
from edgemark.loop import memory as memory_module
from edgemark.loop.archive import Archive
from edgemark.loop.machine import Tick
from edgemark.loop.memory import MatterMemory
from edgemark.loop.replay import encode_record, replay
from edgemark.systems.trading.protocol.life import PartyMachine

LEAST = 4_000  # bytes of records before channels are condensed, here
PARTIES = pytest.mark.parametrize("place", [0, 1, 2], ids=["seller", "buyer", "controller"])


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "CONDENSE_BYTES", LEAST)


@cache
def traded() -> tuple[Actor, ...]:
    """Seller, buyer and controller of a channel in the middle of its life."""
    return opened(rounds=40).actors


def events_of(actor: Actor) -> list[Any]:
    return [
        Tick(record) if isinstance(record, int) else actor.machine.decode_event(record)
        for record in actor.journal
    ]


def records_of(actor: Actor) -> list[bytes]:
    return [encode_record(actor.machine, CHANNEL, event) for event in events_of(actor)]


def open_memory(machine: PartyMachine[Any], journal: Journal, folder: Path) -> Any:
    memory: MatterMemory[Any, Any, Any] = MatterMemory(
        machine,
        journal,
        Archive(folder / "archive"),
        seam=None,
        max_open=10,
        archive_after=1,
        name="test",
    )
    memory.load()
    return memory


def write(path: Path, records: list[bytes]) -> None:
    with Journal.open(path) as journal:
        for record in records:
            journal.append(record)


@PARTIES
def test_a_long_channel__keeps_what_matters_and_not_every_voucher(
    tmp_path: Path, place: int
) -> None:
    actor = traded()[place]
    with Journal.open(tmp_path / "journal") as journal:
        memory = open_memory(actor.machine, journal, tmp_path)
        written = 0
        for event in events_of(actor):
            after, _ = actor.machine.step(memory.state_before(CHANNEL), event)
            record = memory.admit(CHANNEL, event)
            memory.change(CHANNEL, type(event).__name__, record, after)
            memory.commit()
            memory.tidy()
            written += len(record)
        assert memory.find(CHANNEL) == actor.state
        assert journal.end < written / 3, "it grows with every voucher"
        assert replay(actor.machine, journal) == {CHANNEL: actor.state}
        owed = actor.machine.resume(replay(actor.machine, journal)[CHANNEL])
        assert owed == actor.owed()


@PARTIES
def test_torn_anywhere_in_its_last_record__the_channel_stands_as_before(
    tmp_path: Path, place: int
) -> None:
    actor = traded()[place]
    records = records_of(actor)[-12:]
    first = actor.machine.initial(CHANNEL)
    for event in events_of(actor)[:-12]:
        first, _ = actor.machine.step(first, event)
    states = [first]
    for event in events_of(actor)[-12:]:
        states.append(actor.machine.step(states[-1], event)[0])
    told = encode_record(actor.machine, CHANNEL, first)
    path = tmp_path / "journal"
    for number in range(1, len(records) + 1):
        path.unlink(missing_ok=True)
        write(path, [told, *records[:number]])
        size = path.stat().st_size
        whole = path.read_bytes()
        with Journal.open(path) as journal:
            assert replay(actor.machine, journal) == {CHANNEL: states[number]}
        for lost in {1, len(records[number - 1]) // 2, len(records[number - 1])}:
            path.write_bytes(whole[: size - lost])
            with Journal.open(path) as journal:
                assert replay(actor.machine, journal) == {CHANNEL: states[number - 1]}


def condense(machine: PartyMachine[Any], journal: Journal, folder: Path) -> None:
    """Take up what the journal holds, which condenses it, in a life of its own."""
    memory_module.CONDENSE_BYTES = LEAST
    open_memory(machine, journal, folder)


@PARTIES
def test_killed_before_each_call_of_the_disk_while_condensing__no_word_is_lost(
    tmp_path: Path, place: int
) -> None:
    actor = traded()[place]
    begun = tmp_path / "begun"
    begun.mkdir()
    write(begun / "journal", [b"".join(records_of(actor))])
    rewrite = partial(condense, actor.machine)
    shutil.copytree(begun, tmp_path / "whole")
    calls = live(tmp_path / "whole", 0, rewrite)
    assert calls > 3
    for number in range(1, calls + 1):
        folder = tmp_path / str(number)
        shutil.copytree(begun, folder)
        assert live(folder, number, rewrite) == -signal.SIGKILL
        with Journal.open(folder / "journal") as journal:
            memory = open_memory(actor.machine, journal, folder)
            assert memory.find(CHANNEL) == actor.state, number
            assert journal.count == 1
