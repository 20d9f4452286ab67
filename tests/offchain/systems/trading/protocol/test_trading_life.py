"""The laws of the machines: the table is whole, its moves are the only ones, states are their own
records.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from types import ModuleType
from typing import Any, get_args

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    CONTROLLER,
    HEAD,
    NEXT,
    OPENED,
    POLICY,
    SELLER_OPENING,
    TERMS,
    draft_proposal,
)

from edgemark.identifiers import Timestamp, Tokens
from edgemark.loop.event_records import JournalForeign
from edgemark.loop.machine import Condensing, IllegalMove, Tick
from edgemark.loop.moves import Kind, TimeOver
from edgemark.loop.replay import encode_record, replay_records
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Amending
from edgemark.systems.trading.protocol.accords.stopping import SAYS, WANTED, hear_stop
from edgemark.systems.trading.protocol.agreement import Reason
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.life import (
    LIFE,
    BuyerPhase,
    ControllerPhase,
    PartyMachine,
    SellerPhase,
    TradeTime,
    step,
)
from edgemark.systems.trading.protocol.messages import Credential, Request, Stop
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.protocol.views.view import ChannelView, observe
from edgemark.systems.trading.seller.sale import Sale


def dataclasses_of(*modules: ModuleType) -> set[type]:
    return {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
    }


EVENTS = dataclasses_of(on, accord, at)
EFFECTS = dataclasses_of(do)
FULL: dict[type[Enum], Any] = {
    SellerPhase: Sale(agreement=AGREEMENT, policy=POLICY, opened_at=Timestamp(START)),
    BuyerPhase: Purchase(agreement=AGREEMENT, policy=POLICY, opened_at=Timestamp(START)),
    ControllerPhase: Desk(agreement=AGREEMENT, signers=TERMS.signers),
}
UNIONS: dict[type[Enum], Any] = {
    SellerPhase: on.SellerEvent,
    BuyerPhase: on.BuyerEvent,
    ControllerPhase: at.ControllerEvent,
}
BLANKS = (Sale, Purchase, Desk)
EVERY_PHASE = [phase for phases in FULL for phase in phases]
PARTIES = pytest.mark.parametrize("phases", FULL, ids=lambda kind: kind.__name__)
KINDS: list[Kind] = [*EVENTS, *TradeTime]


def successors(phase: Enum) -> set[Enum]:
    return {after for before, _, after in LIFE if before is phase}


def reachable(phase: Enum) -> set[Enum]:
    found, left = {phase}, [phase]
    while left:
        for after in successors(left.pop()) - found:
            found.add(after)
            left.append(after)
    return found


def is_over(phase: Any) -> bool:
    finished: bool = replace(FULL[type(phase)], phase=phase).is_finished
    return finished


def test_every_move__stays_within_one_party() -> None:
    for before, kind, after in LIFE:
        assert type(before) is type(after)
        assert kind in KINDS


@PARTIES
def test_every_phase__is_reached_from_the_first(phases: type[Enum]) -> None:
    assert reachable(next(iter(phases))) == set(phases)


@pytest.mark.parametrize("phase", EVERY_PHASE, ids=str)
def test_every_phase__is_an_end_or_leads_to_one(phase: Any) -> None:
    assert any(is_over(after) for after in reachable(phase))
    if is_over(phase):
        assert successors(phase) <= {phase}


def test_every_event_and_time__moves_somebody() -> None:
    assert {kind for _, kind, _ in LIFE} == set(KINDS)


@PARTIES
def test_every_party__hears_what_its_union_says_and_nothing_else(phases: type[Enum]) -> None:
    heard = {kind for before, kind, _ in LIFE if isinstance(before, phases)}
    assert {kind for kind in heard if isinstance(kind, type)} == set(get_args(UNIONS[phases]))


def test_every_effect__is_owed_by_somebody() -> None:
    told = {*get_args(do.SellerEffect), *get_args(do.BuyerEffect), *get_args(do.ControllerEffect)}
    assert told == EFFECTS


@pytest.mark.parametrize("phase", EVERY_PHASE, ids=str)
def test_step__of_anything_that_is_no_move__is_refused(phase: Any) -> None:
    state = replace(FULL[type(phase)], phase=phase)
    for kind in KINDS:
        if LIFE.after(phase, kind) is None:
            event = TimeOver(kind) if isinstance(kind, Enum) else object.__new__(kind)
            with pytest.raises(IllegalMove):
                step(state, event)


@pytest.mark.parametrize("phase", EVERY_PHASE, ids=str)
def test_every_state__says_what_it_waits_for_and_owes_each_once(phase: Any) -> None:
    state = replace(FULL[type(phase)], phase=phase)
    assert all(time > 0 for time, _ in state.times())
    assert len(set(state.owed())) == len(state.owed())


# --- reasons (T27) -----------------------------------------------------------------------------


@pytest.mark.parametrize("closer", [phase for phase in ChannelPhase if phase.is_closing])
def test_t27_who_closed_first__is_the_reason_whatever_comes_later(closer: ChannelPhase) -> None:
    sale = opened_sale()
    sale, _ = step(sale, on.SawClosing(closer, Tokens(0), Timestamp(START + 100)))
    said = sale.reason
    assert said.name.startswith("CLOSED_BY")
    sale, _ = step(sale, on.SawEnded(ChannelEnding.SETTLED, Tokens(0)))
    assert (sale.reason, sale.ending) == (said, ChannelEnding.SETTLED)


@pytest.mark.parametrize("ending", ChannelEnding)
def test_t27_every_ending__has_a_reason_without_any_word_before(ending: ChannelEnding) -> None:
    sale, _ = step(opened_sale(), on.SawEnded(ending, Tokens(0)))
    assert sale.is_finished
    assert sale.reason is not Reason.NONE


def test_t27_every_reason__comes_up() -> None:
    """Those of times in `protocol.side`; the walks of the simulation reach the others."""
    by_time = {replace(Sale(), over=frozenset({TimeOver(time)})).reason for time in TradeTime} - {
        Reason.NONE
    }
    assert by_time == {
        Reason.EXPIRED,
        Reason.CONTROLLER_LOST,
        Reason.OVERDRAWN,
        Reason.VOUCHER_LATE,
    }


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("role", [Role.BUYER, Role.SELLER])
def test_t27_a_reason_that_is_not_the_others__is_not_believed(role: Role, reason: Reason) -> None:
    told = hear_stop(Stop(reason), role, HEAD).reason
    assert told is (reason if reason in SAYS[role] else WANTED[role])
    assert told not in (Reason.NONE, WANTED[Role.SELLER if role is Role.BUYER else Role.BUYER])
    stopped, _ = step(opened_sale(), hear_stop(Stop(reason), Role.BUYER, HEAD))
    assert stopped.reason is not Reason.NONE


def test_t27_the_log__says_why_a_channel_stopped_and_ended_and_tells_no_content() -> None:
    machine: PartyMachine[Any] = PartyMachine(Sale)
    sale = opened_sale()
    stopped, _ = machine.step(sale, on.AskedStop(Timestamp(START)))
    (line,) = machine.tell(sale, on.AskedStop(Timestamp(START)), stopped)
    assert (line.words, line.is_detail) == ("asked stop", False)
    assert line.facts == {"phase": "stopped", "reason": "asked_by_seller"}
    event = on.HeardRequest(Request(1, 4, b"secret"))
    taken, _ = machine.step(sale, event)
    (line,) = machine.tell(sale, event, taken)
    assert (line.is_detail, line.facts) == (True, {"phase": "serving"})
    late = Tick(TERMS.expires_at)
    over, _ = machine.step(sale, late)
    lines = machine.tell(sale, late, over)
    assert "service is over" in {each.words for each in lines}
    assert {each.facts["reason"] for each in lines} == {"expired"}
    assert machine.facts(b"channel") == {"channel": b"channel"}


def test_t21_the_others_word__is_brought_until_its_time_is_over() -> None:
    signers = replace(TERMS.signers, controller=NEXT.address, epoch=1)
    word = Amending(0, Tokens(0), signers, Timestamp(START + 30), bytes(65))
    sale, owed = step(opened_sale(), accord.HeardAmending(word))
    assert owed == (do.SubmitAmending(),)
    late = LIFE.reach_time(sale, Timestamp(START + 31))
    assert do.SubmitAmending() not in late.owed()
    again, _ = step(late, accord.HeardAmending(replace(word, valid_until=Timestamp(START + 90))))
    assert do.SubmitAmending() in again.owed()
    moved, _ = step(again, on.SawMoney(TERMS.deposit, Tokens(0), 1))
    assert do.SubmitAmending() not in moved.owed()


# --- records -----------------------------------------------------------------------------------


def opened_sale() -> Sale:
    sale = Sale()
    for event in (on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        sale, _ = step(sale, event)
    return sale


def busy_states() -> list[Any]:
    """A state of each party with as much in it as it can have."""
    credential = Credential(draft_proposal(30).voucher, b"content", bytes(65))
    sale, _ = step(opened_sale(), on.HeardRequest(Request(1, 4, b"work")))
    sale, _ = step(sale, on.HeardCredential(credential))
    sale = LIFE.reach_time(sale, Timestamp(START + 25))
    assert sale.is_over(TradeTime.INTERVAL)
    purchase = Purchase(agreement=AGREEMENT, policy=POLICY, opening=SELLER_OPENING)
    purchase = replace(purchase, proposed=draft_proposal(30), phase=BuyerPhase.BUYING)
    desk, _ = step(Desk(), at.SawNamed(AGREEMENT, TERMS.signers, TERMS.deposit))
    return [sale, purchase, desk]


@pytest.mark.parametrize("state", busy_states(), ids=lambda state: type(state).__name__)
def test_a_channel_of_months__is_told_by_one_record_of_its_state(state: Any) -> None:
    machine: PartyMachine[Any] = PartyMachine(type(state))
    assert isinstance(machine, Condensing)
    (told,) = machine.condense(state)
    record = encode_record(machine, b"key", told)
    assert replay_records(machine, [record], who="test") == {b"key": state}
    assert machine.resume(state) == state.owed()


@pytest.mark.parametrize("state", busy_states(), ids=lambda state: type(state).__name__)
def test_a_state_after_other_events__is_no_move(state: Any) -> None:
    machine: PartyMachine[Any] = PartyMachine(type(state))
    with pytest.raises(IllegalMove):
        machine.step(state, state)


def test_a_record_of_another_version__is_not_half_understood() -> None:
    machine: PartyMachine[Any] = PartyMachine(Sale)
    raw = machine.encode_event(opened_sale())
    for old, new in ((b'"SERVING"', b'"SELLING"'), (b'"over":[]', b'"over":[{"what":"X"}]')):
        assert old in raw
        with pytest.raises(JournalForeign):
            machine.decode_event(raw.replace(old, new))
    with pytest.raises(JournalForeign):
        PartyMachine(Desk).decode_event(raw)


def test_every_field_of_a_side__outlives_a_restart() -> None:
    machine: PartyMachine[Any] = PartyMachine(Sale)
    sale = opened_sale()
    assert {each.name for each in fields(Side)} <= {each.name for each in fields(sale)}
    assert machine.decode_event(machine.encode_event(sale)) == sale


# --- what the chain shows ----------------------------------------------------------------------


def view(phase: ChannelPhase = ChannelPhase.OPEN, **changes: Any) -> ChannelView:
    shown = ChannelView(phase, Timestamp(START + 5), Timestamp(START), deposit=TERMS.deposit)
    return replace(shown, signers=TERMS.signers, **changes)


def see(side: Any, shown: ChannelView) -> Any:
    for event in observe(side, shown):
        side, _ = step(side, event)
    assert observe(side, shown) == []
    return side


def test_observe__tells_everything_once_whatever_was_missed() -> None:
    agreed, _ = step(Sale(), on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING))
    closing = {
        "closed_by": ChannelPhase.CLOSING_BY_PAYER,
        "deadline": Timestamp(START + 99),
        "counted": Tokens(4),
    }
    ended = {"ending": ChannelEnding.SETTLED, "amount": Tokens(9), **closing}
    assert see(agreed, view()).phase is SellerPhase.SERVING
    window = see(agreed, view(ChannelPhase.CLOSING_BY_PAYER, paid=Tokens(3), **closing))
    assert (window.phase, window.paid, window.counted) == (SellerPhase.WINDOW, 3, 4)
    closing["counted"] = Tokens(7)
    assert see(window, view(ChannelPhase.CLOSING_BY_PAYER, **closing)).counted == 7
    over = see(agreed, view(ChannelPhase.ENDED, **ended))
    assert (over.phase, over.reason) == (SellerPhase.ENDED, Reason.CLOSED_BY_BUYER)


def test_observe__before_the_signed_time_is_over__waits() -> None:
    agreed, _ = step(Sale(), on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING))
    until = SELLER_OPENING.valid_until
    assert observe(agreed, ChannelView(ChannelPhase.NONE, until)) == []
    late = ChannelView(ChannelPhase.NONE, Timestamp(until + 1))
    dropped = see(agreed, late)
    assert (dropped.phase, dropped.reason) == (SellerPhase.DROPPED, Reason.NEVER_OPENED)


def test_t21_another_controller__is_seen_and_its_epoch_counts() -> None:
    sale = opened_sale()
    signers = replace(TERMS.signers, controller=NEXT.address, epoch=1)
    moved = see(sale, replace(view(), signers=signers, agreements=1))
    assert moved.in_force == signers
    assert moved.in_force.controller != CONTROLLER.address


def test_tick__before_a_channel_is_open__does_nothing() -> None:
    machine: PartyMachine[Any] = PartyMachine(Sale)
    agreed, _ = machine.step(Sale(), on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING))
    assert machine.step(agreed, Tick(2**39)) == (agreed, ())
