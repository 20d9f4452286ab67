"""A ledger is made and told as what it is served by one at a time; nobody's words are lost."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.making import make_ledger
from edgemark.ledger.embedded.running.place import Place, Served
from edgemark.ledger.embedded.running.thread import LedgerThread


def test_two_that_make_a_ledger_at_once__find_the_same_organisations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, place = OrganisationFolder.make, Place(tmp_path / "ledger")

    def make_slowly(folder: OrganisationFolder, *what: Any) -> None:
        time.sleep(0.05)
        make(folder, *what)

    monkeypatch.setattr(OrganisationFolder, "make", make_slowly)
    with ThreadPoolExecutor(2) as threads:
        ports = [{"Org1MSP": number} for number in (7001, 7002)]
        both = threads.map(lambda each: make_ledger(place, 1, Served(ports=each)), ports)
        made = list(both)
    assert Served.load(place) in made
    Organisations.open(place.folder)


def test_ledger_that_is_served__is_told_nothing_else_beside_its_process(tmp_path: Path) -> None:
    place = Place(tmp_path / "ledger")
    with closing(LedgerThread(place.folder, 1, Served(metrics_port=-1))) as thread:
        served = thread.ledger.served
        assert make_ledger(place, None, served) == served
        with pytest.raises(RefusedInput, match="served already"):
            make_ledger(place, None, replace(served, skew=3))
        thread.advance(60)
        assert make_ledger(place, None, None).advance_s == 60
    assert make_ledger(place, None, replace(served, skew=3)).skew == 3


def test_clocks_moved_ahead_by_two_at_once__are_ahead_by_both(tmp_path: Path) -> None:
    with closing(LedgerThread(tmp_path / "ledger", 1)) as thread:

        async def ask() -> list[int]:
            owner = thread._owner
            return await asyncio.gather(owner.snapshot(), owner.advance(10), owner.advance(10))

        assert thread.run(ask()) == [1, 10, 20]
        assert thread.ledger.served.advance_s == 20
