"""What was served is billed once service has stopped, whatever is in hand and whatever was late."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    BY_CPU,
    BY_DAY,
    BY_TIME,
    DOMAIN,
    METERED,
    OPENED,
    PAYER_KEY,
    POLICY,
    PRICE,
    SELLER_KEY,
    SELLER_OPENING,
    TERMS,
    sign_voucher,
)
from tests.offchain.systems.trading.seller.signing_pair import Pair, second
from tests.offchain.systems.trading.simulation.trading_world import World
from tests.offchain.systems.trading.work.work_cast import order_run

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.contract.records import ChannelEnding
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.agreement import Head, Pause, Pricing, Readings, Reason
from edgemark.systems.trading.protocol.life import LIFE, SellerPhase, TradeTime, step
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Countersigned,
    Proposal,
    Refusal,
    Request,
)
from edgemark.systems.trading.seller import dealing
from edgemark.systems.trading.seller.admission import (
    NothingYet,
    NotServed,
    VoucherStrange,
    check_voucher,
    draft_bill,
    with_signature,
)
from edgemark.systems.trading.seller.dealing import Dealing
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.serving.orders import Serving, find_band

INTERVAL = AGREEMENT.conditions.interval_s


def head(seconds: int) -> Head:
    return Head(START + seconds, START + seconds)


def serving(*events: Any) -> Sale:
    sale = Sale()
    for event in (on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING), *OPENED, *events):
        sale, _ = step(sale, event)
    return sale


def asked(number: int, units: int) -> on.HeardRequest:
    return on.HeardRequest(Request(number, units, b"work"))


def propose(sale: Sale, seconds: int, pricing: Pricing = METERED) -> tuple[Sale, Proposal]:
    """The bill that is due is out."""
    draft = draft_bill(sale, pricing, head(seconds))
    assert isinstance(draft, Proposal)
    sale, _ = step(sale, with_signature(draft, sign_voucher(draft.voucher, SELLER_KEY)))
    return sale, draft


def settle(sale: Sale) -> Sale:
    """The payer signs the bill that is out."""
    assert sale.proposed is not None
    voucher = sale.proposed.voucher
    signed = Countersigned(voucher, sale.proposed.signature, sign_voucher(voucher, PAYER_KEY))
    told = check_voucher(sale, signed, DOMAIN)
    assert told is not None
    return step(sale, told)[0]


def test_work_in_hand_at_the_end_of_service__holds_no_earlier_work_back() -> None:
    """A long order in the last second, behind answers that are worth the cap."""
    sale = serving(asked(1, 19), on.FoundServed(Answer(1, (19,), b"")), asked(2, 1))
    ends = sale.service_ends - START
    sale = LIFE.reach_time(sale, Timestamp(sale.service_ends + 1))
    assert (sale.phase, len(sale.in_hand)) == (SellerPhase.STOPPED, 1)
    assert do.Propose(1) in sale.owed()
    sale, bill = propose(sale, ends + 1)
    assert (bill.fee, bill.is_last) == (19 * PRICE, False)
    sale = settle(sale)
    assert (sale.phase, sale.signed) == (SellerPhase.STOPPED, 19 * PRICE)
    assert do.Propose(2) not in sale.owed()
    claiming = LIFE.reach_time(sale, Timestamp(TERMS.expires_at + 1))
    assert do.SubmitClaim(Tokens(19 * PRICE)) in claiming.owed()
    sale, _ = step(sale, on.FoundServed(Answer(2, (1,), b"")))
    sale, last = propose(sale, ends + 30)
    assert (last.fee, last.is_last) == (PRICE, True)
    assert settle(sale).phase is SellerPhase.CLAIMING


def test_work_in_hand__gives_way_once_service_is_over_and_not_before() -> None:
    def told(sale: Sale, now: int) -> list[Any]:
        given: list[Any] = []
        engine = cast(Any, SimpleNamespace(give_way=lambda each, _: given.append(each)))
        Serving(engine, cast(Any, None)).end_with([Sale(), sale], now)
        return given

    sale = serving(asked(1, 19))
    channel, ends = sale.known.channel, sale.service_ends
    assert told(sale, ends) == []
    assert told(sale, ends + 1) == [channel]
    assert told(serving(asked(1, 19), on.FoundServed(Answer(1, (19,), b""))), ends + 1) == []
    stopped, _ = step(sale, on.AskedStop(Timestamp(START + 5)))
    assert (stopped.phase, told(stopped, ends)) == (SellerPhase.STOPPED, [])
    assert told(stopped, ends + 1) == [channel]
    claiming = LIFE.reach_time(stopped, Timestamp(TERMS.expires_at + 1))
    assert told(claiming, 0) == [channel], "nobody pays for more"


def test_run_that_waits_until_it_might_outlast_service__gives_way_before_its_end() -> None:
    run = order_run(Hash32(bytes([7]) * 32), b"data")
    listed = SimpleNamespace(limits=SimpleNamespace(wall_s=30))
    given: list[Any] = []
    catalogue = SimpleNamespace(programs={run.what: listed})
    engine = cast(
        Any, SimpleNamespace(give_way=lambda _, numbers: given.append(numbers), catalogue=catalogue)
    )
    sale = serving(on.HeardRequest(Request(1, 1, run.to_bytes())), asked(2, 1))
    for early, count in ((30, 0), (29, 1)):
        Serving(engine, cast(Any, None)).end_with([sale], sale.service_ends - early)
        assert given == [{1}] * count, "and the batch behind it goes on"


def test_a_single_unit_behind_work_in_hand__is_billed_at_once() -> None:
    sale = serving(asked(1, 1), on.FoundServed(Answer(1, (1,), b"")), asked(2, 9))
    sale, _ = step(sale, on.AskedStop(Timestamp(START + 5)))
    assert sale.is_bill_due
    sale, bill = propose(sale, 5)
    assert (bill.fee, bill.is_last) == (PRICE, False)


def test_run_that_may_outlast_service__is_refused_before_the_engine_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The end of service is what a run is measured by; of a refusal nothing is noted."""
    sale, said, asked_for = serving(), [], []

    def check(_: object, until: int, now: int) -> None:
        asked_for.append((until, now))
        error = NotServed("work is not taken", who="request 1")
        error.why = Pause.OVER
        raise error

    monkeypatch.setattr(dealing, "read_order", lambda *_: None)
    parts = SimpleNamespace(
        _station=SimpleNamespace(
            deals=SimpleNamespace(pricing=lambda _: METERED), may_answer=lambda _: True
        ),
        _check_pace=lambda *_: None,
        serving=SimpleNamespace(check_paid=lambda *_: None, check_in_time=check),
        _heard=lambda _, event: said.append(event),
    )
    talk = SimpleNamespace(send=lambda _, message, __: said.append(message))
    taken = (cast(Any, parts), cast(Any, talk), sale, Request(1, 1, b"run"), head(5))
    Dealing._take_request(*taken)
    assert said == [None, Refusal(1, Pause.OVER)]
    assert asked_for == [(sale.service_ends, START + 5)]


