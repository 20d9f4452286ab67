"""Who trades in a soak run: a seller, a tower, a controller with each broker, and its customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.mosquitto_process import ADMIN, PASSWORD, MosquittoProcess

from edgemark.amounts import write_tokens
from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.evm.stage import PARTY_TOKENS
from edgemark.files import OWNER_ONLY_FILE, write_new
from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.party.evm.joining import provide_balance
from edgemark.party.evm.opening import open_station
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import ServerSettings
from edgemark.systems.trading.demo.cast import (
    AUDITOR,
    CONTROLLER_SETTINGS,
    SELLER_SETTINGS,
    TradingStage,
)
from edgemark.systems.trading.station.contracts import CONTROLLER, WATCHTOWER
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower import bonding

RETAINER = Tokens(TOKEN_UNIT // 100)
FOR_RETAINERS = Tokens(TOKEN_UNIT)
TOWER_BOND = Tokens(200 * TOKEN_UNIT)
COVER = Tokens(6 * TOKEN_UNIT // 10)
PASSWORD_FILE = "mosquitto.password"
# Nobody loses patience with a party that is away for some seconds, and some more on a busy machine.
PATIENCE_S = 240
TAKEN: dict[str, object] = {
    **SELLER_SETTINGS,
    "trading.seller.patience_s": PATIENCE_S,
    "trading.seller.checkpoint_above": write_tokens(Tokens(TOKEN_UNIT // 10)),
    "trading.seller.promise_s": 30,
    "trading.seller.max_retainer": write_tokens(RETAINER),
}


def name_customers(count: int) -> tuple[str, ...]:
    """Home folders' names."""
    return tuple(f"customer-{number}" for number in range(1, count + 1))


@dataclass
class SoakStage(TradingStage):
    """The usual stage with a second controller, at a Mosquitto, and a tower; buyers are guests.

    Args:
        mosquitto: runs.
        customers: home folders' names.
    """

    mosquitto: MosquittoProcess | None = None
    customers: Sequence[str] = ()
    buyers: int = 0
    seller_settings: dict[str, object] = field(default_factory=lambda: dict(TAKEN))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.guests = (AUDITOR, *self.customers)

    @property
    def tower(self) -> EvmActor:
        """Who watches every channel."""
        return self.actors[2]

    @property
    def controllers(self) -> list[EvmActor]:
        """The one with a broker of its own, and the one at the Mosquitto."""
        return [self.controller, self.actors[3]]

    def draft_cast(self) -> list[EvmActor]:
        """The usual two, the tower, the second controller."""
        tower = EvmActor.draft(self.folder, "tower", 1, role=WATCHTOWER)
        second = EvmActor.draft(self.folder, "controller", 2, role=CONTROLLER)
        tower.tokens = second.tokens = PARTY_TOKENS
        tower.settings = {"trading.tower.max_cover": write_tokens(COVER)}
        second.settings = {**CONTROLLER_SETTINGS, **self._place_of_mosquitto()}
        return [*super().draft_cast(), tower, second]

    def furnish(self) -> None:
        """The tower has its bond and terms; the seller names it, and can pay retainers."""
        super().furnish()
        tower = self.tower
        with TradingStation.open(self._at_once(self.seller.home.name)) as station:
            provide_balance(station, FOR_RETAINERS)
        settings = self._at_once(tower.home.name).having(
            RegistrationSettings(provider=tower.provider), ServerSettings(listen_port=tower.port)
        )
        with open_station(TradingStation, settings, WATCHTOWER) as station:
            bonding.provide_bond(station, TOWER_BOND)
            bonding.publish_terms(station, Tokens(1), RETAINER, 0)
        self.seller.settings = {**self.seller.settings, "trading.seller.tower": tower.account}

    def _place_of_mosquitto(self) -> dict[str, object]:
        if self.mosquitto is None:
            raise LookupError("no Mosquitto runs for the second controller")
        self.folder.mkdir(parents=True, exist_ok=True)
        password: Path = self.folder / PASSWORD_FILE
        write_new(password, PASSWORD.encode(), mode=OWNER_ONLY_FILE)
        return {
            "broker.kind": "mosquitto",
            "broker.mosquitto_port": self.mosquitto.port,
            "broker.mosquitto_pin": self.mosquitto.place.pin.hex(),
            "broker.mosquitto_admin": ADMIN,
            "broker.mosquitto_admin_file": password,
        }
