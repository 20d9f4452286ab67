"""A seller that is whole, on a chain with a controller that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.controller.controller_ground import (
    ControllerHouse,
    raise_house,
)
from tests.offchain.systems.trading.station.trading_ground import believes
from tests.offchain.systems.trading.templates.template_forms import (
    draft_initiation,
    draft_settlement,
    text_of,
)
from tests.waiting import wait_until

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.development.mining import BlockMaking
from edgemark.party.settings import PartySettings, ServerSettings
from edgemark.systems.trading.contract.market.records import (
    OfferDraft,
    TemplateDraft,
    compute_category,
    make_offer_id,
)
from edgemark.systems.trading.controller.controller import Controller
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.seller.seller import Seller
from edgemark.systems.trading.settings import SellerSettings
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.template import Template, read_template
from edgemark.transport.limits import ClientLimits
from edgemark.transport.ports import hold_ports

QUICK = ClientLimits(least_pause_s=0.05, most_pause_s=0.5)
PRICE, DEPOSIT, BOND, CAPACITY = 1000, 5000, 500, 64  # 1 token a unit
TAKEN: dict[str, Any] = {
    "min_deposit": Tokens(100),
    "min_bond": Tokens(100),
    "min_window_s": 10,
    "margin_s": 5,
    "patience_s": 8,
    "valid_s": 30,
    "min_interval_s": 1,
    "promise_s": 60,
    "checkpoint_above": Tokens(10**6),
    "warn_below": Tokens(100),
    "stale_after_s": 60,
}


@dataclass
class Shop:
    """A seller's home, its templates and its offer; the seller may be started again and again.

    Attributes:
        house: chain, organisation.
        controller: runs.
        templates: of the seller.
        running: the seller.
    """

    house: ControllerHouse
    controller: Controller
    templates: Templates
    port: int
    offer: bytes = b""
    decided: dict[str, Any] = field(default_factory=dict)
    running: Seller | None = None

    @property
    def ground(self) -> Any:
        return self.house.ground

    @property
    def seller(self) -> Seller:
        assert self.running is not None
        return self.running

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def keys(self) -> KeyStore:
        """Of the seller's home, whether it runs or not."""
        return KeyStore.of(self.ground.settings("seller"), may_make=False)

    @property
    def account(self) -> Address:
        return self.keys.account.address

    @property
    def pin(self) -> Hash32:
        return self.keys.tls.pin

    def settings(self, **decided: Any) -> Any:
        """Of the seller's home."""
        told = {**TAKEN, "offer": self.offer.hex(), **self.decided, **decided}
        told["specification"] = str(write_specification(self.house.ground.folder))
        return self.ground.settings("seller").having(
            ServerSettings(listen_port=self.port),
            PartySettings(poll_s=0.25),
            SellerSettings(**told),
        )

    def pass_by(self, seconds: int) -> None:
        """Let so much chain time pass at once: nobody does anything in it."""
        self.ground.pass_to(self.ground.now() + seconds)
        for party in (self.seller, self.controller):
            wait_until("time", lambda party=party: believes(party.station))  # type: ignore[misc]

    def open(self, **decided: Any) -> Seller:
        """Start the seller."""
        station = TradingStation.open(self.settings(**decided))
        try:
            self.running = Seller(station)
        except BaseException:
            station.close()
            raise
        self.running.start()
        wait_until("time", lambda: believes(station))  # which has passed by, for all it knows
        return self.running

    def close(self) -> None:
        """Stop it; its home stays."""
        if self.running is not None:
            self.running.close()
            self.running.station.close()
            self.running = None


def write_specification(folder: Path) -> Path:
    path = folder / "specification.json"
    path.write_text(json.dumps({"cores": 1, "region": "eu-1"}))
    return path


def register(station: TradingStation) -> Templates:
    """TIT and TST of this account, with their texts in its home."""

    def of_seller(schema: dict[str, Any]) -> Template:
        schema["properties"]["seller"]["const"] = str(station.did)
        return read_template(text_of(schema))

    tst = of_seller(draft_settlement())
    tit = of_seller(draft_initiation(tst, "metered"))
    for template, named in ((tst, None), (tit, tst)):
        draft = TemplateDraft.of(template, *(() if named is None else (named.version_id,)))
        station.content.put(template.text)
        station.lane.send(station.templates.register(draft))
    return Templates(tit, tst)


def offer(station: TradingStation, templates: Templates, now: int) -> bytes:
    """List what this account sells; the id of its offer."""
    category = compute_category("products of polynomials, price of a thousand")
    needed = station.offers.limits().min_deposit
    until = now + 10**6
    station.lane.send(station.accounts.allow_locker(station.offers.address, needed, until))
    draft = OfferDraft(
        station.escrow.address,
        category,
        templates.initiation.version_id,
        Resources(1, 1, 1, 1),
        Tokens(PRICE),
        CAPACITY,
        Timestamp(now + station.offers.limits().max_seconds - 10),
    )
    place = station.offers.room(category).place
    station.lane.send(station.offers.post(draft, needed, place))
    return bytes(make_offer_id(station.address, 1))


@contextmanager
def raise_shop(folder: Path) -> Iterator[Shop]:
    """A chain with a block a second, a controller that runs, a seller that does not yet."""
    with ExitStack() as stack:
        house = stack.enter_context(raise_house(folder))
        settings = house.settings("controller", collect_s=0.2)
        house.admit(settings)
        station = stack.enter_context(house.open(settings))
        controller = stack.enter_context(Controller(station))
        controller.start()
        ground = house.ground
        seller = ground["seller"]
        templates = register(seller)
        ident = offer(seller, templates, ground.now())
        seller.close()
        port = stack.enter_context(hold_ports(1)).numbers[0]
        shop = Shop(house, controller, templates, port, ident)
        stack.callback(shop.close)
        BlockMaking.of(house.ground.chain).by_clock(1)
        yield shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the tests of a file, with its seller running."""
    with raise_shop(tmp_path_factory.mktemp("shop")) as raised:
        raised.open()
        yield raised
