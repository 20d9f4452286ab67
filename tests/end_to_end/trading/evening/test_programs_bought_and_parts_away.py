"""Programs of sellers' lists, bought by commands; a controller and a chain that go away meanwhile.

One seller is paid by processor time, one by bytes; all that runs is confined as in earnest.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.work.work_cast import entry, write_list
from tests.stage.command_line import Finished, edgemark
from tests.stage.playhouse import start_usually, wait_for, whole_stage

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.cli.terminal.exits import Exit
from edgemark.demo.evm.actor import EvmActor
from edgemark.identifiers import Address
from edgemark.ledger.evm.development.mining import BlockMaking
from edgemark.loop.replay import look_up
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.demo.cast import AUDITOR, SELLER_SETTINGS, TradingStage
from edgemark.systems.trading.demo.market import PER, PRICE, Market, Ware, open_shop, qualify
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol.life import BuyerPhase, PartyMachine, SellerPhase
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.work.programs import parse_programs
from edgemark.token.metacoin import MetaCoin

pytestmark = whole_stage(66)

GUEST, LIMIT_S, STALE_S = "guest", 200, 5
DATA = b"what goes in\n"
SPIN = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done"
LIST = write_list(
    entry("shout", f"{SPIN}; tr a-z A-Z"),
    entry("sleep", f"sleep 5; {SPIN}; tr a-z A-Z"),
    entry("endless", "while :; do :; done"),
)
BY_CPU = Ware("cpu", "Processor time", "processor time", Meter.CPU_MILLISECONDS, PER)
BY_BYTES = Ware("bytes", "Bytes in and out", "bytes", Meter.BYTES, PER)
SALES, DESKS, PURCHASES = PartyMachine(Sale), PartyMachine(Desk), PartyMachine(Purchase)
STALE = {f"trading.{each}.stale_after_s": STALE_S for each in ("seller", "buyer", "controller")}


@dataclass
class ProgramStage(TradingStage):
    """Two sellers of programs, each with an offer of its own."""

    sellers: int = 2
    shops: tuple[Market, ...] = ()

    def furnish(self) -> None:
        path = self.folder / "programs.json"
        path.write_bytes(LIST)
        for seller, ware in zip(self.selling, (BY_CPU, BY_BYTES), strict=True):
            token = qualify(self._at_once(AUDITOR), seller.account)
            home = self._at_once(seller.home.name)
            market = open_shop(home, self.account_of(AUDITOR), token, ware)
            told = {"trading.seller.offer": market.offer.hex(), "trading.seller.programs": path}
            seller.settings = {**self.seller_settings, **told}
            self.shops += (market,)


@dataclass
class Bazaar:
    """The stage, and what a user does on it."""

    stage: ProgramStage
    pool: ThreadPoolExecutor

    def run(self, home: str, *words: str | Path) -> Finished:
        place = ("--home", self.stage.folder / home, "--json")
        return edgemark(*words, *place, limit_s=LIMIT_S)

    def buy(self, home: str, program: str, *words: str, cpu_s: int = 3) -> Finished:
        data = self.stage.folder / "data"
        data.write_bytes(DATA)
        work = ("--program", program, "--cpu", str(cpu_s), "--input", data, "--out", self.out)
        more = ("--interval", "2", "--grace", "3", "--timeout", "150")
        channel = more[4:] if "--in" in words else more
        return self.run(home, "trading", "buy", *words, *work, *channel)

    def buy_meanwhile(self, home: str, program: str, *words: str) -> Future[Finished]:
        return self.pool.submit(self.buy, home, program, *words)

    @property
    def out(self) -> Path:
        return self.stage.folder / "out"

    @property
    def buyer(self) -> str:
        return self.stage.buying[0].home.name

    def wealth(self, account: Address) -> int:
        """In wallet and anchor, locked tokens not counted."""
        stage = self.stage
        token = MetaCoin(stage.chain, stage.deployment.contract("MetaCoin"))
        anchor = AnchorAccounts(stage.chain, stage.deployment.contract("AssetAnchor"))
        return token.balance(account) + anchor.free_balance(account)

    def both(self, buyer: Address, seller: Address) -> tuple[int, int]:
        return self.wealth(buyer), self.wealth(seller)

    # What the parties remember of a channel.

    def sale(self, channel: ChannelId) -> Sale:
        found: Sale = _remembered(self.stage.seller, "seller", SALES, channel)
        return found

    def desk(self, channel: ChannelId) -> Desk:
        found: Desk = _remembered(self.stage.controller, "controller", DESKS, channel)
        return found

    def bought(self, channel: ChannelId) -> Purchase:
        found: Purchase = _remembered(self.stage.buying[0], "buyer", PURCHASES, channel)
        return found


def _remembered(actor: EvmActor, name: str, machine: Any, channel: ChannelId) -> Any:
    return look_up(actor.home, name, machine, channel)


@pytest.fixture(scope="module")
def bazaar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bazaar]:
    stage = ProgramStage(
        tmp_path_factory.mktemp("bazaar"),
        settings={"party.poll_s": 0.3, **STALE},
        start_limit_s=300.0,
        guests=(AUDITOR, GUEST),
    )
    with stage, ThreadPoolExecutor(2) as pool:
        stage.set()
        stage.write_guest_home(GUEST)
        for actor in stage.actors:
            start_usually(actor)
        stage.wait_ready(stage.actors)
        yield Bazaar(stage, pool)


@pytest.fixture(scope="module")
def channel(bazaar: Bazaar) -> Iterator[ChannelId]:
    """Of the buyer that runs, with the seller paid by time; ended and reckoned up at last."""
    stage, home = bazaar.stage, bazaar.buyer
    accounts = stage.buying[0].account, stage.seller.account
    before = bazaar.both(*accounts)
    offer = stage.shops[0].offer.hex()
    done = bazaar.buy(home, "shout", offer, "--deposit", "1", "--keep-open")
    assert done.status == Exit.DONE, done.error
    found = parse_channel_id(done.value["channel"])
    wait_for("its bill", lambda: bazaar.sale(found).signed > 0, 20)
    yield found
    over = bazaar.run(home, "trading", "close", found.hex(), "--timeout", "100")
    assert over.status == Exit.DONE, over.error
    cost, ended = int(over.value["cost"]), over.value["ending"]
    assert ended == "claimed"
    assert cost > 0
    assert bazaar.both(*accounts) == (before[0] - cost, before[1] + cost)


def test_a_program_paid_by_time__is_bought_by_its_name(bazaar: Bazaar) -> None:
    stage = bazaar.stage
    accounts = stage.account_of(GUEST), stage.seller.account
    before = bazaar.both(*accounts)
    done = bazaar.buy(GUEST, "shout", stage.shops[0].offer.hex())
    assert done.status == Exit.DONE, done.error
    cost = int(done.value["cost"])
    assert bazaar.out.read_bytes() == DATA.upper()
    assert done.value["ending"] == "claimed"
    assert 0 < cost <= 3000 * PRICE // PER
    assert cost % (PRICE // PER) == 0  # whole milliseconds
    assert bazaar.both(*accounts) == (before[0] - cost, before[1] + cost)


def test_a_program_paid_by_bytes__is_bought_by_its_digest(bazaar: Bazaar) -> None:
    stage, other = bazaar.stage, bazaar.stage.selling[1]
    accounts = stage.account_of(GUEST), other.account
    before = bazaar.both(*accounts)
    (program,) = (each for each in parse_programs(LIST).values() if each.name == "shout")
    done = bazaar.buy(GUEST, program.id.hex(), stage.shops[1].offer.hex())
    assert done.status == Exit.DONE, done.error
    assert bazaar.out.read_bytes() == DATA.upper()
    cost = 2 * len(DATA) * PRICE // PER
    assert int(done.value["cost"]) == cost
    assert bazaar.both(*accounts) == (before[0] - cost, before[1] + cost)


def test_a_program_that_nobody_lists__is_refused_before_anything_is_paid(bazaar: Bazaar) -> None:
    account = bazaar.stage.account_of(GUEST)
    before = bazaar.wealth(account)
    for named in ("shot", "ab" * 32):
        done = bazaar.buy(GUEST, named, bazaar.stage.shops[0].offer.hex())
        assert done.status == Exit.REFUSED_INPUT
        assert "shout, sleep, endless" in done.error
    assert bazaar.wealth(account) == before


def test_a_program_without_end__costs_no_more_than_was_ordered(
    bazaar: Bazaar, channel: ChannelId
) -> None:
    before = bazaar.sale(channel).signed
    done = bazaar.buy(bazaar.buyer, "endless", "--in", channel.hex(), "--keep-open", cpu_s=1)
    assert done.status == Exit.CHECK_FAILED, done.error
    assert done.value["ends"] == {"2": "over_cpu"}
    wait_for("the bill", lambda: bazaar.sale(channel).signed > before, 20)
    assert bazaar.sale(channel).signed - before <= PRICE


def wait_all_issued(bazaar: Bazaar, channel: ChannelId, before: int) -> None:
    """More than before is signed, and the controller has issued all that is."""

    def are_issued() -> bool:
        sale, desk = bazaar.sale(channel), bazaar.desk(channel)
        is_billed = sale.signed > before and sale.worth(sale.signed) == sale.claimed
        return is_billed and sale.voucher is not None and desk.index >= sale.voucher.voucher.index

    wait_for("bill and credential", are_issued, 30)


def taken_by(sale: Sale) -> int:
    """Number of the newest request that was taken."""
    return sale.received + len(sale.works)


def in_hand(bazaar: Bazaar, channel: ChannelId) -> bool:
    return bool(bazaar.sale(channel).in_hand)


def test_a_controller_that_is_away__ends_nothing_and_the_purchase_goes_on(
    bazaar: Bazaar, channel: ChannelId
) -> None:
    stage = bazaar.stage
    buying = bazaar.buy_meanwhile(bazaar.buyer, "sleep", "--in", channel.hex(), "--keep-open")
    wait_for("work", lambda: in_hand(bazaar, channel), 30)
    stage.controller.kill()
    for state in (bazaar.sale, bazaar.bought):
        wait_for("it is noticed", lambda state=state: state(channel).broker_away, 30)  # type: ignore[misc]
    wait_for("work is finished all the same", lambda: not in_hand(bazaar, channel), 30)
    away = SELLER_SETTINGS["trading.seller.patience_s"] + 3 + 2  # type: ignore[operator]
    time.sleep(away)  # longer than grace and patience with a buyer that is away
    sale, bought = bazaar.sale(channel), bazaar.bought(channel)
    assert (sale.phase, bought.phase) == (SellerPhase.SERVING, BuyerPhase.BUYING)
    assert not buying.done()
    with TradingStation.look(stage.settings_of(AUDITOR)) as seen:
        assert seen.escrow.channel(sale.known.terms).phase is ChannelPhase.OPEN
    start_usually(stage.controller)
    done = buying.result(LIMIT_S)
    assert done.status == Exit.DONE, done.error
    assert bazaar.out.read_bytes() == DATA.upper()
    wait_all_issued(bazaar, channel, sale.signed)


# A node that is stopped takes as long as three time limits; it is played in the long run.
@pytest.mark.parametrize("what", ["blocks", pytest.param("node", marks=pytest.mark.soak)])
def test_a_chain_that_is_away__has_nothing_signed_until_it_is_back(
    bazaar: Bazaar, channel: ChannelId, what: str
) -> None:
    stage = bazaar.stage
    making = BlockMaking.of(stage.chain)
    words = ("--in", channel.hex(), "--keep-open")
    buying = bazaar.buy_meanwhile(bazaar.buyer, "sleep", *words)
    wait_for("work", lambda: in_hand(bazaar, channel), 30)
    if what == "node":
        os.kill(stage.node.pid, signal.SIGSTOP)
    else:
        stage.chain.rpc("evm_setIntervalMining", 0)
    try:
        for state in (bazaar.sale, bazaar.bought, bazaar.desk):
            wait_for("it is noticed", lambda state=state: state(channel).blocks_stopped, 60)  # type: ignore[misc]
        wait_for("work is finished all the same", lambda: not in_hand(bazaar, channel), 30)
        more = [bazaar.buy_meanwhile(bazaar.buyer, "shout", *words)] if what == "blocks" else []
        if more:
            wait_for("more is asked", lambda: len(bazaar.bought(channel).requests) > 0, 30)
        before = bazaar.sale(channel), bazaar.bought(channel), bazaar.desk(channel)
        time.sleep(4)
        sale, bought, desk = bazaar.sale(channel), bazaar.bought(channel), bazaar.desk(channel)
        assert not sale.in_hand
        assert (sale.last_index, taken_by(sale)) == (before[0].last_index, taken_by(before[0]))
        assert bought.signed == before[1].signed
        assert desk.index == before[2].index
        assert (sale.phase, bought.phase) == (SellerPhase.SERVING, BuyerPhase.BUYING)
    finally:
        if what == "node":
            os.kill(stage.node.pid, signal.SIGCONT)
        else:
            making.by_clock(int(stage.block_time_s))
    for each in [buying, *more]:
        done = each.result(LIMIT_S)
        assert done.status == Exit.DONE, done.error
    assert bazaar.out.read_bytes() == DATA.upper()
    wait_all_issued(bazaar, channel, sale.signed)
