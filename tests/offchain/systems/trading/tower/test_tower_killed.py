"""T24, T18: a tower killed at a record forgets no receipt, and misses no window."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.offchain.systems.trading.channel_cast import BOND
from tests.offchain.systems.trading.tower.tower_house import (
    COVER,
    RETAINER,
    TowerHouse,
    house,
)

from edgemark.amounts import write_tokens
from edgemark.identifiers import Address, Tokens
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import ServerSettings
from edgemark.seam import CRASH_AFTER
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.towers.events import ChannelCovered
from edgemark.systems.trading.tower.messages import SignedReceipt
from edgemark.transport.faults import PeerRefused, PeerUnreachable, WrongCertificate

__all__ = ["house"]

OWED = 600
EVENTS = ("HeardPromise", "SawCovered", "HeardState", "SawWindow", "SawResponse", "SawOver")
PLACES = [place for event in EVENTS for place in (f"before:{event}", event)]
SEED = int(os.environ.get("EDGEMARK_SOAK_SEED", "11"))
IS_SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
CHOSEN = PLACES if IS_SOAK else random.Random(SEED).sample(PLACES, 3)
LIMIT_S = 90.0

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300), pytest.mark.lasts(45)]


@dataclass
class Mortal:
    """A tower as a process, which is started again whenever it died.

    Attributes:
        deaths: how often.
    """

    words: list[str]
    log: Path
    deaths: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self, place: str = "") -> None:
        environ = {**os.environ, **({CRASH_AFTER: place} if place else {})}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.words, env=environ, stdout=out, stderr=out)

    def revive(self) -> None:
        """Start it again where it died."""
        assert self.process is not None
        if self.process.poll() is not None:
            assert self.process.returncode == -9, self.log.read_text()[-2000:]
            self.deaths += 1
            self.start()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


def words_of(settings: Settings, manifest: Path, url: str) -> list[str]:
    """`edgemark tower run` with what the test's settings say."""
    port = settings.of(ServerSettings).listen_port
    provider = settings.of(RegistrationSettings).provider
    options = {
        "--home": settings.home,
        "--chain-url": url,
        "--manifest": manifest,
        "--confirmations": 0,
        "--provider": provider,
        "--listen-port": port,
        "--poll-s": 0.05,
        "--trading-tower-margin-s": 60,
        "--trading-tower-max-cover": write_tokens(Tokens(COVER)),
    }
    flat = [str(word) for pair in options.items() for word in pair]
    return [sys.executable, "-m", "edgemark", "tower", "run", *flat]


@contextmanager
def mortal_tower(house: TowerHouse, name: str, place: str) -> Iterator[tuple[Mortal, Address]]:
    """Admitted, and killed at a place of its journal."""
    settings = house.settings(name)
    account = house.admit(settings)
    manifest = house.ground.folder / "deployment.json"
    words = words_of(settings, manifest, house.ground.chain.url)
    mortal = Mortal(words, house.ground.folder / f"{name}.log")
    mortal.start(place)
    try:
        yield mortal, account
    finally:
        mortal.end()


def until(mortal: Mortal, what: str, is_so: object) -> None:
    """Look again and again, and start the tower again where it died."""
    deadline = time.monotonic() + LIMIT_S
    while not is_so():  # type: ignore[operator]
        mortal.revive()
        assert time.monotonic() < deadline, f"{what}: {mortal.log.read_text()[-2000:]}"
        time.sleep(0.1)


@pytest.mark.parametrize("place", CHOSEN)
def test_t24_tower_killed_at_a_record__forgets_nothing(house: TowerHouse, place: str) -> None:
    name = place.replace(":", "-").lower()
    terms = house.ground.open()
    escrow, channel = house.ground["seller"].escrow, house.ground["seller"].escrow.id_of(terms)
    with mortal_tower(house, name, place) as (mortal, account):
        state = house.state(terms, OWED, account, house.retain(account))
        given: list[SignedReceipt] = []

        def is_given() -> bool:
            try:
                given.append(house.hand(state, account))
            except (PeerUnreachable, PeerRefused, WrongCertificate):
                return False
            return True

        until(mortal, "a receipt", is_given)
        house.ground.send("payer", house.ground["payer"].escrow.close_bare, terms)
        until(mortal, "a response", lambda: escrow.channel(terms).tower == account)
        house.ground.pass_to(escrow.channel(terms).deadline + 1)
        until(mortal, "the end", lambda: escrow.channel(terms).phase is ChannelPhase.ENDED)
        until(mortal, "its death", lambda: mortal.deaths == 1)
        until(mortal, "the same receipt", is_given)
        assert len(set(given)) == 1
    ended = house.end_of(terms)
    assert (ended.to_seller, ended.penalty, ended.penalty_to) == (OWED, BOND, account)
    contract = house.ground["seller"].towers.contract
    raw = house.ground.chain.logs([contract.address], 0, house.ground.chain.head())
    covers = [
        event.amount
        for event in decode_logs([contract], raw)
        if isinstance(event, ChannelCovered) and event.channel == channel
    ]
    assert {*covers} == {COVER}
    free = house.ground["outsider"].accounts.free_balance(account)
    assert free == RETAINER + BOND
