"""A seller that is killed between two records, over and over: nothing is lost, or billed twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.offchain.systems.trading.seller.selling_ground import Shop, raise_shop
from tests.offchain.systems.trading.seller.selling_payer import Payer
from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense, order_values
from tests.stage.command_line import KILLED, edgemark, write_settings
from tests.stage.forks import Forked
from tests.waiting import wait_until

from edgemark.errors import EdgemarkError
from edgemark.seam import CRASH_AFTER
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.credentials.keeping import KeptCredentials
from edgemark.systems.trading.protocol.asking.quotes import QuoteRequest
from edgemark.systems.trading.protocol.messages import Request
from edgemark.systems.trading.work.checking import count_units

pytestmark = [pytest.mark.chain, pytest.mark.processes, pytest.mark.lasts(60)]

FUNCTION = make_dense()
BATCH = make_batch(FUNCTION, 10)
UNITS = count_units(FUNCTION, 10)
PARTS = (BATCH, FUNCTION.to_bytes())
ORDERS = 2
LIVES = (  # a handful, one of each promise that a seller makes; all of them are the soak's
    ("AskedSell", "before:HeardRequest", "FoundServed", "before:FoundProposal", "HeardVoucher"),
    ("before:AskedSell", "HeardRequest", "FoundProposal", "before:HeardVoucher", "HeardCredential"),
)


class Lives:
    """One seller's process after the other, each killed at its place; the last one lives."""

    def __init__(self, home: Path, places: Sequence[str]) -> None:
        self.home, self.places = home, places
        self.died: list[str] = []
        self.ends, self.said = False, ""
        self._running: Forked | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        for place in (*self.places, ""):
            environ = {CRASH_AFTER: place} if place else {}
            words = ("seller", "run", "--home", self.home)
            ended = edgemark(*words, environ=environ, tell=self._note)
            self.said = ended.error
            if self.ends:
                return
            assert ended.status == KILLED, ended.error[-2000:]
            self.died.append(place)

    def _note(self, started: Forked) -> None:
        self._running = started

    @contextmanager
    def living(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self.ends = True
            if self._running is not None:
                self._running.kill()
            self._thread.join(60)


def ask_until_answered(payer: Payer, request: QuoteRequest) -> None:
    """The same request, however often the seller dies over it."""

    def is_answered() -> bool:
        try:
            payer.ask(request)
        except EdgemarkError:
            return False
        return True

    wait_until("quote", is_answered, look_s=0.3)


def order_until_answered(payer: Payer, number: int) -> None:
    order = order_values(FUNCTION, BATCH, channel=payer.channel, number=number, most=UNITS)

    def is_answered() -> bool:
        if number in payer.answers:
            return True
        try:
            for part in PARTS:
                payer.bring(part)
        except EdgemarkError:
            return False
        payer.say(Request(number, UNITS, order.to_bytes()))
        return False

    wait_until(f"answer {number}", is_answered, limit_s=120, look_s=0.5)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with raise_shop(tmp_path_factory.mktemp("killed")) as raised:
        yield raised


@pytest.mark.parametrize("places", LIVES, ids=["first", "second"])
def test_seller_that_is_killed_at_any_record__bills_each_order_once(
    shop: Shop, places: Sequence[str]
) -> None:
    home = write_settings(shop.settings(checkpoint_above=1))
    lives = Lives(home, places)
    with Payer(shop) as payer, lives.living():
        ask_until_answered(payer, payer.draft())
        payer.open_asked()
        for number in range(1, ORDERS + 1):
            order_until_answered(payer, number)
        wait_until("every death", lambda: lives.died == list(places), limit_s=180, look_s=0.2)
        wait_until("all is paid", lambda: payer.stored().paid == ORDERS * UNITS, limit_s=120)
        kept = KeptCredentials(home)
        newest = max(bill.voucher.index for bill in payer.bills.values())
        wait_until("credential", lambda: newest in kept.indices(payer.channel), limit_s=120)
    assert payer.stored().phase is ChannelPhase.OPEN
    amounts = {bill.voucher.amount for bill in payer.bills.values()}
    assert max(amounts) == ORDERS * UNITS
    assert len({each.content for each in payer.answers.values()}) == ORDERS
