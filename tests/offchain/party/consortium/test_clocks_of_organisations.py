"""Clocks of a development ledger: real processes that tick, follow its advance and end with it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.offchain.systems.trading.station.ledgers.evidence_ledger import evidence_ground
from tests.waiting import wait_until

from edgemark.errors import RefusedInput
from edgemark.ledger.launching.notes import read_note
from edgemark.ledger.launching.program import Program
from edgemark.party.consortium.clocks import (
    FOLDER,
    PROCESS,
    Ticking,
    start_clocks,
    stop_clocks,
    tick_for,
)
from edgemark.systems.trading.station.ledgers.consortium import CHAINCODE

ORGANISATIONS = ("Org1MSP", "Org2MSP")


def programs_of(ledger: Path) -> list[Program]:
    notes = [ledger / FOLDER / each / f"{PROCESS}.json" for each in ORGANISATIONS]
    return [Program.from_note(PROCESS, note.parent, read_note(note) or {}, note) for note in notes]


@pytest.mark.processes
@pytest.mark.lasts(15)
def test_clocks__tick_follow_the_advance_and_end(tmp_path: Path) -> None:
    with evidence_ground(tmp_path) as ground:
        station = ground.enter("asking")
        ground.begin()
        place = ground.served.thread.place
        try:
            tick_for(place.folder, "mychannel", CHAINCODE, 0.5)
            wait_until("both clocks tick", lambda: station.now(CHAINCODE) > 0)
            assert station.now(CHAINCODE) <= time.time()
            running = programs_of(place.folder)
            assert [each.is_running for each in running] == [True, True]
            assert start_clocks(place.folder) == []  # they run
            ground.served.thread.advance(10_000)
            wait_until("they are ahead", lambda: station.now(CHAINCODE) > time.time() + 9_000)
            place.note.rename(place.folder / "gone")  # as `ledger down` does
            wait_until("they end", lambda: not any(each.is_running for each in running))
        finally:
            stop_clocks(place.folder)
        assert start_clocks(place.folder) == list(ORGANISATIONS)
        stop_clocks(place.folder)


def test_what_clocks_tick_for__is_kept_and_within_its_bounds(tmp_path: Path) -> None:
    assert Ticking.load(tmp_path) == Ticking()
    wanted = Ticking((("mychannel", "trading"), ("other", "trading")), 2.0)
    wanted.save(tmp_path)
    assert Ticking.load(tmp_path) == wanted
    for period_s in (0.1, 4_000.0):
        with pytest.raises(RefusedInput):
            tick_for(tmp_path, "mychannel", "trading", period_s)
    Ticking(tuple(("mychannel", f"chaincode{each}") for each in range(64))).save(tmp_path)
    with pytest.raises(RefusedInput):
        tick_for(tmp_path, "mychannel", "trading")
