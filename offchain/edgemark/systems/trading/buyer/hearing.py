"""What letters mean to a buyer: checked, and on the disk before anything is said back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgemark.loop.machine import UnderWay
from edgemark.systems.trading.buyer.checking import (
    ProposalWrong,
    blame,
    check_answer,
    check_closing_back,
    check_proposal,
    check_reducing_back,
)
from edgemark.systems.trading.buyer.orders.answers import Answers, Came
from edgemark.systems.trading.buyer.orders.shelf import Shelf
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.checking import check_amending
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing, Reducing
from edgemark.systems.trading.protocol.accords.stopping import hear_stop
from edgemark.systems.trading.protocol.agreement import Pause
from edgemark.systems.trading.protocol.letters import Kind, Message, Role
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Credential,
    Overdraft,
    Proposal,
    Refusal,
    Stop,
    Taken,
)
from edgemark.systems.trading.station.papers.issued import Issuances
from edgemark.systems.trading.station.station import TradingStation


class BeingChecked(UnderWay):
    """An answer came, and is not acknowledged before its output was checked."""


class Hearing:
    """The letters of all channels; its methods are for any thread.

    Args:
        station: knows time, domains and deals.
        shelf: has outputs that were checked.
        answers: checks the others.
        state_of: a channel's present state; raises of one that is not known.
        note: has an event on the disk when it returns; raises `IllegalMove`.

    Attributes:
        refusals: what sellers said last, why they take no new work.
        kept: settlement credentials of this home.
    """

    def __init__(
        self,
        station: TradingStation,
        shelf: Shelf,
        answers: Answers,
        state_of: Callable[[ChannelId], Purchase],
        note: Callable[[ChannelId, on.BuyerEvent], None],
    ) -> None:
        self.refusals: dict[ChannelId, Pause] = {}
        self._issued = Issuances(station, Role.BUYER)
        self.kept = self._issued.kept
        self._station, self._shelf, self._answers = station, shelf, answers
        self._state_of, self._note = state_of, note
        self._heard = threading.local()

    @contextmanager
    def letter(self, raw: bytes) -> Iterator[None]:
        """While one is heard: an answer that is wrong is shown with what its seller signed."""
        self._heard.raw = raw
        try:
            yield
        finally:
            self._heard.raw = b""

    def take(self, channel: ChannelId, role: Role, message: Message) -> None:  # noqa: C901, PLR0912 - one line a kind
        """What a letter of this channel means; it is on the disk when this returns.

        Raises:
            EdgemarkError: it is wrong, or cannot be taken now.
        """
        state, station = self._state_of(channel), self._station
        match message:
            case Answer():
                self._take_answer(state, message)
            case Proposal():
                self._take_proposal(state, message)
            case Refusal():
                self.refusals[channel] = message.why
                if message.why is Pause.PARTS_MISSING:
                    self._answers.forget_parts(channel)
            case Credential():
                self._take_credential(state, message)
            case Overdraft():
                self._note(channel, on.HeardOverdraft(message))
            case Stop():
                self._note(channel, hear_stop(message, role, station.head()))
            case Closing():
                head = station.head()
                self._note(channel, check_closing_back(state, message, station.domain, head))
            case Amending():
                self._take_amending(state, message)
            case Reducing():
                back = check_reducing_back(state, message, station.domain, station.head())
                if back is not None:
                    self._note(channel, back)
            case Taken(Kind.VOUCHER, index):
                self._note(channel, on.HeardVoucherTaken(index))
            case Taken(Kind.STOP):
                self._note(channel, on.HeardStopTaken())
            case _:
                pass  # for the seller, or the controller

    def _take_answer(self, state: Purchase, answer: Answer) -> None:
        channel = state.known.channel
        event = check_answer(state, answer, self._station.head())
        if event is None:
            return
        if not self._shelf.has_output(channel, answer.number):
            meter = self._station.deals.get(channel).agreed.specification.meter
            came = Came(channel, answer, getattr(self._heard, "raw", b""))
            self._answers.take(state, came, meter)
            raise BeingChecked("is being checked", who=f"answer {answer.number}")
        self._note(channel, event)

    def _take_credential(self, state: Purchase, credential: Credential) -> None:
        """Heard once; the same again is only acknowledged."""
        told = self._issued.hear(state, credential)
        if told is not None:
            self._note(state.known.channel, told)

    def _take_proposal(self, state: Purchase, proposal: Proposal) -> None:
        station, channel = self._station, state.known.channel
        head, pricing = station.head(), station.deals.pricing(channel)
        try:
            told = check_proposal(state, proposal, pricing, station.domain, head)
        except ProposalWrong as error:
            self._note(channel, blame(error, proposal, head))
            raise
        self._note(channel, told)

    def _take_amending(self, state: Purchase, amending: Amending) -> None:
        station, signer = self._station, state.in_force.seller_key
        told = check_amending(
            state,
            amending,
            signer,
            station.domain,
            station.head(),
            least=state.paid,
            most=state.due,
        )
        if told is not None:
            self._note(state.known.channel, told)
