"""A chain on which an organisation runs towers, each in a home of its own, and a seller trades.

The towers are threads of the test. Every transaction is a block; time is set forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.small_chain import set_up_provider
from tests.offchain.systems.trading.station.trading_ground import TradingGround, raise_ground
from tests.waiting import wait_until

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import NO_HASH, Address, Hash32, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.opening import open_station
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import PartySettings, ServerSettings
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.events import ChannelEnded
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.settings import TowerSettings
from edgemark.systems.trading.station.contracts import WATCHTOWER
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower import bonding
from edgemark.systems.trading.tower.messages import (
    MAX_RECEIPT_BYTES,
    STATES,
    BroughtState,
    SignedReceipt,
)
from edgemark.systems.trading.tower.tower import Tower
from edgemark.transport.faults import PeerRefused
from edgemark.transport.ports import hold_ports

BONDED, RETAINER, COVER, LEAST = 50_000, 7, 700, 101
WAIT_S = 20.0
PASSING = ("cover is not on the chain", "its channels", "TimeInDoubt")


@dataclass
class TowerHouse:
    """The organisation and its towers.

    Attributes:
        ground: the chain; payer, seller and outsider.
        organisation: its lane.
    """

    ground: TradingGround
    organisation: TransactionLane
    stack: ExitStack

    def settings(self, name: str, **decided: Any) -> Settings:
        """Of a tower's home; `decided`: its own section."""
        port = self.stack.enter_context(hold_ports(1)).numbers[0]
        section = {"max_cover": Tokens(COVER), "margin_s": 60, **decided}
        return self.ground.settings(name).having(
            RegistrationSettings(provider=self.organisation.address),
            ServerSettings(listen_port=port),
            PartySettings(poll_s=0.05),
            TowerSettings(**section),
        )

    def admit(self, settings: Settings, retainer: int = RETAINER) -> Address:
        """Let the account of a home register, with a bond and terms."""
        seller, account = self.ground["seller"], KeyStore.of(settings).account.address
        self.ground.operator.transfer_many([(account, 10**18)])
        self.ground.operator.send(seller.token.transfer(account, BONDED))
        self.organisation.send(seller.registry.admit(account))
        with open_station(TradingStation, settings, WATCHTOWER) as station:
            bonding.provide_bond(station, Tokens(BONDED))
            bonding.publish_terms(station, Tokens(LEAST), Tokens(retainer), 0)
        return account

    @contextmanager
    def running(self, settings: Settings) -> Iterator[Tower]:
        """A tower that was admitted, as a thread of the test."""
        with (
            open_station(TradingStation, settings, WATCHTOWER) as station,
            Tower(station) as tower,
        ):
            tower.start()
            yield tower

    def retain(self, tower: Address, amount: int = RETAINER, role: str = "seller") -> Hash32:
        """Move a retainer; the transaction."""
        station = self.ground[role]
        return station.lane.send(station.accounts.move(tower, amount)).tx_hash

    def state(
        self, terms: Terms, amount: int, tower: Address, retainer: Hash32 = NO_HASH, number: int = 1
    ) -> BroughtState:
        """What the seller hands in."""
        both = self.ground.voucher(terms, amount)
        signed = Countersigned(both.voucher, both.seller_signature, both.payer_signature)
        escrow = self.ground["seller"].escrow
        digest = escrow.domain.delegation(escrow.id_of(terms), tower, number)
        delegated = self.ground.key("seller").sign(digest)
        return BroughtState(terms, signed, number, delegated, retainer)

    def hand(self, state: BroughtState, tower: Address) -> SignedReceipt:
        """Hand a state in; its receipt.

        Raises:
            PeerRefused: the tower does not take it.
        """
        seller = self.ground["seller"]
        raw = seller.ask(tower, STATES, state.to_wire(), most=MAX_RECEIPT_BYTES)
        given = SignedReceipt.from_wire(raw)
        given.check(seller.towers.domain, tower)
        return given

    def watch(self, terms: Terms, amount: int, tower: Address, number: int = 1) -> SignedReceipt:
        """Pay the retainer, hand a state in, wait for the cover and the receipt."""
        state = self.state(terms, amount, tower, self.retain(tower), number)
        return self.await_receipt(state, tower)

    def await_receipt(
        self, state: BroughtState, tower: Address, passing: tuple[str, ...] = ()
    ) -> SignedReceipt:
        """Ask until the cover is on chain, and what is `passing` over."""
        given: list[SignedReceipt] = []

        def is_given() -> bool:
            try:
                given.append(self.hand(state, tower))
            except PeerRefused as refused:
                is_passing = any(each in refused.reason for each in (*PASSING, *passing))
                assert is_passing, refused.reason
            return bool(given)

        wait_until("a receipt", is_given, WAIT_S)
        return given[0]

    def wait_for(self, what: str, is_so: Any) -> None:
        """Wait for what a tower does."""
        wait_until(what, is_so, WAIT_S)

    def end_of(self, terms: Terms) -> ChannelEnded:
        """How a channel ended."""
        escrow = self.ground["seller"].escrow
        raw = self.ground.chain.logs([escrow.address], 0, self.ground.chain.head())
        found = decode_logs([escrow.contract], raw)
        (ended,) = [
            event
            for event in found
            if isinstance(event, ChannelEnded) and event.channel == escrow.id_of(terms)
        ]
        return ended

    def refusal(self, state: BroughtState | bytes, tower: Address) -> str:
        """Why a tower does not take this."""
        seller = self.ground["seller"]
        body = state if isinstance(state, bytes) else state.to_wire()
        with pytest.raises(PeerRefused) as caught:
            seller.ask(tower, STATES, body, most=MAX_RECEIPT_BYTES)
        return f"{caught.value.status} {caught.value.reason}"


@contextmanager
def raise_tower_house(folder: Path) -> Iterator[TowerHouse]:
    """A chain of its own, with an organisation on it."""
    with ExitStack() as stack:
        ground = stack.enter_context(raise_ground(folder))
        key = SecretKey(dev_key(1))
        path = folder / "organisation.journal"
        lane = stack.enter_context(TransactionLane(ground.chain, key, path))
        set_up_provider(ground.chain, ground.deployment, ground.operator, lane, "Organisation")
        yield TowerHouse(ground, lane, stack)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TowerHouse]:
    """One chain for the tests of a file."""
    with raise_tower_house(tmp_path_factory.mktemp("towers")) as raised:
        yield raised
