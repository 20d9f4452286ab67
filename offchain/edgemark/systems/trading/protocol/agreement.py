"""What seller and buyer agreed on, and what an interval of work may cost under it. Pure.

| paper (EFSC)                            | here                                                  |
|-----------------------------------------|-------------------------------------------------------|
| IV-B.1 initiation credential (TIC)      | `Agreement`: channel, terms, `Conditions`             |
| IV-B.2 settlement strategy              | `Pricing`: what `templates` say of a TIC's readings   |
| IV-B.2 start, end, meter readings       | `Readings`: registers, counted since the opening      |

Amounts are in the token's smallest unit, times in Unix seconds of chain time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from itertools import zip_longest

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import NO_TIME, Address, Timestamp, Tokens
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.templates import settlement
from edgemark.systems.trading.templates.initiation import InitiationClaims
from edgemark.systems.trading.templates.readings import (
    Interval,
    Meter,
    check_readings,
    compute_bounds,
)
from edgemark.systems.trading.templates.strategies import MAX_BANDS

NO_TOKENS = Tokens(0)
MAX_REGISTERS = MAX_BANDS

Registers = tuple[int, ...]
"""What a meter shows, or by how much it grew; () where nothing was counted yet."""


class Reason(IntEnum):
    """Why a channel ended, truly: what came first. It is also what a party says when it stops."""

    NONE = 0  # it goes on
    ASKED_BY_BUYER = 1
    ASKED_BY_SELLER = 2
    EXPIRED = 3  # the time of service that was agreed
    OVERDRAWN = 4  # the deposit was used up, and no more came
    VOUCHER_LATE = 5  # work was done, and the voucher for it did not come
    PROPOSAL_WRONG = 6  # the seller signed a bill that can never be right
    CONTROLLER_LOST = 7  # its controller is gone, and the other did not name the next one
    DISK_LOST = 8  # the buyer knows no more than the chain
    CLOSED_BY_BUYER = 9  # on chain, before anybody had stopped
    CLOSED_BY_SELLER = 10
    CLOSED_BY_OTHER = 11  # after `expires_at` anyone may
    NOBODY_CLOSED = 12  # by `close_by`
    NEVER_OPENED = 13  # in the time for which its terms were signed
    OPENING_REFUSED = 14  # by the chain
    CLOSED_TOGETHER = 15  # on chain, before anybody had said so here


class Pause(IntEnum):
    """Why no new work is taken at the moment; each may pass, but `NOT_OPEN` and `OVER`."""

    NONE = 0
    BLOCKS_STOPPED = 1  # the newest block is old: a close may have been missed
    VOUCHER_LATE = 2  # the grace is over
    CREDIT_USED = 3  # what is not signed yet is more than the credit
    INTERVAL_FULL = 4  # with this work the interval could cost more than its cap
    OVERDRAWN = 5  # with this work more could be owed than is deposited
    BUSY = 6  # as much is under way as is taken
    PARTS_MISSING = 7  # its data is not here, or not any more
    NOT_OPEN = 8  # not on chain, or no more
    OVER = 9  # service has stopped
    CHAIN_SLOW = 10  # blocks come so slowly that a close could not be answered in its window


class Fault(IntEnum):
    """What is wrong with a bill that its seller signed, however often it is looked at."""

    FEE = 1  # the strategy gives another
    CAP = 2  # an interval costs more than its cap
    AMOUNT = 3  # it begins at no amount that was signed, or falls
    TIME = 4  # its interval is too long, ends before it begins, or begins before the last one ended
    READINGS = 5  # they do not go on where the last ones ended, or no meter can show them


@dataclass(frozen=True)
class Conditions:
    """What the initiation credential fixes beside the terms on chain.

    Args:
        interval_s: after which a voucher is proposed, >= 1.
        cap: most that one interval costs.
        credit: most that may be served for beyond it without a voucher.
        grace_s: for which new work is taken while a voucher is awaited.
        cycles: credentials between two evidences; `most_cycles`: at most.
    """

    interval_s: int
    cap: Tokens
    credit: Tokens
    grace_s: int
    cycles: int
    most_cycles: int

    @classmethod
    def of(cls, agreed: InitiationClaims) -> Conditions:
        """Of the claims of an initiation credential."""
        return cls(
            agreed.interval_s,
            agreed.interval_cap,
            agreed.credit,
            agreed.grace_s,
            agreed.cycles,
            agreed.max_cycles,
        )


@dataclass(frozen=True)
class Agreement:
    """One channel: its id is the hash of its terms with chain and escrow."""

    channel: ChannelId
    terms: Terms
    conditions: Conditions


class OfChannel:
    """Who remembers a channel: by its agreement, and by who signs for it on chain."""

    agreement: Agreement | None
    signers: Signers | None

    @property
    def known(self) -> Agreement:
        """What was agreed on; every phase but UNKNOWN has it."""
        if self.agreement is None:
            raise LookupError("a channel nobody heard of has no terms")
        return self.agreement

    @property
    def in_force(self) -> Signers:
        """Who signs and who issues, and the controller's epoch."""
        return self.signers or self.known.terms.signers