def test_nothing_to_bill_yet__claims_nothing_while_work_is_in_hand() -> None:
    sale = serving(asked(1, 4), on.AskedStop(Timestamp(START + 1)))
    assert sale.owed() == (do.Serve(1), do.SendStop())
    late = LIFE.reach_time(sale, Timestamp(START + 2 * INTERVAL))
    with pytest.raises(NothingYet):
        draft_bill(late, METERED, head(2 * INTERVAL))
    shown = Readings(late.billed.end, Timestamp(START + INTERVAL), (0,), (0,))
    with pytest.raises(IllegalMove):
        step(late, on.FoundNothingDue(shown, late.used))
    done, _ = step(late, on.FoundServed(Answer(1, (0,), b"")))
    nothing = draft_bill(done, METERED, head(2 * INTERVAL))
    assert isinstance(nothing, on.FoundNothingDue)
    assert step(done, nothing)[0].phase is SellerPhase.CLAIMING


def test_a_bill_of_before__is_not_the_last_while_work_is_in_hand() -> None:
    sale = serving(asked(1, 4), on.FoundServed(Answer(1, (4,), b"")))
    sale, _ = step(sale, on.AskedStop(Timestamp(START + 5)))
    draft = draft_bill(sale, METERED, head(5))
    assert isinstance(draft, Proposal) and draft.is_last
    held = serving(asked(1, 4), on.FoundServed(Answer(1, (4,), b"")), asked(2, 4))
    held, _ = step(held, on.AskedStop(Timestamp(START + 5)))
    with pytest.raises(IllegalMove):
        step(held, with_signature(draft, bytes(65)))


