"""A party that runs by itself: what its operator's pages say, what it depends on, how it ends."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.core import Metric
from tests.offchain.party.parcels import AskedBring, key_of, make_machine
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import LedgerUnavailable
from edgemark.loop.machine import TryAgain
from edgemark.metrics.health import Dependency
from edgemark.metrics.readings import make_gauge
from edgemark.party.running import Monitor
from edgemark.party.service import PartyService
from edgemark.party.settings import PartySettings


class Broker:
    """What a party may depend on: it answers, or does not."""

    name = "broker"

    def __init__(self) -> None:
        self.is_away = False

    def ask(self) -> None:
        if self.is_away:
            raise LedgerUnavailable("connection lost", who="mqtts://user:key@broker.example")

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield make_gauge("edgemark_broker_up", "Whether the broker answers.", not self.is_away)


class Carrier(PartyService[Any]):
    """Carries parcels that nobody takes; serves nothing.

    Args:
        home: its folder.
        look: as a `PartyLoop` has it.
    """

    def __init__(self, home: Path, look: Callable[[], None] | None = None) -> None:
        home.mkdir(exist_ok=True)
        self.broker = Broker()
        paces = PartySettings(poll_s=0.01, workers=2)
        facts = {"paces": paces, "home": home, "clock": None, "keep_on": lambda: None}
        facts["MATTERS"] = "parcels"
        station: Any = SimpleNamespace(**facts)
        super().__init__(station, make_machine(), "carrier", look=look)

    def perform(self, state: Any, effect: Any) -> Sequence[object]:  # noqa: ARG002
        raise TryAgain("nobody takes it")

    def dependencies(self) -> Sequence[Dependency]:
        return (self.broker,)


@contextmanager
def running(carrier: Carrier) -> Iterator[Carrier]:
    carrier.start()
    try:
        yield carrier
    finally:
        carrier.close()


def ask(monitor: Monitor, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(monitor.url).netloc, timeout=LIMIT_S)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def health(monitor: Monitor) -> tuple[int, list[str]]:
    status, body = ask(monitor, "/healthz")
    faults: list[str] = json.loads(body)["faults"]
    return status, faults


def test_a_party_that_watches_nothing__is_healthy_by_its_loop_and_what_it_depends_on(
    tmp_path: Path,
) -> None:
    carrier = Carrier(tmp_path)
    with Monitor(carrier, 0) as monitor:
        assert health(monitor) == (503, ["loop has not begun"])
        with running(carrier):
            wait_until("health", lambda: health(monitor) == (200, []))
            carrier.broker.is_away = True
            assert health(monitor) == (503, ["broker: connection lost"])


def test_a_party_that_watches__has_a_watch_to_be_healthy_by(tmp_path: Path) -> None:
    carrier = Carrier(tmp_path, lambda: None)
    with Monitor(carrier, 0) as monitor:
        assert health(monitor) == (503, ["loop has not begun", "watch has not begun"])
        with running(carrier):
            wait_until("health", lambda: health(monitor) == (200, []))


def test_the_pages__tell_loop_and_dependencies_and_of_no_chain(tmp_path: Path) -> None:
    with running(Carrier(tmp_path)) as carrier, Monitor(carrier, 0) as monitor:
        carrier.runtime.ask(key_of("one"), AskedBring(b"one", 0))
        lines = ask(monitor, "/metrics")[1].splitlines()
        for line in (
            'edgemark_parcels{phase="carried"} 1.0',
            "edgemark_journal_records 1.0",
            "edgemark_broker_up 1.0",
        ):
            assert line in lines
        assert not [line for line in lines if "edgemark_chain" in line or "_account_" in line]


def test_without_a_clock__no_time_passes(tmp_path: Path) -> None:
    key = key_of("one")
    with running(Carrier(tmp_path)) as carrier:
        carrier.runtime.ask(key, AskedBring(b"one", 1))  # long past, by any clock
        wait_until("a try", lambda: carrier.runtime.count_effects() == (1, 1))
        assert carrier.runtime.states()[key].phase.value == "carried"


def test_wait__ends_when_it_is_asked_to_and_by_a_fault_of_the_watch(tmp_path: Path) -> None:
    with running(Carrier(tmp_path / "asked")) as carrier:
        carrier.ask_to_stop()
        carrier.wait()

    def look() -> None:
        raise ZeroDivisionError

    with running(Carrier(tmp_path / "faulty", look)) as carrier, pytest.raises(ZeroDivisionError):
        carrier.wait()
