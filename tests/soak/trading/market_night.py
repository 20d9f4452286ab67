"""One soak run of trading: channels are bought from among random deaths; then the reckoning."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.mosquitto_process import MosquittoProcess
from tests.soak.trading.reckoning import Book
from tests.soak.trading.soak_buyer import NO_MORE, Errands
from tests.soak.trading.soak_stage import PATIENCE_S, SoakStage, name_customers
from tests.soak.trading.witness import Witness
from tests.stage.command_line import write_settings
from tests.stage.forks import ENVIRONMENT, Forked
from tests.stage.killing.deaths import Deaths, Life, Mortal
from tests.stage.playhouse import START_LIMIT_S, Theatre, open_theatre, start_usually

from edgemark.demo.evm.actor import EvmActor
from edgemark.receipt import Receipt
from edgemark.systems.trading.demo.cast import BUYER_SETTINGS
from edgemark.systems.trading.station.station import TradingStation
from edgemark.transport.ports import hold_ports

LOOK_S = 1.0
END_LIMIT_S = 600.0  # from the last death, or the limit, until every channel has ended
EVIDENCE_LIMIT_S = 120.0


@dataclass(frozen=True)
class Wanted:
    """What to run.

    Attributes:
        kills: deaths.
        limit_s: nobody dies, and no channel is begun, after as many seconds.
        pause_s: seconds between two deaths on average.
        absence_s: a killed process is back within so many seconds.
        customers: buyers; the controllers in turn issue for them.
    """

    seed: int
    kills: int
    limit_s: float
    pause_s: float = 4.0
    absence_s: float = 3.0
    customers: int = 3


@dataclass
class Outcome:
    """What came of it."""

    wanted: Wanted
    kills: Counter[str]
    receipt: Receipt
    ends: Counter[str]
    settlements: int
    seconds: float

    @property
    def violations(self) -> list[str]:
        """Checks that failed, in words."""
        failed = (each for each in self.receipt.checks if not each.passed)
        return [f"{each.name}: had {each.seen}, needed {each.expected}" for each in failed]

    @property
    def is_complete(self) -> bool:
        """As many died as wanted."""
        return self.kills.total() >= self.wanted.kills


@contextmanager
def open_night(folder: Path, wanted: Wanted) -> Iterator[Night]:
    """A stage that is set, with everybody but the customers at work."""
    customers = name_customers(wanted.customers)
    with ExitStack() as stack:
        port = stack.enter_context(hold_ports(1)).numbers[0]
        place = folder / "mosquitto"
        for each in (place, folder / "stage"):
            each.mkdir(parents=True)
        mosquitto = MosquittoProcess(place, port)
        mosquitto.start()
        stack.callback(mosquitto.kill)
        stage = SoakStage(
            folder / "stage",
            settings={"party.poll_s": 0.3},
            start_limit_s=START_LIMIT_S,
            mosquitto=mosquitto,
            customers=customers,
        )
        theatre = stack.enter_context(open_theatre(stage, Theatre, TradingStation))
        yield Night(theatre, mosquitto, wanted)


def play(folder: Path, wanted: Wanted, tell: Callable[[int, int, int], None]) -> Outcome:
    """Run it all.

    Args:
        folder: empty; holds keys, journals and logs afterwards.
        wanted: what to run.
        tell: told (deaths, deaths wanted, channels ended) about once a second.
    """
    with open_night(folder, wanted) as night:
        return night.run(tell)


class Night:
    """A run on a stage that is set; see `play`."""

    def __init__(
        self,
        theatre: Theatre[SoakStage, TradingStation],
        mosquitto: MosquittoProcess,
        wanted: Wanted,
    ) -> None:
        self._theatre, self._mosquitto, self._wanted = theatre, mosquitto, wanted
        self._homes = [self._hand_errands(name, n) for n, name in enumerate(self.stage.customers)]
        self._witness = Witness(self.stage.seller.home, self._homes)
        self._book = Book(self.stage, self._homes)

    @property
    def stage(self) -> SoakStage:
        """Chain, contracts, servers."""
        return self._theatre.stage

    def run(self, tell: Callable[[int, int, int], None]) -> Outcome:
        """Buy among deaths, let everything end, reckon."""
        before, wanted = self._theatre.begin(), self._wanted
        began = time.monotonic()
        deaths = Deaths(
            self._mortals(),
            pause_s=wanted.pause_s,
            longest_absence_s=wanted.absence_s,
            seed=wanted.seed,
            most=wanted.kills,
        )
        deaths.start()
        try:
            self._wait(deaths, began, tell)
        finally:
            deaths.stop()
        self._await_evidence()
        receipt = Receipt("trading")
        receipt.compare("processes that ended by no kill", deaths.accidents, [])
        died = deaths.kills["controller"]
        self._book.check(receipt, before, self._theatre.holdings(), died)
        self._witness.check(receipt, self._book.amounts())
        settled = self._book.count_settlements()
        seconds = time.monotonic() - began
        return Outcome(wanted, deaths.kills, receipt, self._book.ends(), settled, seconds)

    # --- before --------------------------------------------------------------------------------

    def _hand_errands(self, name: str, number: int) -> Path:
        controllers = self.stage.controllers
        errands = Errands(
            self._wanted.seed,
            self.stage.market.offer.hex(),
            controllers[number % len(controllers)].account,
        )
        changes = {**BUYER_SETTINGS, "trading.buyer.patience_s": PATIENCE_S}
        home = write_settings(self.stage.settings_of(name), {**changes, "trading.buyer.cycles": 3})
        errands.write(home)
        return home

    def _mortals(self) -> list[Mortal]:
        servers = [
            Mortal(actor.name, partial(start_server, actor), process=running(actor))
            for actor in self.stage.actors
        ]
        customers = [
            Mortal(home.name.replace("-", " "), partial(start_customer, home), ends_itself=True)
            for home in self._homes
        ]
        broker = Mortal("broker", self._start_broker, process=self._mosquitto)
        return [*servers, *customers, broker]

    def _start_broker(self) -> Life:
        self._mosquitto.start()
        return self._mosquitto

    # --- meanwhile -----------------------------------------------------------------------------

    def _wait(self, deaths: Deaths, began: float, tell: Callable[[int, int, int], None]) -> None:
        """Until all customers are done; from the last death on, or the limit, none begins anew."""
        customers = [each for each in deaths.mortals if each.ends_itself]
        ends_at = float("inf")
        while not all(each.is_done for each in customers) and not deaths.accidents:
            killed, now = deaths.kills.total(), time.monotonic()
            if ends_at == float("inf") and (
                killed >= deaths.most or now - began > self._wanted.limit_s
            ):
                deaths.most = killed
                ends_at = now + END_LIMIT_S
                for home in self._homes:
                    (home / NO_MORE).touch()
            if now > ends_at:
                return  # what has not ended is found by the reckoning
            self._witness.look()
            tell(killed, self._wanted.kills, self._book.count_ended())
            time.sleep(LOOK_S)

    def _await_evidence(self) -> None:
        ends_at = time.monotonic() + EVIDENCE_LIMIT_S
        while not self._book.is_all_recorded() and time.monotonic() < ends_at:
            time.sleep(LOOK_S)


def running(actor: EvmActor) -> Forked:
    """The process of a server that was started."""
    assert isinstance(actor.process, Forked)
    return actor.process


def start_server(actor: EvmActor) -> Forked:
    """Again, as the stage did."""
    start_usually(actor)
    return running(actor)


def start_customer(home: Path) -> Forked:
    """A buyer with its errands."""
    environ, log = {**os.environ, **ENVIRONMENT}, home / "log.jsonl"
    module = "tests.soak.trading.soak_buyer"
    return Forked(module, [str(home)], environ=environ, out=log, error=log)