@dataclass(frozen=True)
class Policy:
    """What one party decides for itself.

    Args:
        margin_s: before `expires_at`, at which service stops.
        patience_s: with the other, after the grace, before the channel is ended without it.
        valid_s: for which a proposal may be countersigned.
        checkpoint_above: what is signed and not paid, at which the seller brings it to the chain.
        warn_below: what is left of the deposit, at which the seller warns.
        stale_after_s: age of the newest block, beyond which nothing is countersigned or begun.
        lock_grace_s: of the escrow: from the last possible window to the expiry of the lock.
        controllers: whom it takes as the next controller.
    """

    margin_s: int
    patience_s: int
    valid_s: int
    checkpoint_above: Tokens
    warn_below: Tokens
    stale_after_s: int
    lock_grace_s: int
    controllers: tuple[Address, ...] = ()


@dataclass(frozen=True)
class Opening:
    """A party's word for the terms: EIP-712 `Opening`, by its account."""

    valid_until: Timestamp
    signature: bytes = field(repr=False)


def later(since: Timestamp, at: Timestamp) -> Timestamp:
    """A time that has begun, begun anew at `at`; one that has not stays so."""
    return since if since == NO_TIME else max(since, at)


def plus(first: Registers, second: Registers) -> Registers:
    """Both together, register by register."""
    return tuple(a + b for a, b in zip_longest(first, second, fillvalue=0))


@dataclass(frozen=True)
class Readings:
    """One interval, as it stands in a settlement credential.

    Attributes:
        start, end: of it.
        before, after: what the meter showed then, counted since the opening.
    """

    start: Timestamp
    end: Timestamp
    before: Registers
    after: Registers

    @property
    def units(self) -> int:
        """By how much all registers grew together."""
        return sum(self.after) - sum(self.before)


@dataclass(frozen=True)
class Pricing:
    """What the readings of a channel cost, and can be: its initiation credential by the templates.

    It stands in no journal: whoever reads the credential hands it in.
    """

    agreed: InitiationClaims

    @property
    def zero(self) -> Registers:
        """What a meter shows at the opening."""
        return (0,) * self.agreed.strategy.registers

    @property
    def counts_time(self) -> bool:
        """Whether the meter runs with the clock, whatever is asked for."""
        return self.agreed.specification.meter is Meter.SECONDS

    @property
    def first_price(self) -> int:
        """Owed once, with the first interval; no cap is on it."""
        return self.agreed.first_price

    def read(
        self, start: int, end: int, before: Registers, used: Registers, since: int
    ) -> Readings:
        """What the meter shows of an interval: what was used, and never more than can be.

        Args:
            start: of the interval.
            end: of it.
            before: what it showed at the start.
            used: all that was used since the opening; of no concern where time is counted.
            since: when the channel was opened.
        """
        times = Timestamp(start), Timestamp(end)
        meter, strategy = self.agreed.specification.meter, self.agreed.strategy
        grown = [max(0, all_ - had) for had, all_ in zip_longest(before, used, fillvalue=0)]
        interval = Interval(*times, before, before)
        cores = self.agreed.specification.cores
        counted = sum(grown)
        most = compute_bounds(interval, meter, strategy, cores=cores, counted=counted, since=since)
        shown = most if self.counts_time else map(min, grown, most)
        return Readings(*times, before, plus(before, tuple(shown)))

    def price(self, readings: Readings) -> int:
        """What an interval costs by the strategy alone: without cap and first price."""
        return self.agreed.tariff.compute_fee(readings.before, readings.after)

    def bill(self, readings: Readings, *, is_first: bool, left: int | None) -> Tokens:
        """What it is billed with: see `templates.settlement.bill`."""
        shown = settlement.Readings(readings.before, readings.after)
        return settlement.bill(self.agreed, shown, is_first=is_first, left=left)

    def check(self, readings: Readings, since: int) -> None:
        """Check that a meter can show this; what the buyer counts it compares by itself.

        Args:
            readings: of an interval.
            since: when the channel was opened.

        Raises:
            ReadingRefused: it cannot.
        """
        interval = Interval(readings.start, readings.end, readings.before, readings.after)
        unit, strategy = self.agreed.specification, self.agreed.strategy
        counted = max(0, readings.units)
        told = {"cores": unit.cores, "counted": counted, "since": since}
        check_readings(interval, unit.meter, strategy, **told)


@dataclass(frozen=True)
class Head:
    """What a party knows of time.

    Args:
        clock: its own.
        block: time of the newest block that it sees.
    """

    clock: int
    block: int


class BlocksStopped(LedgerUnavailable):
    """The newest block is old: a close may have been missed."""


def check_fresh(head: Head, stale_after_s: int) -> None:
    """Check that the chain goes on.

    Raises:
        BlocksStopped: its newest block is older than the bound.
    """
    if (age := head.clock - head.block) > stale_after_s:
        raise BlocksStopped(
            "newest block is old",
            who="chain",
            had=f"{age} s",
            needed=f"<= {stale_after_s} s",
            remedy="Nothing is signed and no work begun until blocks come again.",
        )
