"""A controller that dies by `kill -9` at records of its journal: nothing issued twice or lost."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse, house
from tests.offchain.systems.trading.controller.trading_pairs import TradingPairs
from tests.stage.forks import ENVIRONMENT, Forked
from tests.waiting import wait_until

from edgemark.deployment.settings import ChainSettings
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.keys import KeyStore
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import ServerSettings
from edgemark.seam import CRASH_AFTER
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role

__all__ = ["house"]

pytestmark = [pytest.mark.chain, pytest.mark.processes, pytest.mark.lasts(40)]

SEED = int(os.environ.get("EDGEMARK_SOAK_SEED", "11"))
ONCE = ("before:SawNamed", "SawNamed")
AGAIN = tuple(
    f"{when}{event}"
    for event in ("HeardSettlement", "FoundIssued", "HeardCredentialTaken", "SawEvidence")
    for when in ("before:", "")
)
HANDFUL = 5  # of these, in `make test`
MOST = 400  # credentials: while the chain shows evidence of one, many are issued


def draw_places() -> list[str]:
    """Where it dies: always around what is signed, and a few more."""
    drawn = random.Random(SEED)  # a test's own choice: the same on every machine
    is_soak = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
    some = drawn.sample(AGAIN, len(AGAIN) if is_soak else HANDFUL - 2)
    must = [each for each in ("before:FoundIssued", "FoundIssued") if each not in some]
    places = [*some, *must]
    drawn.shuffle(places)
    return [*ONCE, *places]


@dataclass
class Mortal:
    """`edgemark controller run` in one home, with a place of death in each of its lives."""

    settings: Settings
    folder: Path
    places: list[str]
    died: list[str] = field(default_factory=list)
    process: Forked | None = None

    def words(self) -> Sequence[str]:
        settings, chain = self.settings, self.settings.of(ChainSettings)
        given = {
            "home": settings.home,
            "chain-url": chain.url,
            "manifest": chain.manifest,
            "confirmations": 0,
            "provider": settings.of(RegistrationSettings).provider,
            "listen-port": settings.of(ServerSettings).listen_port,
            "poll-s": 0.05,
            "trading-controller-collect-s": 0.1,
            "trading-controller-stale-after-s": 86_400,
        }
        return ["controller", "run", *(f"--{name}={value}" for name, value in given.items())]

    def live(self) -> None:
        """Start it, and again when it died where it had to."""
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return
            assert status == -signal.SIGKILL, (self.folder / "log").read_text()[-3000:]
            self.died.append(self.places.pop(0))
        place = {CRASH_AFTER: self.places[0]} if self.places else {}
        log = self.folder / "log"
        environ = {**os.environ, **ENVIRONMENT, **place}
        self.process = Forked(
            "edgemark.cli.main", self.words(), environ=environ, out=log, error=log
        )

    def end(self) -> None:
        """Ask the last one to leave."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(30) == 0


@pytest.fixture
def mortal(house: ControllerHouse, tmp_path: Path) -> Iterator[Mortal]:
    settings = house.settings("mortal")
    house.admit(settings)
    there = Mortal(settings, tmp_path, draw_places())
    yield there
    if there.process is not None and there.process.poll() is None:
        there.process.kill()


def settle(pairs: TradingPairs, channel: ChannelId, index: int, mortal: Mortal) -> None:
    """One more credential, in however many lives."""
    has_all = pairs.has_all(channel, *range(1, index + 1))

    def look() -> bool:
        mortal.live()
        return has_all()

    wait_until(f"credential {index}", look, look_s=0.1)


def recorded(house: ControllerHouse, since: int) -> list[EvidenceRecorded]:
    events = house.ground["seller"].follow(since).poll()
    found = [each for each in events if isinstance(each, EvidenceRecorded)]
    return [each for each in found if each.kind == EvidenceKind.SETTLEMENT]


def test_a_killed_controller__loses_no_credential_and_issues_none_twice(
    house: ControllerHouse, mortal: Mortal
) -> None:
    account, places = KeyStore.of(mortal.settings).account.address, list(mortal.places)
    since, index = house.ground.chain.head(), 0
    with TradingPairs(house.ground) as pairs:
        mortal.live()
        wait_until("it is registered", lambda: registered(house, account))
        channel = pairs.open(account, cycles=1)
        pairs.join(channel)
        while mortal.places or index < 3:
            index += 1
            assert index < MOST, f"never came to {mortal.places}"
            pairs.settle(channel, index, 10 * index)
            settle(pairs, channel, index, mortal)
        had = pairs.credential(channel, index)
        pairs.chests[Role.SELLER].held.pop((channel, index))
        settle(pairs, channel, index, mortal)  # it asks again, and gets the same
        assert pairs.credential(channel, index) == had
        digests = {
            each: digest_of(pairs.credential(channel, each, role).content.decode())
            for each in range(1, index + 1)
            for role in (Role.BUYER, Role.SELLER)
        }
        wait_until("evidence", lambda: any(each.index == index for each in recorded(house, since)))
        evidence = recorded(house, since)
        assert all(digests[each.index] == each.credential_hash for each in evidence)
        indices = [each.index for each in evidence]
        assert len(indices) == len(set(indices)), "evidence of an index is recorded once"
        assert mortal.died == places
        mortal.end()


def registered(house: ControllerHouse, account: object) -> bool:
    seller = house.ground["seller"]
    return bool(seller.controllers.is_in_standing(account))  # type: ignore[arg-type]
