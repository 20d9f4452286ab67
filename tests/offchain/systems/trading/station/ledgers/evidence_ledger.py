"""The evidence chaincode on a ledger that serves, deployed for two organisations, with clocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.offchain.ledger.embedded.served import ORG1, ORG2, LedgerWorld, development_ledger

from edgemark.identifiers import Timestamp
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.party.consortium.clock import OrganisationClock, Ticked
from edgemark.party.consortium.station import ConsortiumStation
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.demo.consortium.trade import SignedTrade
from edgemark.systems.trading.station.ledgers.consortium import CHAINCODE, ConsortiumEvidence
from edgemark_chaincode.shim.interface import Chaincode
from edgemark_chaincode.trading.contract import EvidenceRegistry

ORGANISATIONS = (ORG1, ORG2)
PLACE = "ledger"
Begins = Callable[[Path], AbstractContextManager[LedgerWorld]]


@dataclass
class EvidenceGround:
    """A ledger with the registry, a trade, and stations of whoever asks."""

    served: LedgerWorld
    folder: Path
    trade: SignedTrade
    stations: list[ConsortiumStation]
    begins: Begins

    @property
    def slower(self) -> float:
        """How much more time a ledger needs than the development ledger."""
        return 1.0 if self.served.thread is not None else 8.0

    def settings(self, home: str, msp_id: str = ORG1, user: str = "User1") -> Settings:
        """Of somebody's home."""
        organisation = self.served.folders[msp_id]
        identity = organisation.path / "users" / f"{user}@{organisation.domain}" / "msp"
        profile = profile_path(self.folder / PLACE, msp_id)
        own = LedgerSettings(msp_id=msp_id, msp_folder=str(identity), profile=str(profile))
        sections = (kind() for kind in ConsortiumStation.SECTIONS)
        return Settings(self.folder / home, tuple(sections)).having(own)

    def enter(self, home: str, msp_id: str = ORG1, user: str = "User1") -> ConsortiumStation:
        """A station that is closed with the ground."""
        station = ConsortiumStation.open(self.settings(home, msp_id, user))
        self.stations.append(station)
        return station

    def issue(self, msp_id: str, name: str, **attributes: str) -> None:
        """An identity with attributes; underscores stand for dots."""
        named = {key.replace("_", "."): value for key, value in attributes.items()}
        folder = self.served.folders[msp_id]
        folder.issue(name, MemberRole.CLIENT, datetime.now(UTC), named)

    def clock(self, msp_id: str, ahead_s: int = 0, chaincode: str = CHAINCODE) -> OrganisationClock:
        """An organisation's clock, which a test moves by hand."""
        self.issue(msp_id, f"clock{len(self.stations)}", edgemark_clock="true")
        name = f"clock{len(self.stations)}"
        door = self.enter(name, msp_id, name).door(chaincode)
        return OrganisationClock(lambda: [door], lambda: int(time.time()) + ahead_s)

    def begin(self, anchor_until: int = 0) -> None:
        """Agree to the parameters, by an admin of each organisation."""
        for msp_id in ORGANISATIONS:
            self.admin(msp_id).agree(self.drafted(anchor_until))

    def drafted(self, anchor_until: int = 0) -> Parameters:
        """What all are to agree to."""
        return Parameters((self.trade.domains,), ORGANISATIONS, Timestamp(anchor_until))

    def admin(self, msp_id: str) -> ConsortiumEvidence:
        """The registry as an admin asks it."""
        return registry_of(self.enter(f"admin{len(self.stations)}", msp_id, "Admin"))


@contextmanager
def evidence_ground(
    folder: Path,
    chaincodes: Mapping[str, Mapping[str, Chaincode]] | None = None,
    begins: Begins = development_ledger,
) -> Iterator[EvidenceGround]:
    """The ledger with the registry of both; nobody agreed to parameters yet."""
    with begins(folder / PLACE) as ledger:
        ground = EvidenceGround(ledger, folder, SignedTrade.begin(int(time.time())), [], begins)
        for name, each in (chaincodes or {CHAINCODE: registries()}).items():
            ledger.deploy(name, each)
        try:
            yield ground
        finally:
            for station in ground.stations:
                station.close()


def registries() -> dict[str, Chaincode]:
    """The right one for each."""
    return {name: EvidenceRegistry() for name in ORGANISATIONS}


def registry_of(station: ConsortiumStation) -> ConsortiumEvidence:
    """As a station asks it."""
    return ConsortiumEvidence(station.door(CHAINCODE))


def tick_all(*clocks: OrganisationClock) -> list[Ticked]:
    """Once each."""
    return [ticked for clock in clocks for ticked in clock.turn()]
