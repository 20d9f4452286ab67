"""Folds the events of one channel into its story, wherever they were read.

Rule: what is paid out of the channel's lock in the transaction in which it ended, behind the event
of the end, belongs to the end; all that was paid before, to checkpoints and amendments.

Rule: anybody may record evidence of any channel, signed by anybody. What strangers record is of no
account: the first `MOST_STRANGERS` are told, the others counted, so nobody makes a story long.

Rule: a controller may sign any number of credentials around one voucher, and pays for it with its
bond. `MOST_OF_INDEX` of an index are told, which convict it; the others are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from edgemark.chronicle.marks import Credit, Mark
from edgemark.chronicle.pots import Pots
from edgemark.identifiers import Address, Timestamp
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.reading.answers import member_of
from edgemark.systems.trading.contract import events as seen
from edgemark.systems.trading.contract.amounts import Division, End
from edgemark.systems.trading.contract.escrow import signers_of, terms_of
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.story.story import (
    Amended,
    Changed,
    ChannelStory,
    Deed,
    Ended,
    PaidUp,
    Recorded,
    Shown,
    Whose,
    Window,
    find_own_signers,
)

MOST_STRANGERS = 16  # evidence by strangers that a story tells
MOST_OF_INDEX = 2  # evidence of one index by those whose it is


class Sieve:
    """Which evidence of a channel is told, as it comes.

    Args:
        own: whose evidence counts.

    Attributes:
        untold, repeated: how much of strangers, and of one index, was not.
    """

    def __init__(self, own: Whose) -> None:
        self._own, self._strangers = own, 0
        self._told: Counter[tuple[EvidenceKind, int]] = Counter()
        self.untold = self.repeated = 0

    def tells(self, kind: EvidenceKind, index: int, signers: tuple[Address, ...]) -> bool:
        """Whether the next one is told; it is counted where it is not."""
        if (kind, signers) in self._own:
            self._told[kind, index] += 1
            is_told = self._told[kind, index] <= MOST_OF_INDEX
            self.repeated += not is_told
        else:
            self._strangers += 1
            is_told = self._strangers <= MOST_STRANGERS
            self.untold += not is_told
        return is_told


def begin_story(
    chain_id: int, opening: seen.ChannelOpened, opened: Mark, as_of: int, now: Timestamp
) -> ChannelStory:
    """A channel that was opened and nothing more.

    Args:
        chain_id: EIP-155 id.
        opening: the event.
        opened: its transaction.
        as_of: the last block that is looked at.
        now: its time.
    """
    return ChannelStory(
        chain_id=chain_id,
        escrow=opening.at.contract,
        channel=ChannelId(opening.channel),
        terms=terms_of(opening.terms),
        opened=opened,
        deeds=(),
        pots=(),
        credits=(),
        last=(),
        as_of=as_of,
        now=now,
    )


class StoryFold:
    """A story in the making: one transaction after the other.

    Args:
        story: of the opening, by `begin_story`.
    """

    def __init__(self, story: ChannelStory) -> None:
        self._story = story
        self._pots = Pots(story.escrow, story.channel)
        self._deeds: list[Deed] = []
        self._credits: list[Credit] = []
        self._last: list[Credit] = []
        self._passed_over = self._repeated = 0

    def take(self, mark: Mark, events: Sequence[ChainEvent]) -> None:
        """Everything that a transaction says about this channel.

        Args:
            mark: the transaction.
            events: of escrow, evidence registry and anchor in it, in order; those of other
                channels too.
        """
        is_end = False
        for event in events:
            deed = self._read(event, mark)
            if deed is not None:
                self._deeds.append(deed)
                is_end = is_end or isinstance(deed, Ended)
            paid = self._pots.take(mark, [event])
            (self._last if is_end else self._credits).extend(paid)

    def pass_over(self, *, untold: int, repeated: int) -> None:
        """Evidence that nobody looked up: by strangers, and beyond the first of an index."""
        self._passed_over += untold
        self._repeated += repeated

    def finish(self) -> ChannelStory:
        """The whole story."""
        whole = replace(self._story, deeds=tuple(self._deeds))
        sieve = Sieve(whole.own_signers)
        deeds = [
            deed
            for deed in whole.deeds
            if not isinstance(deed, Recorded) or sieve.tells(deed.kind, deed.index, deed.signers)
        ]
        return replace(
            whole,
            deeds=tuple(deeds),
            untold=sieve.untold + self._passed_over,
            repeated=sieve.repeated + self._repeated,
            pots=self._pots.all,
            credits=tuple(self._credits),
            last=tuple(self._last),
        )

    def _read(self, event: ChainEvent, mark: Mark) -> Deed | None:  # noqa: PLR0911 - a line each
        channel = self._story.channel
        if isinstance(event, EvidenceRecorded):
            return _read_evidence(event, mark) if bytes(event.subject) == channel else None
        if getattr(event, "channel", None) != channel:
            return None
        match event:
            case seen.DepositAdded(amount=amount):
                return Changed(mark, amount)
            case seen.DepositReduced(number=number, amount=amount):
                return Changed(mark, amount, number)
            case seen.AmountPaid(index=index, paid=paid):
                return PaidUp(mark, index, paid)
            case seen.ChannelAmended(number=number, signers=signers):
                return Amended(mark, number, signers_of(signers))
            case seen.ChannelClosed(closer=closer, amount=amount, deadline=deadline):
                phase = member_of(ChannelPhase, event.phase)
                return Window(mark, closer, phase, amount, deadline)
            case seen.ResponseShown(sender=sender, amount=amount, tower=tower, number=number):
                return Shown(mark, sender, amount, tower, number)
            case seen.ChannelEnded():
                return Ended(mark, _read_end(event))
            case _:
                return None


def pick_evidence(
    opening: seen.ChannelOpened, events: Sequence[ChainEvent], recorded: Sequence[ChainEvent]
) -> tuple[list[ChainEvent], list[EvidenceRecorded], list[EvidenceRecorded]]:
    """The evidence of a channel that is worth looking up: its own, and the first of strangers.

    Args:
        opening: of the channel.
        events: of the escrow, about it.
        recorded: all evidence of it, oldest first.

    Returns:
        That; what strangers recorded beyond it; what is of an index beyond its first.
    """
    amended = (signers_of(e.signers) for e in events if isinstance(e, seen.ChannelAmended))
    sieve = Sieve(find_own_signers(terms_of(opening.terms), amended))
    picked: list[ChainEvent] = []
    untold: list[EvidenceRecorded] = []
    repeated: list[EvidenceRecorded] = []
    for event in recorded:
        if not isinstance(event, EvidenceRecorded):
            continue
        had = sieve.untold
        if sieve.tells(member_of(EvidenceKind, event.kind), event.index, tuple(event.signers)):
            picked.append(event)
        else:
            (untold if sieve.untold > had else repeated).append(event)
    return picked, untold, repeated


def _read_evidence(event: EvidenceRecorded, mark: Mark) -> Recorded:
    kind = member_of(EvidenceKind, event.kind)
    return Recorded(mark, kind, event.index, event.credential_hash, tuple(event.signers))


def _read_end(event: seen.ChannelEnded) -> End:
    division = Division(event.to_seller, event.to_payer, event.penalty)
    ending = member_of(ChannelEnding, event.ending)
    return End(ending, event.amount, division, event.penalty_to)
