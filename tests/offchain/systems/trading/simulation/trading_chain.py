"""The chain of the simulation: the model of the escrow, blocks that may stop, and its views."""

from __future__ import annotations

from collections.abc import Callable

from tests.offchain.systems.trading.channel_cast import LIMITS, PEOPLE, START
from tests.offchain.systems.trading.parties_cast import CHANNEL, TERMS

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Address, Timestamp
from edgemark.systems.trading.contract import channel as calls
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelPhase, Said, Signers
from edgemark.systems.trading.contract.terms import ChannelRefused
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.views.view import ChannelView


class Chain:
    """One channel on chain, with what its logs tell of it.

    Attributes:
        clock: of everybody.
        block: time of the newest block; behind while blocks have stopped.
        is_away: no node answers.
        evidence: indices of which evidence was recorded.
        penalty: what a closer lost.
    """

    def __init__(self) -> None:
        self.clock = self.block = START
        self.is_away = self.has_stopped = False
        self.channel: Channel | None = None
        self.opened_at = START
        self.closed_by = ChannelPhase.NONE
        self.evidence: list[int] = []

    @property
    def head(self) -> Head:
        return Head(self.clock, self.block)

    def wait(self, seconds: int) -> None:
        self.clock += seconds
        if not self.has_stopped:
            self.block = self.clock

    def go_on(self) -> None:
        self.has_stopped = self.is_away = False
        self.block = self.clock

    def look(self) -> ChannelView:
        """What a node shows; raises `LedgerUnavailable` while it is away."""
        if self.is_away:
            raise LedgerUnavailable("is away", who="chain")
        if self.channel is None:
            return ChannelView(ChannelPhase.NONE, Timestamp(self.block))
        channel, end = self.channel, self.channel.end
        return ChannelView(
            channel.phase,
            Timestamp(self.block),
            Timestamp(self.opened_at),
            deposit=channel.deposit,
            paid=channel.paid,
            agreements=channel.agreements,
            signers=channel.signers,
            counted=channel.counted,
            deadline=channel.deadline,
            closed_by=self.closed_by,
            ending=None if end is None else end.ending,
            amount=0 if end is None else end.amount,
        )

    def open(self, sender: Address, seller_signer: Address, valid_until: int) -> None:
        self._check()
        if self.channel is not None:
            raise ChannelRefused("ChannelExists", channel=CHANNEL)
        said = Said(sender, seller_signer=seller_signer)
        self.channel = calls.open_channel(CHANNEL, TERMS, LIMITS, self.block, valid_until, said)
        self.opened_at = self.block

    def send(self, call: Callable[[Channel, int], Channel]) -> None:
        """A transaction; raises `ChannelRefused` as the contract would."""
        self._check()
        if self.channel is None:
            raise ChannelRefused("ChannelNotOpen", channel=CHANNEL, had=0)
        self.channel = call(self.channel, self.block)
        if self.channel.phase.is_closing:
            self.closed_by = self.channel.phase

    def _check(self) -> None:
        if self.is_away or self.has_stopped:
            raise LedgerUnavailable("takes nothing", who="chain")

    # Calls, as whoever sends them.

    def top_up(self, amount: int) -> None:
        self.send(lambda channel, now: calls.top_up(channel, amount, now, PEOPLE["payer"]))

    def reduce(self, number: int, amount: int, until: int, said: Said) -> None:
        self.send(lambda channel, now: calls.reduce(channel, number, amount, now, until, said))

    def checkpoint(self, amount: int, said: Said) -> None:
        self.send(lambda channel, now: calls.checkpoint(channel, amount, now, said))

    def amend(self, number: int, amount: int, signers: Signers, until: int, said: Said) -> None:
        self.send(
            lambda channel, now: calls.amend(channel, number, amount, signers, now, until, said)
        )

    def close(self, amount: int, said: Said) -> None:
        self.send(lambda channel, now: ends.close(channel, amount, now, said))

    def close_bare(self, sender: Address) -> None:
        self.send(lambda channel, now: ends.close_bare(channel, now, sender))

    def close_together(self, amount: int, until: int, said: Said) -> None:
        self.send(lambda channel, now: ends.close_together(channel, amount, now, until, said))

    def respond(self, amount: int, payer_signer: Address) -> None:
        self.send(lambda channel, now: ends.respond(channel, amount, now, payer_signer, None))

    def settle(self) -> None:
        self.send(ends.settle)

    def end_unclosed(self) -> None:
        self.send(ends.end_unclosed)
