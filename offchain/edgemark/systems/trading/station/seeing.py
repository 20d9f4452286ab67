"""What the chain shows of channels, as the machines of all parties hear it (`protocol.side`).

Views are read at one block, all in as few messages as may be; what only events tell (when a channel
was opened, who closed it, how it ended) is remembered, or searched for, by the station's `marks`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.trading.contract.escrow import EscrowContract, StoredChannel
from edgemark.systems.trading.contract.history.marks import ChannelMarks, Marks, Sought
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Agreement
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.protocol.views.view import ChannelView
from edgemark.systems.trading.station.station import TradingStation


@dataclass(frozen=True)
class Sight:
    """What is looked at, and by what; it needs no key.

    Attributes:
        escrow: whose channels they are.
        marks: what its events told.
        time_of: chain time of a block; raises `LedgerUnavailable`.
    """

    escrow: EscrowContract
    marks: ChannelMarks
    time_of: Callable[[int], Timestamp]

    def see(
        self,
        wanted: Sequence[tuple[ChannelId, Terms]],
        block: int,
        *,
        told: Collection[ChannelId] = (),
    ) -> list[ChannelView]:
        """Channels as a block has them, in their order.

        Args:
            wanted: channels and their terms.
            block: number.
            told: channels of which nobody needs to know any more when they were opened.

        Raises:
            MarksMissing: a node does not tell an event that has to be there.
            LedgerUnavailable: the chain does not answer.
        """
        now = self.time_of(block)
        stored = self.escrow.channels([terms for _, terms in wanted], block=block)
        sought = {
            channel: Sought(opening=channel not in told, end=kept.phase is ChannelPhase.ENDED)
            for (channel, _), kept in zip(wanted, stored, strict=True)
            if kept.phase is not ChannelPhase.NONE
        }
        marks = self.marks.find(sought, block)
        return [
            self._view_of(terms, kept, marks.get(channel, Marks()), now)
            for (channel, terms), kept in zip(wanted, stored, strict=True)
        ]

    def _view_of(
        self, terms: Terms, kept: StoredChannel, marks: Marks, now: Timestamp
    ) -> ChannelView:
        if kept.phase is ChannelPhase.NONE:
            return ChannelView(ChannelPhase.NONE, now)
        opened_at = NO_TIME if marks.opened_in is None else self.time_of(marks.opened_in)
        if kept.phase is ChannelPhase.ENDED:
            return ChannelView(
                kept.phase,
                now,
                opened_at,
                counted=marks.amount,
                deadline=marks.deadline,
                closed_by=marks.closed_by,
                ending=marks.ending,
                amount=marks.amount,
            )
        return ChannelView(
            kept.phase,
            now,
            opened_at,
            deposit=Tokens(kept.deposit(terms.bond)),
            paid=kept.paid,
            agreements=kept.agreements,
            signers=kept.signers,
            counted=kept.counted,
            deadline=kept.deadline,
            closed_by=kept.phase if kept.phase.is_closing else ChannelPhase.NONE,
        )


def see(
    station: TradingStation,
    agreements: Sequence[Agreement],
    block: int,
    *,
    told: Collection[ChannelId] = (),
) -> list[ChannelView]:
    """Channels that were agreed on, as a block has them; as `Sight.see`.

    Raises:
        TimeInDoubt: the block's header says too late a time.
        MarksMissing, LedgerUnavailable: as `Sight.see`.
    """
    sight = Sight(station.escrow, station.marks, station.time_of)
    return sight.see([(each.channel, each.terms) for each in agreements], block, told=told)


def see_sides(station: TradingStation, sides: Sequence[Side], block: int) -> list[ChannelView]:
    """The same for seller or buyer, of states that have an agreement; for `Rounds.views_of`."""
    told = {side.known.channel for side in sides if side.opened_at != NO_TIME}
    return see(station, [side.known for side in sides], block, told=told)


def subject_of(event: ChainEvent) -> bytes | None:
    """The channel that an event is about; None of one about none. For `Agenda`."""
    channel = getattr(event, "channel", None)
    return bytes(channel) if isinstance(channel, bytes) else None
