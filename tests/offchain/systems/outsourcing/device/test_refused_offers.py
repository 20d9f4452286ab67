"""Why a job does not start: of each node the reason that explains most, in the journal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import EdgemarkError, Overloaded, PeerFault, RefusedInput
from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.loop.machine import TryAgain
from edgemark.systems.outsourcing.device.beginning import OFFER_AGAIN_S, Offering, read_refusal
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.node import admission
from edgemark.systems.outsourcing.order.outlook import tell_outlook
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import step
from edgemark.systems.outsourcing.protocol.phases import DevicePhase, Refusing
from edgemark.transport.faults import AnswerMalformed, PeerRefused, PeerUnreachable

ORDER = cast.small_order()
ONE, TWO = ShareIndex(1), ShareIndex(2)


def posted() -> DeviceJob:
    """A job that is on the chain."""
    state, _ = step(DeviceJob(), on.AskedSubmit(ORDER))
    return step(state, on.SawPosted())[0]


def said(error: EdgemarkError) -> PeerRefused:
    """The error as the device hears it of a node."""
    facts = {name: str(value) for name, value in error.as_dict().items() if value}
    return PeerRefused(400, facts, who="node")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (PeerUnreachable("cannot be reached"), Refusing.NOT_HEARD),
        (said(admission.OfferUnseen("terms are not the posted ones")), Refusing.NOT_HEARD),
        (said(admission.OfferOver("offer is over")), Refusing.NOT_HEARD),
        (said(admission.NodeBusy("has as many jobs as it takes")), Refusing.NOT_NOW),
        (said(Overloaded("too many ask")), Refusing.NOT_NOW),
        (said(admission.OfferRefused("free balance does not cover it")), Refusing.REFUSED),
        (AnswerMalformed("sent what cannot be read"), Refusing.REFUSED),
        (said(admission.OfferDeclined("fee too low")), Refusing.FOR_GOOD),
        (said(admission.TaskTooLarge("cannot compute it in its time")), Refusing.FOR_GOOD),
    ],
)
def test_what_a_node_says__is_sorted_by_what_it_explains(fault: PeerFault, why: Refusing) -> None:
    heard = read_refusal(ONE, fault)
    assert (heard.index, heard.why) == (ONE, why)
    words = fault.reason if isinstance(fault, PeerRefused) else fault.what
    assert heard.reason == words


def test_a_true_reason__is_not_overwritten_by_the_last_one() -> None:
    state = posted()
    for why, reason in (
        (Refusing.NOT_HEARD, "terms are not the posted ones"),
        (Refusing.REFUSED, "free balance does not cover the stake"),
        (Refusing.REFUSED, "another"),
        (Refusing.NOT_NOW, "busy"),
        (Refusing.NOT_HEARD, "offer is over"),
    ):
        state, _ = step(state, on.HeardOfferRefused(ONE, why, reason))
    assert [refused.reason for refused in state.refused] == [
        "free balance does not cover the stake"
    ]


def test_a_node_that_took_it_after_all__is_no_refusal_any_more() -> None:
    refused = on.HeardOfferRefused(ONE, Refusing.NOT_NOW, "busy")
    for taken in (on.HeardOfferTaken(ONE), on.HeardAcceptance(cast.acceptance_of(ORDER, 1))):
        state, _ = step(step(posted(), refused)[0], taken)
        assert state.refused == ()
        assert step(state, refused)[0] == state


def test_a_node_that_refuses_for_good__is_not_asked_again() -> None:
    state, _ = step(posted(), on.HeardOfferRefused(ONE, Refusing.FOR_GOOD, "fee too low"))
    assert do.SendOffer(ONE) not in state.owed()
    assert do.SendOffer(TWO) in state.owed()
    now, _ = step(posted(), on.HeardOfferRefused(ONE, Refusing.REFUSED, "no stake"))
    assert do.SendOffer(ONE) in now.owed()


def offering(fault: EdgemarkError) -> Offering:
    """An offering whose nodes all fail in one way."""

    def hand(*_: object) -> bytes:
        raise fault

    station: Any = SimpleNamespace(hand=hand, settlement=None)
    return Offering(station)


def test_a_refusal_for_good__is_found_out_and_ends_the_asking() -> None:
    told = list[Any]()
    declined = offering(said(admission.OfferDeclined("fee too low")))
    (heard,) = declined.offer(posted(), ONE, lambda *facts: told.append(facts))
    assert isinstance(heard, on.HeardOfferRefused)
    assert heard.why is Refusing.FOR_GOOD
    assert told == []


def test_a_refusal__is_told_once_and_asked_again_after_a_pause() -> None:
    told = list[Any]()
    state, refuses = posted(), offering(said(admission.OfferRefused("no stake")))
    with pytest.raises(TryAgain) as later:
        refuses.offer(state, ONE, lambda *facts: told.append(facts))
    assert later.value.after_s == OFFER_AGAIN_S
    ((job, (heard,)),) = told
    assert (job, heard.reason) == (ORDER.job, "OfferRefused; no stake")
    with pytest.raises(TryAgain):
        refuses.offer(step(state, heard)[0], ONE, lambda *facts: told.append(facts))
    assert len(told) == 1


def test_a_node_that_is_down__is_named() -> None:
    told = list[Any]()
    mute = offering(PeerUnreachable("cannot be reached", who="node"))
    with pytest.raises(PeerUnreachable):
        mute.offer(posted(), TWO, lambda *facts: told.append(facts))
    ((_, (heard,)),) = told
    state, _ = step(posted(), heard)
    ended = DeviceJob(phase=DevicePhase.CANCELLED, order=ORDER, refused=state.refused)
    outlook = tell_outlook(ended, Timestamp(ORDER.terms.collect_by))
    assert f"Node 2 ({ORDER.nodes[1]}) has not accepted: cannot be reached." in outlook


def test_what_is_no_word_of_a_node__is_none() -> None:
    broken = offering(RefusedInput("is no participant"))
    with pytest.raises(RefusedInput, match="is no participant"):
        broken.offer(posted(), ONE, lambda *_: None)
