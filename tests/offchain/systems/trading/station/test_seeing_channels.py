"""What a chain shows of a channel is what the plain model says, in each phase and at each end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import KEYS, LIMITS
from tests.offchain.systems.trading.station.trading_ground import TradingGround, ground

from edgemark.identifiers import Timestamp, Tokens
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel, open_channel
from edgemark.systems.trading.contract.escrow import TopUp
from edgemark.systems.trading.contract.history.marks import ChannelMarks, MarksMissing, Sought
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase, Said
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Agreement, Conditions
from edgemark.systems.trading.protocol.views.view import ChannelView
from edgemark.systems.trading.station.seeing import see, subject_of

__all__ = ["ground"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(12)]

NEXT = KEYS["seller's next key"]
CONDITIONS = Conditions(60, NO_TOKENS, NO_TOKENS, 0, 1, 1)
Step = Callable[["Followed"], None]
Do = Callable[..., Any]


@dataclass
class Followed:
    """A channel on the chain and its model, which make the same steps.

    Attributes:
        opened_at, closed_by, deadline: what no word of the escrow tells in the end.
    """

    ground: TradingGround
    terms: Terms
    model: Channel | None = None
    opened_at: int = 0
    closed_by: ChannelPhase = ChannelPhase.NONE
    deadline: int = 0

    @property
    def id(self) -> ChannelId:
        return self.ground["payer"].escrow.id_of(self.terms)

    def open(self) -> None:
        self.ground.open(self.terms)
        self.opened_at = now = self.ground.now()
        said = Said(self.terms.payer, seller_signer=self.terms.seller)
        self.model = open_channel(self.id, self.terms, LIMITS, now, now, said)

    def step(
        self, role: str, call: Callable[..., Any], item: Any, move: Callable[..., Any]
    ) -> None:
        """A call by somebody, and the same of the model at the second of its block."""
        self.ground.send(role, call, item)
        both = Said(self.ground.address(role), self.terms.payer_key, self.terms.seller_key)
        assert self.model is not None
        self.model = move(self.model, self.ground.now(), both)
        if self.model.phase.is_closing:
            self.closed_by, self.deadline = self.model.phase, self.model.deadline

    def expected(self) -> ChannelView:
        """What the model says."""
        now, channel = Timestamp(self.ground.now()), self.model
        if channel is None:
            return ChannelView(ChannelPhase.NONE, now)
        opened_at, deadline = Timestamp(self.opened_at), Timestamp(self.deadline)
        if channel.end is not None:
            end = channel.end
            return ChannelView(
                ChannelPhase.ENDED,
                now,
                opened_at,
                counted=end.amount,  # type: ignore[arg-type]
                deadline=deadline,
                closed_by=self.closed_by,
                ending=end.ending,
                amount=end.amount,  # type: ignore[arg-type]
            )
        return ChannelView(
            channel.phase,
            now,
            opened_at,
            deposit=channel.deposit,  # type: ignore[arg-type]
            paid=channel.paid,  # type: ignore[arg-type]
            agreements=channel.agreements,
            signers=channel.signers,
            counted=channel.counted,  # type: ignore[arg-type]
            deadline=channel.deadline,
            closed_by=self.closed_by,
        )

    def check(self) -> None:
        """As somebody sees it who has just been started, and then once more."""
        station, agreed = self.ground["seller"], Agreement(self.id, self.terms, CONDITIONS)
        started = replace(station, marks=fresh_marks(self.ground))
        for _ in range(2):
            assert see(started, [agreed], station.chain.head()) == [self.expected()]


def fresh_marks(ground: TradingGround) -> ChannelMarks:
    station = ground["seller"]
    return ChannelMarks(station.chain, station.escrow.contract, station.deployment.block)


# What happens to a channel, step by step.


def top_up(told: Followed) -> None:
    escrow, payer = told.ground["payer"].escrow, told.terms.payer
    item = TopUp(told.terms, Tokens(40))
    told.step("payer", escrow.top_up, item, lambda of, now, _: moves.top_up(of, 40, now, payer))


def checkpoint(told: Followed) -> None:
    item = told.ground.voucher(told.terms, 250)
    escrow = told.ground["seller"].escrow
    told.step(
        "seller", escrow.checkpoint, item, lambda of, now, s: moves.checkpoint(of, 250, now, s)
    )


def reduce(told: Followed) -> None:
    item, until = told.ground.reduction(told.terms, 0, 7), told.ground.now() + 10**6
    told.step(
        "payer",
        told.ground["payer"].escrow.reduce,
        item,
        lambda of, now, said: moves.reduce(of, 0, 7, now, until, said),
    )


def amend(told: Followed) -> None:
    """The next controller, and another key of the seller's, by the next agreement."""
    assert told.model is not None
    number, until = told.model.agreements, told.ground.now() + 10**6
    signers = replace(
        told.model.signers, controller=KEYS["a thief"].address, seller_key=NEXT.address, epoch=1
    )
    told.step(
        "payer",
        told.ground["payer"].escrow.amend,
        told.ground.amendment(told.terms, number, 300, signers),
        lambda of, now, said: moves.amend(of, number, 300, signers, now, until, said),
    )


