"""The bills of a channel, computed again from what its credentials say, one after the other. Pure.

A bill begins where the last one ends. Which of them are here is up to who exported them: the first
of a row, and whatever lies in a gap, is told as not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens
from edgemark.receipt.trial import Trial
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.credentials.settlement import check_said
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.story.evidence.bundle import Bundle
from edgemark.systems.trading.story.story import Changed, ChannelStory
from edgemark.systems.trading.templates.initiation import InitiationClaims
from edgemark.systems.trading.templates.readings import Interval, check_readings
from edgemark.systems.trading.templates.settlement import SettlementClaims, bill


class BillStrange(RefusedInput):
    """A settlement does not go on where the last one ended, or has another fee than is due."""


class SettledBill:
    """One settlement, with its claims."""

    def __init__(self, kept: KeptSettlement, claims: SettlementClaims) -> None:
        self.index, self.amount = kept.said.voucher.index, kept.said.voucher.amount
        self.claims = claims

    @property
    def begins_at(self) -> int:
        """What was owed before."""
        return self.amount - self.claims.fee


def try_bills(trial: Trial, bundle: Bundle, deal: Deal) -> None:
    """Check the fee of each settlement, and that amounts and readings never go back.

    Args:
        trial: gets the checks.
        bundle: whose settlements.
        deal: initiation credential and templates, which belong together.
    """
    if deal.claims is None:
        trial.leave("fees and readings", "claims are sealed for the parties of the channel")
        return
    if not bundle.settlements:
        trial.leave("fees and readings", "no settlement is in the bundle")
        return
    agreed, last = deal.agreed, None
    story = bundle.story
    opened_at, deposits = story.opened.time, list(list_deposits(story))
    for kept in bundle.settlements:
        name = f"settlement {kept.said.voucher.index}: fee and readings"
        found = _read(trial, name, kept, deal)
        if found is None:
            last = None
            continue
        if last is None and found.begins_at:
            trial.leave(f"{name} before it", "the settlement before it is not here")
        former = last
        trial.check(
            name,
            lambda found=found, former=former: check_bill(  # type: ignore[misc]
                found, former, agreed, deposits, opened_at
            ),
            f"what {agreed.strategy.NAME} gives",
        )
        last = found


def list_deposits(story: ChannelStory) -> Iterator[int]:
    """What the channel held in deposits, at each time."""
    deposit = story.terms.deposit
    yield deposit
    for deed in story.deeds:
        if isinstance(deed, Changed):
            change = deed.amount if deed.number is None else -deed.amount
            deposit = Tokens(deposit + change)
            yield deposit


def _read(trial: Trial, name: str, kept: KeptSettlement, deal: Deal) -> SettledBill | None:
    clear = kept.said.carried.get("claims")
    if clear is None:
        trial.leave(name, "its claims are sealed for the parties of the channel")
        return None
    try:
        template = deal.templates.settlement
        return SettledBill(kept, check_said(kept.credential, kept.said, clear, template))
    except RefusedInput as error:
        trial.receipt.require(name, False, error, "claims that its template asks for")
        return None


def check_bill(
    found: SettledBill,
    last: SettledBill | None,
    agreed: InitiationClaims,
    deposits: Sequence[int],
    opened_at: int,
) -> None:
    """Check one bill as its buyer had to.

    Args:
        found: the bill.
        last: the one before it, where it is here.
        agreed: of the channel.
        deposits: what the channel held, at each time.
        opened_at: when it was opened; a run may be longer than the interval that pays for it.

    Raises:
        BillStrange, ReadingRefused: it is another than is due.
    """
    if last is not None:
        _check_goes_on(found, last)
    claims = found.claims
    readings, span = claims.readings, claims.end - claims.start
    if not 0 < span <= agreed.interval_s:
        needed = f"1 to {agreed.interval_s} s"
        raise BillStrange("has no such interval", who="settlement", had=f"{span} s", needed=needed)
    interval = Interval(claims.start, claims.end, readings.before, readings.after)
    unit, counted = agreed.specification, sum(readings.after) - sum(readings.before)
    told = {"cores": unit.cores, "counted": max(counted, 0), "since": opened_at}
    check_readings(interval, unit.meter, agreed.strategy, **told)
    is_first = found.begins_at == 0
    due = {
        bill(agreed, readings, is_first=is_first, left=deposit - found.begins_at)
        for deposit in deposits
    }
    if claims.fee not in due:
        needed = " or ".join(map(str, sorted(due)))
        raise BillStrange("is another than is due", who="fee", had=claims.fee, needed=needed)


def _check_goes_on(found: SettledBill, last: SettledBill) -> None:
    """Readings may have moved on where an interval cost nothing; amounts only by a bill."""
    is_next = found.index == last.index + 1
    for what, had, before in (
        ("amount", found.begins_at, last.amount),
        ("time", found.claims.start, last.claims.end),
        *(
            ("register", had, shown)
            for had, shown in zip(
                found.claims.readings.before, last.claims.readings.after, strict=False
            )
        ),
    ):
        if had < before or (is_next and what == "amount" and had != before):
            raise BillStrange(
                f"begins at another {what} than the last one ended with",
                who=f"settlement {found.index}",
                had=had,
                needed=before,
            )
