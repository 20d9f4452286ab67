"""The life of one channel as the chain tells it: pure values, the same for everybody who looks.

A `ChannelStory` holds what happened until one block; it needs no key and no journal. `reading.py`
reads one, `telling.py` puts it into words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from edgemark.chronicle.marks import AmountCheck, Credit, Mark, Pot, add_up
from edgemark.chronicle.steps import ANYONE, NextStep, after, until_expiry
from edgemark.identifiers import NO_TIME, NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.amounts import Division, End, divide
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase, Signers
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId

BY_CLOSER = {
    ChannelPhase.CLOSING_BY_PAYER: "the payer",
    ChannelPhase.CLOSING_BY_SELLER: "the seller",
    ChannelPhase.CLOSING_BY_OTHER: "a stranger",
}


@dataclass(frozen=True)
class Changed:
    """The payer added to the deposit, or by agreement `number` took unused deposit back."""

    mark: Mark
    amount: Tokens
    number: int | None = None


@dataclass(frozen=True)
class PaidUp:
    """The seller had `paid` in all from then on, by voucher `index`, or by an amendment (0)."""

    mark: Mark
    index: int
    paid: Tokens


@dataclass(frozen=True)
class Amended:
    """Others signed, or issued, from then on."""

    mark: Mark
    number: int
    signers: Signers


@dataclass(frozen=True)
class Recorded:
    """Evidence of the first credential, or of the settlement credential of an index.

    Anybody may record any for any channel: whose it is, its signers alone say.

    Attributes:
        signers: whom the chain recovered.
    """

    mark: Mark
    kind: EvidenceKind
    index: int
    credential_hash: Hash32
    signers: tuple[Address, ...]


@dataclass(frozen=True)
class Window:
    """Somebody closed the channel, and it was waited for larger amounts."""

    mark: Mark
    closer: Address
    phase: ChannelPhase
    amount: Tokens
    deadline: Timestamp


@dataclass(frozen=True)
class Shown:
    """A larger amount, or a newer delegation, was shown in the window."""

    mark: Mark
    sender: Address
    amount: Tokens
    tower: Address
    number: int


@dataclass(frozen=True)
class Ended:
    """The escrow said what everybody gets of what was held."""

    mark: Mark
    end: End


Deed = Changed | PaidUp | Amended | Recorded | Window | Shown | Ended
Whose = frozenset[tuple[EvidenceKind, tuple[Address, ...]]]
"""Kinds of evidence, each with those who have to have signed it, in order."""


@dataclass(frozen=True)
class ChannelStory:
    """One channel until block `as_of`.

    Attributes:
        deeds: in the order of the chain.
        pots: of the channel's lock, one: the payer's deposit and bond.
        credits: what was paid out of it while the channel was open; `last`: at its end.
        as_of, now: the last block that was looked at, and its time.
        untold: evidence by strangers that is not among the deeds: the first few are.
        repeated: evidence of an index beyond the first two that its signers let be recorded, which
            are among the deeds: two say all that there is to say.
    """

    chain_id: int
    escrow: Address
    channel: ChannelId
    terms: Terms
    opened: Mark
    deeds: tuple[Deed, ...]
    pots: tuple[Pot, ...]
    credits: tuple[Credit, ...]
    last: tuple[Credit, ...]
    as_of: int
    now: Timestamp
    untold: int = 0
    repeated: int = 0

    @property
    def ended(self) -> Ended | None:
        """How it ended, if it did."""
        return next((deed for deed in self.deeds if isinstance(deed, Ended)), None)

    @property
    def window(self) -> Window | None:
        """The window that runs or ran; a channel has one at most."""
        return next((deed for deed in self.deeds if isinstance(deed, Window)), None)

    @property
    def shown(self) -> tuple[Shown, ...]:
        """What was shown in it."""
        return tuple(deed for deed in self.deeds if isinstance(deed, Shown))

    @property
    def evidence(self) -> tuple[Recorded, ...]:
        """All of its own that stands on chain by itself, not under a root.

        Its own is what both parties signed by their accounts, of the first credential; by the keys
        of a time, with the controller of that time, of a settlement.
        """
        own = self.own_signers
        return tuple(each for each in self._recorded if (each.kind, each.signers) in own)

    @property
    def strangers(self) -> tuple[Recorded, ...]:
        """What others recorded of this channel: of no account."""
        own = self.own_signers
        return tuple(each for each in self._recorded if (each.kind, each.signers) not in own)

    @cached_property
    def own_signers(self) -> Whose:
        """Whose evidence counts, by its kind, at whatever time of the channel."""
        amended = (deed.signers for deed in self.deeds if isinstance(deed, Amended))
        return find_own_signers(self.terms, amended)

    @property
    def _recorded(self) -> Iterator[Recorded]:
        return (deed for deed in self.deeds if isinstance(deed, Recorded))

    @property
    def phase(self) -> ChannelPhase:
        """Phase on chain."""
        if self.ended is not None:
            return ChannelPhase.ENDED
        return ChannelPhase.OPEN if self.window is None else self.window.phase

    @property
    def is_returned(self) -> bool:
        """Whether the anchor gave back what was left, as the lock had expired."""
        return any(pot.returned is not None for pot in self.pots)

    @property
    def deposit(self) -> int:
        """All that was deposited, less what went back by agreement."""
        changes = (deed for deed in self.deeds if isinstance(deed, Changed))
        added = sum(deed.amount for deed in changes if deed.number is None)
        return self.terms.deposit + added - self.reduced

    @property
    def reduced(self) -> int:
        """What went back to the payer by agreement, while it was open."""
        changes = (deed for deed in self.deeds if isinstance(deed, Changed))
        return sum(deed.amount for deed in changes if deed.number is not None)

    @property
    def paid(self) -> int:
        """What the seller had before the end."""
        return max((deed.paid for deed in self.deeds if isinstance(deed, PaidUp)), default=0)

    @property
    def received(self) -> int:
        """What the seller has of the channel, its end included."""
        return self.paid if self.ended is None else self.ended.end.amount

    @property
    def counted(self) -> int:
        """What the seller gets, or got, in all if nothing more was shown."""
        window = self.window
        closed = window.amount if window is not None else 0
        return max(self.paid, closed, *(deed.amount for deed in self.shown), 0)

    @property
    def is_answered(self) -> bool:
        """Whether more was shown than the closer said."""
        return self.window is not None and self.counted > max(self.window.amount, self.paid)

    @property
    def signers(self) -> Signers:
        """In force at the end of the story."""
        amended = [deed.signers for deed in self.deeds if isinstance(deed, Amended)]
        return amended[-1] if amended else self.terms.signers

    def name_of(self, account: Address) -> str:
        """The role of an account in this channel."""
        names = {self.terms.payer: "payer", self.terms.seller: "seller"}
        names |= {self.signers.controller: "controller"} | names
        if account not in names and any(deed.tower == account for deed in self.shown):
            return "tower"
        return names.get(account, account)


def find_own_signers(terms: Terms, amended: Iterable[Signers]) -> Whose:
    """Whose evidence counts for a channel.

    Args:
        terms: of it.
        amended: who signed later, by its amendments.
    """
    first = (EvidenceKind.INITIATION, (terms.payer, terms.seller))
    times = [terms.signers, *amended]
    settled = ((EvidenceKind.SETTLEMENT, (*each.keys, each.controller)) for each in times)
    return frozenset({first, *settled})


def check_amounts(story: ChannelStory) -> tuple[AmountCheck, ...]:
    """Compare what was paid with what was said, and the end with the table of amounts.

    What is computed is `contract.amounts.divide` of what the events before the end say alone.
    """
    checks = []
    said = {story.terms.seller: story.paid, story.terms.payer: story.reduced}
    due = {account: amount for account, amount in said.items() if amount}
    if due or story.credits:
        checks.append(AmountCheck("while it was open", add_up(story.credits), due))
    ended = story.ended
    if ended is not None and ended.end.ending is not ChannelEnding.LAPSED:
        computed = compute_end(story)
        due = computed.credits(story.terms.payer, story.terms.seller)
        what = f"ended {computed.ending.name.lower()}"
        checks.append(AmountCheck(what, add_up(story.last), due))
    return tuple(checks)


def compute_end(story: ChannelStory) -> End:
    """How it ended, by the table of amounts, from the phase before and the amount of the end.

    Raises:
        LookupError: it has not ended.
    """
    ended = story.ended
    if ended is None:
        raise LookupError("a channel that is open has no end")
    phase = ChannelPhase.OPEN if story.window is None else story.window.phase
    held = story.deposit - story.paid + story.terms.bond
    amount = ended.end.amount if story.window is None else story.counted
    division = divide(
        held, amount - story.paid, story.terms.bond, phase, is_answered=story.is_answered
    )
    return End(ended.end.ending, amount, division, _find_payee(story, division))


def _find_payee(story: ChannelStory, division: Division) -> Address:
    """Whom the penalty goes to: the victim's tower of the highest number shown, else the victim."""
    if not division.penalty or story.window is None:
        return NOBODY
    newest = max(story.shown, key=lambda deed: deed.number)
    if newest.number:
        return newest.tower
    by_seller = story.window.phase is ChannelPhase.CLOSING_BY_SELLER
    return story.terms.payer if by_seller else story.terms.seller