@pytest.mark.parametrize("stopped", [INTERVAL + 5, 3 * INTERVAL, 4 * INTERVAL + 15])
def test_time_until_the_stop__is_billed_though_a_voucher_was_late(stopped: int) -> None:
    """One bill was out meanwhile, of one interval; the others follow."""
    sale = LIFE.reach_time(serving(), Timestamp(START + INTERVAL + 1))
    sale, _ = propose(sale, INTERVAL + 1, BY_TIME)
    sale = LIFE.reach_time(sale, Timestamp(START + stopped))
    assert sale.phase is SellerPhase.SERVING
    sale = settle(sale)
    sale, _ = step(sale, on.HeardStop(Reason.ASKED_BY_BUYER, Timestamp(START + stopped)))
    lasts = []
    while sale.phase is SellerPhase.STOPPED:
        sale, bill = propose(sale, stopped, BY_TIME)
        lasts.append(bill.is_last)
        sale = settle(sale)
    assert lasts == [False] * (len(lasts) - 1) + [True]
    assert (sale.phase, sale.billed.end) == (SellerPhase.CLAIMING, START + stopped)
    assert 0 <= stopped // 2 - sale.signed <= len(lasts), "a part of a token each, rounded down"


def test_time_of_a_run_in_hand__is_billed_each_interval_after_the_stop() -> None:
    run = Request(1, 1, order_run(hash_long(b"program"), b"data").to_bytes())
    sale = serving(on.HeardRequest(run), on.AskedStop(Timestamp(START + 5)))
    assert not sale.is_bill_due
    for number in (1, 2):
        at = number * INTERVAL + 1
        sale = LIFE.reach_time(sale, Timestamp(START + at))
        assert sale.is_bill_due
        sale, bill = propose(sale, at, BY_TIME)
        assert not bill.is_last
        sale = settle(sale)
    assert (sale.phase, sale.signed) == (SellerPhase.STOPPED, INTERVAL)


def test_until_when_time_is_billed__is_told_by_what_stopped_service() -> None:
    lost = serving(accord.AskedController(TERMS.payer, Timestamp(START + 5)))
    lost = LIFE.reach_time(lost, Timestamp(START + 6 + POLICY.patience_s))
    assert lost.is_over(TradeTime.FAILOVER)
    assert lost.served_until == START + 5 + POLICY.patience_s
    poor = serving(on.FoundOverdrawn(Timestamp(START + 7)))
    poor = LIFE.reach_time(poor, Timestamp(START + 8 + POLICY.patience_s))
    assert poor.served_until == START + 7 + POLICY.patience_s
    late = LIFE.reach_time(serving(), Timestamp(START + INTERVAL + 1))
    late, _ = propose(late, INTERVAL + 1, BY_TIME)
    late = LIFE.reach_time(late, Timestamp(START + 200))
    assert (late.reason, late.served_until) == (Reason.VOUCHER_LATE, 0)


@pytest.mark.parametrize("stopped", [99, 100, 101])
def test_work_in_the_second_in_which_a_band_begins__is_billed_when_the_meter_shows_it(
    stopped: int,
) -> None:
    """`[since, band)` has no second of it, so until the next one nothing is the last."""
    pair, request = Pair(BY_DAY), Request(1, 5, b"work")
    band = find_band(BY_DAY, START + stopped)
    answer = Answer(1, tuple(5 * (each == band) for each in range(2)), b"")
    pair.buy(on.AskedRequest(request))
    pair.sell(on.HeardRequest(request), on.FoundServed(answer, second(stopped)))
    pair.buy(on.HeardAnswer(answer, second(stopped)))
    pair.stop(stopped)
    if stopped == 100:
        with pytest.raises(NothingYet):
            pair.propose(stopped)
        early = Readings(second(80), second(100), (0, 0), (0, 0))
        with pytest.raises(IllegalMove):
            pair.sell(on.FoundNothingDue(early, pair.sale.used))
    pair.settle(stopped + 1)
    assert pair.purchase.signed.amount == (15 if band else 10)
    assert pair.purchase.saw_last


