"""A chain on which an organisation runs controllers, each in a home of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.offchain.small_chain import set_up_provider
from tests.offchain.systems.trading.station.trading_ground import TradingGround, raise_ground

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identity.keys import KeyStore
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import PartySettings, ServerSettings
from edgemark.settings.settings import Settings
from edgemark.systems.trading.controller import bonding
from edgemark.systems.trading.settings import ControllerSettings
from edgemark.systems.trading.station.station import TradingStation
from edgemark.transport.broker.settings import BrokerSettings
from edgemark.transport.ports import hold_ports

BONDS = 3  # that a controller has in its wallet


@dataclass
class ControllerHouse:
    """The organisation, and homes of its controllers.

    Attributes:
        ground: the chain, payer, seller and outsider.
        organisation: its lane.
        ports: held until the end.
    """

    ground: TradingGround
    organisation: TransactionLane
    stack: ExitStack

    def settings(self, name: str, **decided: object) -> Settings:
        """Of a controller's home.

        Args:
            name: of it.
            decided: its own section.
        """
        port = self.stack.enter_context(hold_ports(1)).numbers[0]
        return self.ground.settings(name).having(
            RegistrationSettings(provider=self.organisation.address),
            ServerSettings(listen_port=port),
            PartySettings(poll_s=0.2),
            BrokerSettings(),
            ControllerSettings(**decided),  # type: ignore[arg-type]
        )

    def admit(self, settings: Settings) -> None:
        """Let the account of a home register, with gas and tokens."""
        seller, account = self.ground["seller"], KeyStore.of(settings).account.address
        bond = seller.controllers.bonding().min_bond
        self.ground.operator.transfer_many([(account, 10**18)])
        self.ground.operator.send(seller.token.transfer(account, BONDS * bond))
        self.organisation.send(seller.registry.admit(account))

    def open(self, settings: Settings) -> TradingStation:
        """The station of a controller that was admitted: registered and bonded."""
        return bonding.open_controller(settings)


@contextmanager
def raise_house(folder: Path) -> Iterator[ControllerHouse]:
    """A chain of its own, with an organisation on it."""
    with ExitStack() as stack:
        ground = stack.enter_context(raise_ground(folder))
        path = folder / "organisation.journal"
        key = SecretKey(dev_key(1))
        lane = stack.enter_context(TransactionLane(ground.chain, key, path))
        set_up_provider(ground.chain, ground.deployment, ground.operator, lane, "Organisation")
        yield ControllerHouse(ground, lane, stack)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControllerHouse]:
    """One chain for the tests of a file."""
    with raise_house(tmp_path_factory.mktemp("controllers")) as raised:
        yield raised
