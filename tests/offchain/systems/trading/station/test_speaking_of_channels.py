"""Letters are signed by whom the channel names, acknowledged when taken, and sent until they are.

The post is a list here: what a broker does to letters is tested where brokers are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    CHANNEL,
    CONTROLLER,
    DOMAIN,
    OPENED,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    SELLER_OPENING,
    SIGNER,
    THIEF,
    draft_proposal,
    letter_of,
)

from edgemark.errors import EdgemarkError, LedgerUnavailable
from edgemark.identifiers import Timestamp, Tokens
from edgemark.loop.machine import IllegalMove, UnderWay
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.records import ChannelEnding
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Head, Pause, Reason
from edgemark.systems.trading.protocol.letters import (
    FORMS,
    WRITERS,
    Kind,
    Letter,
    Message,
    Role,
    StrangeLetter,
)
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Overdraft,
    Refusal,
    Request,
    Stop,
    Taken,
)
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.station.speaking import (
    AWAY_S,
    FIRST_S,
    MOST_S,
    READERS,
    ChannelNotHere,
    Correspondent,
    KeyMissing,
    Keys,
    NoLetters,
    NoLettersYet,
    Pulse,
    Sent,
    find_blocks,
)

ANSWER = Answer(1, (3,), b"done")
STOP = Stop(Reason.ASKED_BY_SELLER)


@dataclass
class Desk:
    """A party's correspondent, its one channel, and a post that is a list."""

    me: Role
    state: Any
    keys: Keys
    is_here: bool = True
    sent: list[tuple[ChannelId, Role, bytes]] = field(default_factory=list)
    taken: list[tuple[Role, Message]] = field(default_factory=list)
    refusal: EdgemarkError | None = None
    now: float = 0.0

    def __post_init__(self) -> None:
        find = lambda channel: self.state if channel == CHANNEL else None  # noqa: E731
        args = (DOMAIN, self.me, self.keys, self, find, self.take)
        self.letters = Correspondent(*args, clock=lambda: self.now)

    def send(self, channel: ChannelId, to: Role, raw: bytes) -> None:
        self.sent.append((channel, to, raw))

    def is_there(self, channel: ChannelId) -> bool:
        return self.is_here and channel == CHANNEL

    def take(self, channel: ChannelId, role: Role, message: Message) -> None:
        assert channel == CHANNEL
        if self.refusal is not None:
            raise self.refusal
        self.taken.append((role, message))

    def last(self) -> tuple[Role, Message]:
        """To whom the last letter went, and what it says under which signature."""
        channel, to, raw = self.sent[-1]
        letter = Letter.from_wire(raw)
        assert channel == CHANNEL
        key = {self.me: SIGNER[self.me].address}
        return to, letter.open(DOMAIN, CHANNEL, key)[1]