def test_bill_of_what_a_meter_shows_so_far__is_not_the_last() -> None:
    """Blocks stand still at 10 while a run of 30 s goes on; then its buyer stops."""
    pair, request = Pair(BY_CPU), Request(1, 30_000, b"run")
    answer = Answer(1, (30_000,), b"")
    pair.buy(on.AskedRequest(request))
    pair.sell(on.HeardRequest(request), on.SawBlocksStop(), on.FoundServed(answer, second(10)))
    pair.buy(on.HeardAnswer(answer, second(10)))
    pair.stop(10)
    found = pair.propose(10)
    assert isinstance(found, on.FoundProposal)
    assert (found.proposal.fee, found.proposal.is_last) == (10, False)
    pair.sign(10)
    assert pair.sale.phase is SellerPhase.STOPPED
    pair.sell(on.SawBlocksGoOn(second(45)))
    assert pair.settle(45) == [(25, 45)]
    assert (pair.purchase.signed.amount, pair.purchase.saw_last) == (30, True)


def test_buyer__signs_what_is_billed_after_the_stop_and_waits_for_the_last() -> None:
    """Both machines: an answer that is billed while another is in hand, and that one after it."""
    world = World()
    for _ in range(3):
        world.act()
        world.pass_time(2)
    held: list[int] = []
    meter = world.meter

    def metered(request: Request) -> Any:
        if request.number in held:
            raise NothingYet("is worked at", who=f"request {request.number}")
        return meter(request)

    world.meter = metered  # type: ignore[method-assign]
    held.append(2)
    assert world.order(9)
    assert world.order(2)
    for _ in range(2):
        world.act()
        world.pass_time(2)
    assert len(world.seller.state.in_hand) == 1
    world.buyer.tell(on.AskedStop(Timestamp(world.chain.block)))
    for _ in range(3):
        world.act()
        world.check()
        world.pass_time(2)
    assert world.buyer.state.signed.amount == world.seller.state.signed == 9 * PRICE
    assert not world.buyer.state.saw_last
    assert world.seller.state.phase is SellerPhase.STOPPED
    held.clear()
    world.finish()
    world.check_end()
    assert world.buyer.state.saw_last
    assert world.seller.state.ending is ChannelEnding.CLAIMED
    channel = world.chain.channel
    assert channel is not None and channel.end is not None
    assert channel.end.amount == 11 * PRICE


@pytest.mark.parametrize(
    "changes",
    [
        {"controller": TERMS.payer},
        {"epoch": 1},
        {"template_hash": Hash32(bytes(32))},
    ],
    ids=str,
)
def test_voucher_of_the_bill_that_is_out__is_the_proposed_one_in_all_its_parts(
    changes: dict[str, Any],
) -> None:
    """A payer may sign what it likes: the seller's own signature is under what it proposed."""
    sale = serving(asked(1, 4), on.FoundServed(Answer(1, (4,), b"")))
    sale = LIFE.reach_time(sale, Timestamp(START + INTERVAL + 1))
    sale, bill = propose(sale, INTERVAL + 1)
    voucher = replace(bill.voucher, **changes)
    told = Countersigned(voucher, bytes(65), sign_voucher(voucher, PAYER_KEY))
    with pytest.raises(VoucherStrange):
        check_voucher(sale, told, DOMAIN)


def test_bill_in_the_second_of_the_last_one__has_an_interval_of_one_second() -> None:
    sale = serving(asked(1, 4), on.FoundServed(Answer(1, (4,), b"")))
    sale, _ = step(sale, on.AskedStop(Timestamp(START)))
    bill = draft_bill(sale, METERED, head(0))
    assert isinstance(bill, Proposal)
    assert (bill.readings.start, bill.readings.end) == (START, START + 1)
