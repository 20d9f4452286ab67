"""The buyer: asks for work in its channels, checks what comes, pays as it goes, and sees their end.

| effect                                  | what is done                                          |
|-----------------------------------------|-------------------------------------------------------|
| `SubmitOpening`, `SubmitTopUp`          | tokens are brought in, then locked                    |
| `SendRequest`                           | parts by HTTPS, then the letter                       |
| `KeepAnswer`                            | a result is written once all its outputs are there    |
| `Countersign`                           | the bill is computed again, then signed               |
| `SendVoucher`, `SendStop`, ...          | letters, until they are taken                         |
| `SubmitClose`, `SubmitSettle`, ...      | transactions                                          |

It serves nothing; where it is away for long, its seller stops and takes what was signed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import assert_never

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.loop.errands import Errand
from edgemark.party.agenda import Agenda
from edgemark.party.evm.did.agreeing import grants_of_identity
from edgemark.party.rounds import Rounds
from edgemark.party.service import PartyService
from edgemark.party.wishes.granting import Grant
from edgemark.systems.trading.buyer.agreeing import Agreeing, check_top_up
from edgemark.systems.trading.buyer.granting import grants_of
from edgemark.systems.trading.buyer.hearing import Hearing
from edgemark.systems.trading.buyer.market.asking import draft_policy
from edgemark.systems.trading.buyer.market.reaching import Reach
from edgemark.systems.trading.buyer.money.means import (
    bring_in_tokens,
    compute_unlocked,
    find_refused,
)
from edgemark.systems.trading.buyer.money.opening import Openings
from edgemark.systems.trading.buyer.money.sending import call_of_buyer
from edgemark.systems.trading.buyer.orders.answers import Answers, Came
from edgemark.systems.trading.buyer.orders.ordering import Lot, Wanted, check_cap, draft_lot
from edgemark.systems.trading.buyer.orders.requesting import Requesting
from edgemark.systems.trading.buyer.orders.shelf import Shelf
from edgemark.systems.trading.buyer.outlook import require_known
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.buyer.signing import sign_proposal, word_of
from edgemark.systems.trading.contract.records import check_list
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.messages import Amending
from edgemark.systems.trading.protocol.accords.signing import sign_accord
from edgemark.systems.trading.protocol.agreement import Agreement, Opening
from edgemark.systems.trading.protocol.letters import Message, Role
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.protocol.views.view import ChannelView, observe
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.station.accords.keys import HomeKeys
from edgemark.systems.trading.station.papers.tidying import Tidying
from edgemark.systems.trading.station.post.applicant import StationApplicant
from edgemark.systems.trading.station.post.office import PostOffice
from edgemark.systems.trading.station.seeing import see_sides, subject_of
from edgemark.systems.trading.station.speaking import (
    LETTERS,
    Correspondent,
    Pulse,
    find_blocks,
    is_open,
)
from edgemark.systems.trading.station.station import TradingStation

NAME = "buyer"


class Buyer(PartyService[TradingStation]):
    """The buyer's side of all its channels.

    Args:
        station: keys, chain, peers, deals.
        randomness: draws the samples of answers that are computed again.
    """

    def __init__(self, station: TradingStation, randomness: Randomness | None = None) -> None:
        super().__init__(station, PartyMachine(Purchase), NAME, look=self.look)
        self.shelf = Shelf(station.home)
        self._decided = station.settings.of(BuyerSettings)
        self._ordering = threading.Lock()
        self._reach = Reach(station)
        self._answers = Answers(
            station,
            self.shelf,
            self._reach.ask,
            self._note_right,
            self._note_wrong,
            randomness or Randomness(),
        )
        self._requesting = Requesting(self.shelf, self._answers, self._say)
        self._tidying = Tidying.of_party(station, self.runtime)
        self.agreeing = Agreeing(station, self.state, self.runtime.ask)
        self._openings = Openings(self.runtime.ask, self._state_at_hand)
        self.agenda = Agenda(station.follow(), subject_of)
        self._rounds = Rounds(self, views_of=self._views_of, observe=observe, hear=lambda _: None)
        self._pulse = Pulse(station)
        self._hearing = Hearing(station, self.shelf, self._answers, self.state, self._note)
        self._post = PostOffice(StationApplicant(station, self._state_at_hand), self._hear)
        keys = HomeKeys.of_station(station)
        self._talk = Correspondent(
            station.domain, Role.BUYER, keys, self._post, self._state_at_hand, self._hearing.take
        )

    # --- for the user --------------------------------------------------------------------------

    def grants(self) -> Mapping[str, Grant]:
        """What commands of this home may ask for."""
        return {**grants_of(self), **grants_of_identity(self.station)}

    def begin(self, openings: Mapping[ChannelId, Opening]) -> None:
        """Take terms that were checked, and whose deals are kept; the opening is owed from then on.

        Args:
            openings: the sellers' words, by channel; all of them are opened by one transaction.

        Raises:
            DealUnknown, BadSignature: they are none; nothing is taken.
            RefusedInput: a channel was begun before, they are too many for one transaction, or the
                wallet holds too few tokens.
        """
        check_list("openings", list(openings))
        beside = tuple(openings) if len(openings) > 1 else ()
        asked = {each: self._asked(each, word, beside) for each, word in openings.items()}
        terms = [each.agreement.terms for each in asked.values()]
        with self._ordering:  # of two at once each brings in what the other is to lock as well
            self._bring_in(Tokens(sum(each.deposit + each.bond for each in terms)))
            self._openings.begin(asked)

    def _asked(
        self, channel: ChannelId, opening: Opening, beside: tuple[ChannelId, ...]
    ) -> on.AskedBuy:
        """That terms are taken, whose deal is kept; raises as `begin`."""
        station, agreement = self.station, self.station.deals.agreement(channel)
        terms, limits = agreement.terms, station.decided.limits
        digest = station.domain.opening(channel, opening.valid_until)
        check_signature(digest, opening.signature, terms.seller)
        if terms.payer != station.address:
            who = f"channel {channel.hex()}"
            raise RefusedInput("is of another payer", who=who, had=terms.payer)
        return on.AskedBuy(agreement, draft_policy(self._decided, limits, terms), opening, beside)

    def order(self, channel: ChannelId, wanted: Wanted, *, sample: int, out: str) -> Lot:
        """Order work in a channel that is open; durable when it returns.

        Args:
            channel: of this home.
            wanted: what is to be done.
            sample: inputs of each answer that are computed again; `ALL`.
            out: file for the result.

        Raises:
            ChannelUnknown, IllegalMove: it is not open, or was stopped.
            RefusedInput: an order costs more than an interval may: it would never be taken.
            Overloaded: as many orders as a channel may have are open.
        """
        with self._ordering:  # numbers are given in order, to one order after the other
            state = self.state(channel)
            agreed = self.station.deals.get(channel).agreed
            meter = agreed.specification.meter
            cap, asked = state.known.conditions.cap, sum(each.most for each in state.requests)
            check_cap(agreed.tariff, wanted.count(meter), cap, state.units_came, asked)
            first, now_us = state.last_number + 1, time.time_ns() // 1000
            cores = agreed.specification.cores
            lot = draft_lot(
                wanted, channel, first, cores=cores, sample=sample, out=out, asked_at_us=now_us
            )
            self.shelf.keep(wanted)
            self.shelf.add(channel, lot)
            requests = [on.AskedRequest(lot.request(each, meter)) for each in lot.numbers]
            try:
                self.runtime.ask(channel, requests[-1], behind=requests[:-1])
            except RefusedInput:  # what was not taken in time may be yet, and needs its lot
                self.shelf.drop(channel, lot)
                raise
        return lot

    def top_up(self, channel: ChannelId, amount: Tokens) -> Tokens:
        """Add to a deposit; what it will be in all. The tokens are brought in before.

        Raises:
            ChannelUnknown, DepositFinal, IllegalMove: it is not open, or not for long enough.
            RefusedInput: the wallet holds too few tokens.
        """
        with self._ordering:  # of two at once each adds to what the other wants
            state = self.state(channel)
            check_top_up(state, self.station.head().block)
            deposit = Tokens(max(state.deposit, state.wanted_deposit) + amount)
            self._bring_in(amount)
            self.runtime.ask(channel, on.AskedTopUp(deposit))
        return deposit

    def stop(self, channel: ChannelId) -> None:
        """Ask for nothing more in a channel: its seller bills what is left, and ends it.

        Raises:
            ChannelUnknown, IllegalMove: it is not open, or was stopped.
        """
        self.state(channel)
        self.runtime.ask(channel, on.AskedStop(Timestamp(self.station.head().block)))

    def recover(self, agreement: Agreement) -> None:
        """Look after a channel of this account of which the chain alone is known.

        Raises:
            IllegalMove: this home knows it.
        """
        limits = self.station.decided.limits
        policy = draft_policy(self._decided, limits, agreement.terms)
        at = Timestamp(self.station.head().block)
        self.runtime.ask(agreement.channel, on.AskedRecover(agreement, policy, at))

    def close(self) -> None:
        """Hear and check nothing more; the journal keeps what is owed."""
        self._post.close()
        self._answers.close()
        super().close()

    def check_running(self) -> None:
        """Raise what ended loop or watch, if anything did."""
        fault = self.runtime.failure or self._fault
        if fault is not None:
            raise fault

    def state(self, channel: ChannelId) -> Purchase:
        """What is remembered of a channel; raises `ChannelUnknown`."""
        return require_known(self.runtime.state(channel), channel)

    def _bring_in(self, amount: Tokens) -> None:
        """Tokens for what is to be locked next, beside what is owed to be locked."""
        owed = sum(map(compute_unlocked, self.runtime.states().values()))
        bring_in_tokens(self.station, Tokens(owed + amount))

    # --- the chain -----------------------------------------------------------------------------

    def look(self) -> None:
        """One round over all channels, then over what carries their letters, and over time."""
        try:
            self._rounds.look()
        finally:
            self._look_around()

    def _look_around(self) -> None:
        """Letters are carried for every channel that is open; who is out of reach is noticed."""
        head = self._pulse.head()
        for channel, state in self.runtime.states().items():
            if not isinstance(state, Purchase) or state.agreement is None:
                continue
            if is_open(state):
                self._post.join(state.in_force.controller, ChannelId(channel), Role.BUYER)
            elif state.is_finished:
                self._forget(ChannelId(channel))
                continue
            stale_after_s = state.decided.stale_after_s
            events = [*find_blocks(state.blocks_stopped, head, stale_after_s)]
            self.tell(channel, [*events, *self._talk.find_broker(state, head.block)])

        self._tidying.look(head.block)

    def _forget(self, channel: ChannelId) -> None:
        """Nothing is carried, or remembered beside the journal, of a channel that is over."""
        self._post.leave(channel)
        self._talk.forget(channel)
        self._hearing.refusals.pop(channel, None)
        self._requesting.forget(channel)
        self._reach.forget(channel)
        self._answers.forget(channel)

    def _views_of(self, states: Sequence[Purchase], block: int) -> Sequence[ChannelView]:
        return see_sides(self.station, states, block)

    # --- effects -------------------------------------------------------------------------------

    def perform(self, state: Purchase, effect: do.BuyerEffect) -> Sequence[on.BuyerEvent]:
        """Carry out one effect; what it found out."""
        match effect:
            case do.SubmitOpening():
                return self._open(state)
            case do.SendRequest(number):
                self._requesting.send(state, number)
            case do.KeepAnswer(number):
                self.shelf.conclude_last(state.known.channel, number, state.requests)
                return [on.FoundAnswerKept(number)]
            case do.Countersign(index):
                return [on.FoundCountersigned(index, self._countersign(state, index))]
            case do.KeepCredential(index):
                self._hearing.kept.keep_of(state, index)
                return [on.FoundCredentialKept(index)]
            case do.SignAmending() | do.SignConsent() | do.SignClosing():
                station = self.station
                at, key = station.head(), self._talk.key(state)
                return [sign_accord(state, effect, station.domain, at, key)]
            case (
                do.SendVoucher()
                | do.SendStop()
                | do.SendAmending()
                | do.SendConsent()
                | do.SendReducing()
                | do.SendClosing()
            ):
                self._say(state, word_of(state, effect))
            case (
                do.SubmitTopUp()
                | do.SubmitReduce()
                | do.SubmitClose()
                | do.SubmitCloseTogether()
                | do.SubmitAmending()
                | do.SubmitSettle()
                | do.SubmitEndUnclosed()
            ):
                self.station.submit(call_of_buyer(self.station.escrow, state, effect))
            case _:
                assert_never(effect)
        return []

    def errand(self, state: Purchase, effect: do.BuyerEffect) -> Errand | None:
        """What may go to the seller by HTTPS, which may be slow."""
        if isinstance(effect, do.SendRequest | do.SendAmending) and state.agreement is not None:
            return Errand("handing", state.known.terms.seller)
        return None

    def _open(self, state: Purchase) -> Sequence[on.BuyerEvent]:
        call = self._openings.call(self.station.escrow, state)
        try:
            self.station.push(call)
        except ContractRefused as refused:
            return [find_refused(self.station, state, refused)]
        return []

    def _countersign(self, state: Purchase, index: int) -> bytes:
        station = self.station
        pricing, key = station.deals.pricing(state.known.channel), self._talk.key(state)
        return sign_proposal(state, index, pricing, station.domain, station.head(), key)

    # --- letters -------------------------------------------------------------------------------

    def _say(self, state: Purchase, message: Message | None) -> None:
        """Send it, and again until its state owes it no more; raises `Sent`."""

        def hand(raw: bytes) -> bytes:
            return self._reach.ask(state, "POST", LETTERS, raw, 1024)

        if message is not None:  # the next controller is wanted also when the present one is gone
            by = hand if isinstance(message, Amending) else None
            self._talk.insist(state, message, Role.SELLER, by)

    def _state_at_hand(self, channel: ChannelId) -> Purchase | None:
        found: Purchase | None = self.runtime.state_at_hand(channel)
        return found

    def _hear(self, channel: ChannelId, raw: bytes) -> None:
        with self._hearing.letter(raw):
            self._talk.hear(channel, raw)

    def _note(self, channel: ChannelId, event: on.BuyerEvent) -> None:
        """On the disk when this returns; raises `IllegalMove` for what cannot happen now."""
        self.runtime.ask(channel, event)

    def _note_right(self, came: Came) -> None:
        """An answer was checked; the seller sends it until it hears that it is taken."""
        self._hearing.refusals.pop(came.channel, None)
        at = Timestamp(self.station.head().block)
        self.tell(came.channel, [on.HeardAnswer(came.answer, at)])

    def _note_wrong(self, came: Came, wrong: EdgemarkError) -> None:
        self.log.error("answer is wrong", channel=came.channel, error=wrong)
        self.tell(came.channel, [on.AskedStop(Timestamp(self.station.head().block))])
