"""Whoever served has its due, to the token, by every meter, however late letters and blocks are.

Both are honest, and the oracle counts for itself: what was used, and the seconds from the opening
to the stop, or to the last answer after it, at most an interval later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AFTER_FREE,
    BY_CPU,
    BY_DAY,
    BY_NIGHT,
    BY_TIME,
    CONDITIONS,
    METERED,
    agreed_on,
)
from tests.offchain.systems.trading.simulation.trading_world import World

from edgemark.identifiers import Timestamp
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.ceasing import compute_skew_s
from edgemark.systems.trading.protocol.agreement import Pricing, Registers
from edgemark.systems.trading.protocol.letters import Kind, Letter, Role
from edgemark.systems.trading.protocol.life import BuyerPhase, SellerPhase
from edgemark.systems.trading.protocol.messages import Proposal, Request
from edgemark.systems.trading.seller.admission import NothingYet
from edgemark.systems.trading.seller.serving.orders import find_band
from edgemark.systems.trading.templates.readings import Meter, split_seconds
from edgemark.systems.trading.templates.strategies import Bonus, Tier, Tiers

METERS = {
    "products": METERED,
    "products by bands": BY_DAY,
    "products after free ones": agreed_on(Tiers((Tier(9, 0), Tier(None, 1000))), Meter.PRODUCTS, 2),
    "processor time": BY_CPU,
    "time": BY_TIME,
    "time by bands, the first free": BY_NIGHT,
    "time after free time": AFTER_FREE,
    "time with a bonus": agreed_on(Bonus(every=30, free=30), Meter.SECONDS, 1),
}


@dataclass(frozen=True)
class Case:
    """What is drawn.

    Attributes:
        steps: seconds between rounds while the channel serves; with each an order of `units`, or 0.
        stop: second in which one of them stops, by a block; the letter of it comes `heard` later.
        voucher: seconds after which each voucher comes that left before, and each `bill`, at most a
            grace after the stop; `run`: that an order takes.
        still: for which the newest block stands still from the stop on.
        has_one_more: an order is done in the very second of the stop.
    """

    meter: str
    steps: tuple[int, ...] = (6,)
    units: tuple[int, ...] = (4,)
    stop: int = 75
    by_buyer: bool = True
    heard: int = 0
    voucher: int = 0
    bill: int = 0
    run: int = 0
    still: int = 0
    has_one_more: bool = False


class LateWorld(World):
    """Letters of some kinds come late, and an order takes its time."""

    def __init__(self, case: Case) -> None:
        self.case = case
        late = {Kind.STOP: case.heard, Kind.VOUCHER: case.voucher, Kind.PROPOSAL: case.bill}
        self.late = {kind: wait for kind, wait in late.items() if wait}
        self.held: dict[bytes, tuple[int, Role]] = {}
        self.begun: dict[int, int] = {}
        self.worked_until = START
        self.has_crossed = False
        super().__init__(METERS[case.meter])

    def post(self, raw: bytes, to: Role) -> None:
        super().post(raw, to)
        self.note_bill(Letter.from_wire(raw))
        kind, clock, stop = Letter.from_wire(raw).kind, self.chain.clock, START + self.case.stop
        wait = self.late.get(kind, 0)
        if wait and (clock < stop or kind is Kind.STOP):
            self.flight.pop()
            latest = clock + wait if kind is Kind.STOP else stop + CONDITIONS.grace_s - 1
            self.held.setdefault(raw, (min(clock + wait, latest), to))

    def note_bill(self, letter: Letter) -> None:
        """One of time beyond the stop leaves while its seller does not know of that."""
        stop = START + self.case.stop
        is_before = self.seller.state.phase is SellerPhase.SERVING
        if letter.kind is Kind.PROPOSAL and self.pricing.counts_time and is_before:
            bill = Proposal.from_wire(letter.message)
            self.has_crossed |= bill.readings.end > max(stop, self.worked_until)

    def act(self) -> None:
        for raw, (at, to) in list(self.held.items()):
            if at <= self.chain.clock:
                del self.held[raw]
                self.bring(to, raw)
        super().act()

    def meter(self, request: Request) -> Registers:
        block, pricing = self.chain.block, self.pricing
        if (
            self.chain.clock
            < self.begun.setdefault(request.number, self.chain.clock) + self.case.run
        ):
            raise NothingYet("is worked at", who=f"request {request.number}")
        self.worked_until = block
        band = find_band(pricing, block)
        units = 0 if pricing.counts_time else request.most
        return tuple(units * (each == band) for each in range(len(pricing.zero)))


def wait(world: World, until: int) -> None:
    """Rounds of a second or a few, so that what is late comes then."""
    while world.chain.clock < START + until:
        world.pass_time(min(3, START + until - world.chain.clock))
        world.act()


def play(case: Case) -> LateWorld:
    world = LateWorld(case)
    world.act()
    at, number = 0, 0
    while at < case.stop:
        units = case.units[number % len(case.units)]
        if units:
            world.order(units * (100 if "processor" in case.meter else 1))
            world.act()
        at, number = min(case.stop, at + case.steps[number % len(case.steps)]), number + 1
        wait(world, at)
    if case.has_one_more:
        world.order(1)
        world.act()
    stopping = world.buyer if case.by_buyer else world.seller
    assert stopping.tell(on.AskedStop(Timestamp(world.chain.block)))
    if case.still:
        world.chain.has_stopped = True
        for _ in range(case.still // 4):
            world.act()
            world.pass_time(4)
    world.come_back()
    world.finish()
    world.check_end()
    return world


def owed(pricing: Pricing, world: LateWorld, until: int) -> int:
    shown: Any = world.seller.state.used or pricing.zero
    if pricing.counts_time:
        shown = tuple(split_seconds(START, until, pricing.agreed.strategy))
    deposit = world.seller.state.deposit
    return min(deposit, pricing.agreed.tariff.compute_owed(shown))


CASES = st.builds(
    Case,
    meter=st.sampled_from(sorted(METERS)),
    steps=st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple),
    units=st.lists(st.sampled_from((0, 0, 1, 4)), min_size=1, max_size=3).map(tuple),
    stop=st.sampled_from((5, 19, 20, 21, 39, 40, 41, 60, 75, 99, 100, 101, 110, 121)),
    by_buyer=st.booleans(),
    heard=st.sampled_from((0, 0, 0, 2, 5, 12)),
    voucher=st.sampled_from((0, 0, 1, 3, 14, 15, 16, 30)),
    bill=st.sampled_from((0, 0, 1, 6, 20)),
    run=st.sampled_from((0, 0, 2, 25)),
    still=st.sampled_from((0, 0, 12, 40)),
    has_one_more=st.booleans(),
)


@pytest.mark.lasts(8)
@settings(max_examples=max(40, settings().max_examples), deadline=None)
@given(CASES)
@example(Case("products by bands", units=(1,), stop=100, has_one_more=True))
@example(Case("processor time", units=(4,), run=25, still=40))
@example(Case("time", voucher=15, stop=25))
@example(Case("time by bands, the first free", voucher=14, stop=75))
@example(Case("time after free time", bill=6, stop=121))
@example(Case("time", stop=40, still=40, heard=12))
@example(Case("time", units=(0,), stop=25, heard=9))
@example(Case("time", units=(0,), stop=30, heard=14))
@example(Case("time", units=(0,), voucher=30, stop=75))
@example(Case("time", units=(1,), stop=21, run=25))
def test_at_every_end__whoever_served_has_its_due_and_nobody_signed_more(case: Case) -> None:
    """But for a bill of time that was out as a stop came late, and ends after it."""
    world = play(case)
    pricing, channel = METERS[case.meter], world.chain.channel
    assert channel is not None and channel.end is not None
    stop = START + case.stop
    until = max(stop, min(world.worked_until, stop + CONDITIONS.interval_s))  # orders are no runs
    due = owed(pricing, world, until)
    signed = world.buyer.state.signed
    assert channel.end.amount == signed.amount
    if not world.has_crossed:
        assert signed.amount == due
        return
    most = owed(pricing, world, until + compute_skew_s(CONDITIONS.interval_s))
    assert due - CONDITIONS.cap < signed.amount <= most


def test_what_is_drawn__begins_and_ends_as_channels_do() -> None:
    world = play(Case("time", units=(0,), stop=60))
    assert world.seller.state.phase is SellerPhase.ENDED
    assert world.buyer.state.phase is BuyerPhase.ENDED
    assert world.buyer.state.signed.amount == 30
