"""A server that a signal ends says so, as the last line of its log."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.offchain.party.couriers import Keeper, ParcelStation
from tests.offchain.party.test_failing_start import station

from edgemark.logs import configure_logs
from edgemark.party.running import serve

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged; the handlers of signals are those of before afterwards."""
    before = {each: signal.getsignal(each) for each in SIGNALS}
    configure_logs("info", stream := io.StringIO(), form="json")
    yield stream
    configure_logs("info", io.StringIO())
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal__is_the_last_line_of_the_log(
    number: signal.Signals, log: io.StringIO, tmp_path: Path
) -> None:
    class Signalled(Keeper):
        def start(self) -> None:
            super().start()
            signal.raise_signal(number)

    with station(tmp_path / "home") as own:
        serve(own, Signalled)
    last = json.loads(log.getvalue().splitlines()[-1])
    assert (last["level"], last["part"], last["event"]) == ("info", "keeper", "stopped")
    assert last["signal"] == number.name


def test_an_end_that_nobody_asked_for__is_no_stop(log: io.StringIO, tmp_path: Path) -> None:
    class Broken(Keeper):
        def start(self) -> None:
            raise ValueError("broken")

    def make(own: ParcelStation) -> Keeper:
        return Broken(own)

    with station(tmp_path / "home") as own, pytest.raises(ValueError, match="broken"):
        serve(own, make)
    assert '"stopped"' not in log.getvalue()