def state_of(blank: Any, asked: Any) -> Any:
    machine = PartyMachine(blank)
    state = machine.initial(CHANNEL)
    for event in (asked(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        state, _ = machine.step(state, event)
    return state


@pytest.fixture
def seller() -> Desk:
    return Desk(Role.SELLER, state_of(Sale, on.AskedSell), Keys(SELLER_KEY))


@pytest.fixture
def buyer() -> Desk:
    return Desk(Role.BUYER, state_of(Purchase, on.AskedBuy), Keys(THIEF, (PAYER_KEY,)))


def test_every_kind__has_readers_and_none_is_its_only_writer() -> None:
    assert READERS.keys() == WRITERS.keys() == FORMS.keys()
    for kind, readers in READERS.items():
        assert len(readers | WRITERS[kind]) >= 2, kind


def test_letter__is_signed_with_the_key_that_the_channel_names(seller: Desk, buyer: Desk) -> None:
    seller.letters.send(seller.state, STOP, Role.BUYER)
    assert seller.last() == (Role.BUYER, STOP)
    buyer.letters.send(buyer.state, Request(1, 5, b"x"), Role.SELLER)
    assert buyer.last() == (Role.SELLER, Request(1, 5, b"x"))
    stranger = Desk(Role.SELLER, seller.state, Keys(THIEF))
    with pytest.raises(KeyMissing, match="not in this home"):
        stranger.letters.send(seller.state, STOP, Role.BUYER)
    assert stranger.sent == []


def test_key_after_an_amendment__is_the_one_in_force(seller: Desk) -> None:
    signers = replace(AGREEMENT.terms.signers, seller_key=THIEF.address)
    amended = replace(seller.state, signers=signers)
    with pytest.raises(KeyMissing):
        seller.letters.send(amended, STOP, Role.BUYER)
    both = Desk(Role.SELLER, amended, Keys(SELLER_KEY, (THIEF,)))
    both.letters.send(amended, STOP, Role.BUYER)
    letter = Letter.from_wire(both.sent[-1][2])
    assert letter.open(DOMAIN, CHANNEL, {Role.SELLER: THIEF.address}) == (Role.SELLER, STOP)


def test_letter__is_sent_later_and_later_until_the_other_is_heard(seller: Desk) -> None:
    pauses = []
    for _ in range(6):
        with pytest.raises(Sent) as sent:
            seller.letters.insist(seller.state, ANSWER, Role.BUYER)
        pauses.append(sent.value.after_s)
    assert pauses == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, MOST_S, MOST_S, MOST_S]
    assert issubclass(Sent, UnderWay)
    assert len(seller.sent) == 6
    with pytest.raises(Sent) as other:
        seller.letters.insist(seller.state, replace(ANSWER, number=2), Role.BUYER)
    assert other.value.after_s == FIRST_S
    seller.letters.hear(CHANNEL, letter_of(Taken(Kind.ANSWER, 9), Role.BUYER))
    with pytest.raises(Sent) as again:
        seller.letters.insist(seller.state, ANSWER, Role.BUYER)
    assert again.value.after_s == FIRST_S


def test_letter__does_not_go_while_none_goes(seller: Desk) -> None:
    seller.is_here = False
    with pytest.raises(NoLettersYet) as early:
        seller.letters.insist(seller.state, ANSWER, Role.BUYER)
    assert isinstance(early.value, UnderWay), "a moment without letters is no failure"
    seller.now = AWAY_S
    with pytest.raises(NoLetters) as late:
        seller.letters.insist(seller.state, ANSWER, Role.BUYER)
    assert not isinstance(late.value, UnderWay)
    assert seller.sent == []


def test_message__is_acknowledged_once_it_was_taken_and_each_time(buyer: Desk) -> None:
    raw = letter_of(ANSWER, Role.SELLER)
    buyer.refusal = IllegalMove("not now", who="purchase")
    with pytest.raises(IllegalMove):
        buyer.letters.hear(CHANNEL, raw)
    assert buyer.sent == []
    buyer.refusal = None
    for _ in range(2):
        buyer.letters.hear(CHANNEL, raw)
        assert buyer.last() == (Role.SELLER, Taken(Kind.ANSWER, 1))
    assert buyer.taken == [(Role.SELLER, ANSWER)] * 2


def test_stop__is_acknowledged_to_the_other(buyer: Desk, seller: Desk) -> None:
    for desk in (buyer, seller):
        desk.letters.hear(CHANNEL, letter_of(STOP, _other(desk.me)))
        assert desk.last() == (_other(desk.me), Taken(Kind.STOP, 0))


def _other(role: Role) -> Role:
    return Role.SELLER if role is Role.BUYER else Role.BUYER


@pytest.mark.parametrize(
    "message", [Refusal(1, Pause.BUSY), draft_proposal(30), Request(1, 5, b"x")]
)
def test_message_that_needs_no_receipt__has_none(buyer: Desk, seller: Desk, message: Any) -> None:
    writer = Role.BUYER if isinstance(message, Request) else Role.SELLER
    desk = seller if isinstance(message, Request) else buyer
    desk.letters.hear(CHANNEL, letter_of(message, writer))
    assert (desk.taken, desk.sent) == ([(writer, message)], [])


def test_letter_for_somebody_else__is_ignored(buyer: Desk, seller: Desk) -> None:
    buyer.letters.hear(CHANNEL, letter_of(Request(1, 5, b"x"), Role.BUYER))  # its own
    seller.letters.hear(CHANNEL, letter_of(ANSWER, Role.SELLER))
    seller.letters.hear(CHANNEL, letter_of(Overdraft(Tokens(9), Tokens(1)), Role.SELLER))
    assert (buyer.taken, seller.taken, buyer.sent, seller.sent) == ([], [], [], [])


def test_a58_letter_of_a_stranger_or_for_another_channel__is_refused(buyer: Desk) -> None:
    for raw in (
        letter_of(ANSWER, Role.SELLER, THIEF),
        letter_of(ANSWER, Role.BUYER),  # reflected
        letter_of(STOP, Role.CONTROLLER),
    ):
        with pytest.raises(StrangeLetter):
            buyer.letters.hear(CHANNEL, raw)
    other = ChannelId(bytes(32))
    with pytest.raises(ChannelNotHere, match="not known here"):
        buyer.letters.hear(other, letter_of(ANSWER, Role.SELLER))
    for junk in (b"", b"\0" * 200, letter_of(ANSWER, Role.SELLER)[:-1], b"\1" * 70_000):
        with pytest.raises(EdgemarkError):
            buyer.letters.hear(CHANNEL, junk)
    buyer.state = Purchase()
    with pytest.raises(ChannelNotHere):
        buyer.letters.hear(CHANNEL, letter_of(ANSWER, Role.SELLER))
    assert (buyer.taken, buyer.sent) == ([], [])


def test_channel_whose_parties_sign_with_one_key__hears_nothing(buyer: Desk) -> None:
    signers = replace(AGREEMENT.terms.signers, controller=PAYER_KEY.address)
    buyer.state = replace(buyer.state, signers=signers)
    with pytest.raises(StrangeLetter, match="one key"):
        buyer.letters.hear(CHANNEL, letter_of(ANSWER, Role.SELLER))


def test_broker__is_away_after_a_while_and_back_at_once(seller: Desk) -> None:
    find = lambda: list(seller.letters.find_broker(seller.state, START + 9))  # noqa: E731
    assert find() == []
    seller.is_here = False
    assert find() == []
    seller.now = AWAY_S - 0.1
    assert find() == []
    seller.now = AWAY_S
    assert find() == [on.FoundBrokerAway()]
    seller.state = replace(seller.state, broker_away=True)
    assert find() == []
    seller.is_here = True
    assert find() == [on.FoundBrokerBack(Timestamp(START + 9))]
    seller.state = replace(seller.state, broker_away=False)
    seller.is_here, seller.now = False, 100.0
    assert find() == []  # it is away anew
    seller.now = 200.0
    assert find() == [on.FoundBrokerAway()]


def test_broker__matters_to_open_channels_alone(seller: Desk) -> None:
    seller.is_here = False
    ended = replace(seller.state, ending=ChannelEnding.CLAIMED)
    agreed = replace(seller.state, opened_at=Timestamp(0))
    for state in (ended, agreed, Sale()):
        seller.letters.find_broker(state, START)
        seller.now += 100
        assert seller.letters.find_broker(state, START) == ()


def test_blocks__stop_and_go_on_once_each() -> None:
    fresh, stale = Head(START + 30, START), Head(START + 31, START)
    assert find_blocks(False, fresh, 30) == ()
    assert find_blocks(False, stale, 30) == (on.SawBlocksStop(),)
    assert find_blocks(True, stale, 30) == ()
    assert find_blocks(True, fresh, 30) == (on.SawBlocksGoOn(Timestamp(fresh.block)),)


def test_chain_that_is_away__gets_old() -> None:
    class Clock:
        believed = START

    class Station:
        clock = Clock()
        is_away = False

        def head(self) -> Head:
            if self.is_away:
                raise LedgerUnavailable("is away", who="chain")
            return Head(self.clock.believed, START)

    station = Station()
    pulse = Pulse(station)  # type: ignore[arg-type]
    assert pulse.head() == Head(START, START)
    station.is_away, station.clock.believed = True, START + 40
    assert pulse.head() == Head(START + 40, START)
    assert find_blocks(False, pulse.head(), 30) == (on.SawBlocksStop(),)


def test_controller__hears_settlements_and_receipts_alone() -> None:
    heard = {kind for kind, readers in READERS.items() if Role.CONTROLLER in readers}
    assert heard == {Kind.SETTLEMENT, Kind.TAKEN}
    desk = Desk(Role.CONTROLLER, state_of(Sale, on.AskedSell), Keys(CONTROLLER))
    desk.letters.hear(CHANNEL, letter_of(Taken(Kind.CREDENTIAL, 1), Role.BUYER))
    desk.letters.hear(CHANNEL, letter_of(ANSWER, Role.SELLER))
    assert desk.taken == [(Role.BUYER, Taken(Kind.CREDENTIAL, 1))]