def close_with(role: str, amount: int) -> Step:
    def step(told: Followed) -> None:
        item = told.ground.voucher(told.terms, amount)
        escrow = told.ground[role].escrow
        told.step(role, escrow.close, item, lambda of, now, s: ends.close(of, amount, now, s))

    return step


def close_bare(role: str) -> Step:
    def step(told: Followed) -> None:
        sender, escrow = told.ground.address(role), told.ground[role].escrow
        if role == "outsider":
            told.ground.pass_to(told.terms.expires_at + 1)
        told.step(
            role, escrow.close_bare, told.terms, lambda of, now, _: ends.close_bare(of, now, sender)
        )

    return step


def respond(told: Followed) -> None:
    key, escrow = told.terms.payer_key, told.ground["outsider"].escrow
    item = told.ground.response(told.terms, 400)
    told.step(
        "outsider", escrow.respond, item, lambda of, now, _: ends.respond(of, 400, now, key, None)
    )


def settle(told: Followed) -> None:
    told.ground.pass_to(told.deadline + 1)
    escrow = told.ground["outsider"].escrow
    told.step("outsider", escrow.settle, told.terms, lambda of, now, _: ends.settle(of, now))


def end_unclosed(told: Followed) -> None:
    told.ground.pass_to(told.terms.close_by + 1)
    end(told)


def lapse(told: Followed) -> None:
    told.ground.pass_to(told.terms.lock_expiry(LIMITS.exit_grace) + 1)
    end(told)


def end(told: Followed) -> None:
    escrow = told.ground["outsider"].escrow
    move = lambda of, now, _: ends.end_unclosed(of, now)  # noqa: E731 - as those above
    told.step("outsider", escrow.end_unclosed, told.terms, move)


def close_together(told: Followed) -> None:
    item, until = told.ground.closing(told.terms, 260), told.ground.now() + 10**6
    told.step(
        "payer",
        told.ground["payer"].escrow.close_together,
        item,
        lambda of, now, said: ends.close_together(of, 260, now, until, said),
    )


LIVES: dict[str, list[Step]] = {
    "together": [top_up, checkpoint, close_together],
    "claimed": [top_up, close_with("seller", 300)],
    "reduced, amended, settled unanswered": [reduce, amend, close_bare("payer"), settle],
    "closed by its payer below, answered": [
        checkpoint,
        close_with("payer", 260),
        respond,
        settle,
    ],
    "closed bare by its seller, answered": [close_bare("seller"), respond, settle],
    "closed by a stranger": [checkpoint, close_bare("outsider"), settle],
    "closed by nobody": [checkpoint, end_unclosed],
    "lapsed while open": [checkpoint, lapse],
    "lapsed after a window": [close_with("payer", 5), lapse],
}


@pytest.mark.parametrize("name", LIVES)
def test_view__is_what_the_model_says_at_each_step(ground: TradingGround, name: str) -> None:
    told = Followed(ground, ground.terms())
    told.check()
    told.open()
    told.check()
    for step in LIVES[name]:
        step(told)
        told.check()
    assert told.model is not None and told.model.end is not None, "the end was not reached"


def test_channels_of_one_round__are_seen_in_their_order(ground: TradingGround) -> None:
    lives = [Followed(ground, ground.terms()) for _ in range(30)]
    for told in lives[::2]:
        told.open()
    lives[4].step(
        "payer",
        ground["payer"].escrow.close_bare,
        lives[4].terms,
        lambda of, now, _: ends.close_bare(of, now, of.terms.payer),
    )
    agreed = [Agreement(told.id, told.terms, CONDITIONS) for told in lives]
    seen = see(ground["seller"], agreed, ground.chain.head())
    assert seen == [told.expected() for told in lives]
    known = {told.id for told in lives}
    shown = see(ground["seller"], agreed, ground.chain.head(), told=known)
    assert [view.phase for view in shown] == [view.phase for view in seen]


def test_events_of_the_watch__are_noted_and_name_their_channel(ground: TradingGround) -> None:
    told = Followed(ground, ground.terms())
    first = ground.chain.head() + 1
    told.open()
    close_with("seller", 300)(told)
    contract = ground["seller"].escrow.contract
    events = decode_logs(
        [contract], ground.chain.logs([contract.address], first, ground.chain.head())
    )
    assert {subject_of(event) for event in events} == {told.id}
    marks = ChannelMarks(ground.chain, contract, ground.chain.head() + 1)  # nothing to be read
    marks.note(events)
    found = marks.find({told.id: Sought(opening=True, end=True)}, ground.chain.head())[told.id]
    assert (found.opened_in, found.ending, found.amount) == (first, ChannelEnding.CLAIMED, 300)


def test_event_that_a_node_does_not_tell__is_asked_for_again(ground: TradingGround) -> None:
    nobody = ChannelId(bytes(32))
    marks = fresh_marks(ground)
    with pytest.raises(MarksMissing, match="does not tell an event"):
        marks.find({nobody: Sought(opening=True)}, ground.chain.head())