def find_next_steps(story: ChannelStory) -> tuple[NextStep, ...]:
    """Whatever the contracts still allow, now or later."""
    deadline = NO_TIME if story.window is None else story.window.deadline
    return until_expiry(list_steps(story.phase, story.terms, deadline), story.pots, story.now)


def list_steps(phase: ChannelPhase, terms: Terms, deadline: Timestamp) -> list[NextStep]:
    """What the escrow allows in a phase, as long as it holds anything.

    Args:
        phase: on chain.
        terms: of the channel.
        deadline: of the window, where one runs.
    """
    if phase is ChannelPhase.OPEN:
        return list(_steps_while_open(terms))
    if not phase.is_closing:
        return []
    signed = "anyone with a larger amount that the payer signed"
    return [
        NextStep(0, "respond", signed, NO_TIME, deadline),
        NextStep(0, "settle", ANYONE, after(deadline)),
    ]


def _steps_while_open(terms: Terms) -> Iterator[NextStep]:
    served, last = terms.expires_at, terms.close_by
    yield NextStep(0, "topUp", "payer", NO_TIME, served)
    yield NextStep(0, "reduce", "both, by their signatures", NO_TIME, last)
    yield NextStep(0, "checkpoint", "anyone with a voucher that both signed", NO_TIME)
    yield NextStep(0, "amend", "both, by their signatures", NO_TIME, served)
    yield NextStep(0, "closeTogether", "both, by their signatures", NO_TIME, last)
    yield NextStep(0, "close", "seller with a voucher, or payer", NO_TIME, last)
    yield NextStep(0, "closeBare", "payer or seller", NO_TIME, last)
    yield NextStep(0, "closeBare", ANYONE, after(terms.expires_at), last)
    yield NextStep(0, "endUnclosed", ANYONE, after(last))
