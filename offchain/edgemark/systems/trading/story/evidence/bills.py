"""The bills of a channel, computed again from what its credentials say, one after the other. Pure.

A bill begins where the last one ends. Which of them are here is up to who exported them: the first
of a row, and whatever lies in a gap, is told as not checked.

Both parties signed the amount of each voucher, its controller alone what the amount is for. So a
claim that does not fit is told against the controller, and the amounts stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens
from edgemark.identity.did.identifier import is_same
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.credentials.settlement import check_said
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.story.evidence.bundle import Bundle
from edgemark.systems.trading.story.evidence.trial import ChannelTrial
from edgemark.systems.trading.story.story import Changed, ChannelStory
from edgemark.systems.trading.templates.initiation import InitiationClaims
from edgemark.systems.trading.templates.readings import Interval, check_readings
from edgemark.systems.trading.templates.settlement import SettlementClaims, bill


class BillStrange(RefusedInput):
    """A settlement does not go on where the last one ended, or has another fee than is due."""


class SettledBill:
    """One settlement: what both signed, and its claims where they fit."""

    def __init__(self, kept: KeptSettlement, claims: SettlementClaims | None = None) -> None:
        self.index, self.amount = kept.said.voucher.index, kept.said.voucher.amount
        self._claims = claims

    @property
    def has_claims(self) -> bool:
        """Whether it is known what it is for."""
        return self._claims is not None

    @property
    def claims(self) -> SettlementClaims:
        """What it is for, as its controller says."""
        if self._claims is None:
            raise LookupError("a bill whose claims are sealed or false has none")
        return self._claims

    @property
    def begins_at(self) -> int:
        """What was owed before."""
        return self.amount - self.claims.fee


def try_bills(trial: ChannelTrial, bundle: Bundle, deal: Deal) -> None:
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
    deposits, last = frozenset(list_deposits(bundle.story)), None
    for kept in bundle.settlements:
        found = _read(trial, kept, last, deal, bundle.story.opened.time)
        if last is not None and found.amount < last.amount:
            name = f"settlement {found.index}: amount"
            trial.receipt.require(name, False, found.amount, f">= {last.amount}, owed before")
        if found.has_claims:
            _tell_gap(trial, found, last)
            _tell_cut(trial, found, deal.agreed, deposits)
        last = found


def _read(
    trial: ChannelTrial,
    kept: KeptSettlement,
    last: SettledBill | None,
    deal: Deal,
    opened_at: int,
) -> SettledBill:
    """A settlement, with its claims if they are in the clear and fit."""
    name = f"settlement {kept.said.voucher.index}: fee and readings"
    clear, fit = kept.said.carried.get("claims"), []
    if clear is None:
        trial.leave(name, "its claims are sealed for the parties of the channel")
        return SettledBill(kept)

    def work() -> None:
        claims = check_said(kept.credential, kept.said, clear, deal.templates.settlement)
        _check_parties(kept, deal)
        found = SettledBill(kept, claims)
        check_bill(found, last, deal.agreed, opened_at)
        fit.append(found)

    needed = f"what {deal.agreed.strategy.NAME} gives"
    proven = f"both signed that {kept.said.voucher.amount} are owed in all"
    return fit[0] if trial.weigh(name, work, needed, proven=proven) else SettledBill(kept)


def _check_parties(kept: KeptSettlement, deal: Deal) -> None:
    for role, had in ((Role.SELLER, kept.said.seller), (Role.BUYER, kept.said.buyer)):
        if not is_same(had, deal.dids[role]):
            needed = deal.dids[role]
            raise BillStrange("is another", who=role.value, had=had, needed=needed)


def _tell_gap(trial: ChannelTrial, found: SettledBill, last: SettledBill | None) -> None:
    """What is owed from bills that are not here."""
    name, begun = f"settlement {found.index}: fee and readings", found.begins_at
    if last is None and begun:
        trial.leave(f"{name} before it", "the settlement before it is not here")
    elif last is not None and begun > last.amount:
        between = f"from index {last.index} to {found.index}, of {begun - last.amount} in all"
        trial.leave(f"{name} before it", f"settlements {between}, are not here")


def _tell_cut(
    trial: ChannelTrial,
    found: SettledBill,
    agreed: InitiationClaims,
    deposits: Collection[int],
) -> None:
    """A seller that signs a reduction bills within it, whether or not it is ever brought."""
    fee, full = found.claims.fee, compute_full(found, agreed)
    if fee < full and found.amount not in deposits:
        trial.leave(
            f"settlement {found.index}: why its fee is {fee}, and not {full}",
            "no deposit on chain ends there; both signed it, as where a reduction is never brought",
        )


def list_deposits(story: ChannelStory) -> Iterator[int]:
    """What the channel held in deposits, at each time."""
    deposit = story.terms.deposit
    yield deposit
    for deed in story.deeds:
        if isinstance(deed, Changed):
            change = deed.amount if deed.number is None else -deed.amount
            deposit = Tokens(deposit + change)
            yield deposit


def compute_full(found: SettledBill, agreed: InitiationClaims) -> int:
    """What the strategy gives for these readings, whatever was deposited."""
    return bill(agreed, found.claims.readings, is_first=found.begins_at == 0)


def check_bill(
    found: SettledBill, last: SettledBill | None, agreed: InitiationClaims, opened_at: int
) -> None:
    """Check one bill as its buyer had to.

    Args:
        found: the bill, with its claims.
        last: the one before it, where it is here.
        agreed: of the channel.
        opened_at: when it was opened; a run may be longer than the interval that pays for it.

    Raises:
        BillStrange, ReadingRefused: it is another than is due, or more.
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
    full = compute_full(found, agreed)
    if not 0 < claims.fee <= full:
        needed = f"{full}, or less where a deposit ends"
        raise BillStrange("is another than is due", who="fee", had=claims.fee, needed=needed)


def _check_goes_on(found: SettledBill, last: SettledBill) -> None:
    """Readings may have moved on where an interval cost nothing; amounts only by a bill."""
    is_next, had = found.index == last.index + 1, found.claims
    told: list[tuple[str, int, int]] = [("amount", found.begins_at, last.amount)]
    if last.has_claims:
        shown = zip(had.readings.before, last.claims.readings.after, strict=False)
        told += [("time", had.start, last.claims.end)]
        told += [("register", *each) for each in shown]
    for what, begun, before in told:
        if begun < before or (is_next and what == "amount" and begun != before):
            raise BillStrange(
                f"begins at another {what} than the last one ended with",
                who=f"settlement {found.index}",
                had=begun,
                needed=before,
            )
