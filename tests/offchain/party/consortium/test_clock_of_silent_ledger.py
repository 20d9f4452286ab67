"""A clock whose answers are kept back: it ticks on, and does not wait for what nobody tells.

The client is a fake: a ledger keeps an answer back for as long as somebody else wishes only under
an attack, and the time that it takes here is counted, not waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.faults import LedgerSilent
from edgemark.party.consortium import clock
from edgemark.party.consortium.chaincode import ChaincodeDoor
from edgemark.party.consortium.clock import OPEN_S, WAIT_S, OrganisationClock
from edgemark_chaincode.clock import CLOCK_S

MANY = 900


class KeptBack:
    """A client of which every submission stays open."""

    def __init__(self) -> None:
        self.now, self.ticks = 0.0, 0
        self.desk = SimpleNamespace(channel="mychannel")

    def submit(self, chaincode: str, *_: str, wait_s: float) -> None:
        self.ticks += 1
        self.now += wait_s
        raise LedgerSilent("does not answer", who=chaincode)

    def finish_open(self, wait_s: float) -> Iterator[EdgemarkError]:
        for _ in range(MANY):
            self.now += wait_s
            yield LedgerSilent("does not answer", who="ledger")


def test_clock_whose_answers_are_kept_back__ticks_within_its_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = KeptBack()
    monkeypatch.setattr(clock.time, "monotonic", lambda: client.now)
    door = ChaincodeDoor(cast(GatewayClient, cast(Any, client)), "shelf", tmp_path)
    ticking = OrganisationClock(lambda: [door], lambda: int(client.now))
    for number in range(1, 4):
        began = client.now
        (ticked,) = ticking.turn()
        assert ticked.at == began, "it says the time at its own turn"
        assert client.ticks == number
        assert client.now - began <= WAIT_S + 2 * OPEN_S
        assert client.now - began < CLOCK_S
