"""Claims of a transaction settlement credential (TSC), and what a buyer checks before it signs.

Source: EFSC IV-B.2, "Transaction Settlement Template"; V-D, phase 2. Pure.

The buyer computes the fee again from the readings; from its own clock and its own counts it bounds
what the readings can be. It signs no other amount than what was owed before and this fee.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.identity.did.identifier import Did, is_same
from edgemark.systems.trading.templates.fields import (
    Encryption,
    Field,
    Label,
    TemplateKind,
    parse_amount,
    parse_choice,
    parse_count,
    parse_fields,
    parse_label,
    parse_list,
    parse_object,
    parse_party,
    parse_second,
)
from edgemark.systems.trading.templates.initiation import InitiationClaims
from edgemark.systems.trading.templates.readings import Interval, check_readings, check_times
from edgemark.systems.trading.templates.schema import ClaimsRefused
from edgemark.systems.trading.templates.strategies import MAX_BANDS

WHO = "settlement claims"


class SettlementRefused(RefusedInput):
    """A settlement is not the one that its channel is at."""


class FeeWrong(RefusedInput):
    """The strategy gives another fee for these readings."""


@dataclass(frozen=True)
class Readings:
    """What the meter showed at both ends, by register."""

    before: tuple[int, ...]
    after: tuple[int, ...]


def parse_readings(value: Any) -> Readings:
    """Registers: `{"before": ["0"], "after": ["1200"]}`."""
    parts = parse_object(value, {"before", "after"})
    before, after = (
        tuple(map(parse_count, parse_list(parts[name], MAX_BANDS))) for name in ("before", "after")
    )
    return Readings(before, after)


FIELDS = (
    Field("template", "object", parse_label, "which template", is_fixed=True),
    Field("seller", "string", parse_party, "DID of the seller", is_fixed=True),
    Field("buyer", "string", parse_party, "DID of the buyer"),
    Field("fee", "string", parse_amount, "tokens for the interval"),
    Field("start", "integer", parse_second, "Unix second at which the interval begins"),
    Field("end", "integer", parse_second, "Unix second at which it is over"),
    Field("readings", "object", parse_readings, "registers of the meter at both ends"),
    Field("encryption", "string", parse_choice(Encryption), "how claims travel"),
)


@dataclass(frozen=True)
class SettlementClaims:
    """What a TSC says, in the order of `FIELDS`."""

    template: Label
    seller: Did
    buyer: Did
    fee: Tokens
    start: Timestamp
    end: Timestamp
    readings: Readings
    encryption: Encryption


def parse_settlement(claims: Mapping[str, Any]) -> SettlementClaims:
    """Parse the claims of a TSC.

    Raises:
        RefusedInput: a field is missing, of another type or out of its range.
    """
    found = SettlementClaims(*parse_fields(claims, FIELDS, WHO))
    if found.template.kind is not TemplateKind.SETTLEMENT:
        needed = "a template of kind settlement"
        raise ClaimsRefused("is refused", who=WHO, had=found.template, needed=needed)
    if len(found.readings.before) != len(found.readings.after):
        had = f"{len(found.readings.before)} and {len(found.readings.after)} registers"
        raise ClaimsRefused("is refused", who=f"{WHO}, readings", had=had, needed="as many")
    return found


@dataclass(frozen=True)
class Settled:
    """Where a channel is: what the last settlement left.

    Attributes:
        index: of its voucher; 0: there was none.
        amount: all that is owed so far.
        end: of the interval; of a new channel, when it was opened.
        registers: of the meter; of a new channel all 0.
    """

    index: int
    amount: Tokens
    end: Timestamp
    registers: tuple[int, ...]


def begin(agreed: InitiationClaims, opened_at: Timestamp) -> Settled:
    """Where a channel is that was just opened."""
    return Settled(0, Tokens(0), opened_at, (0,) * agreed.strategy.registers)


def check_settlement(
    agreed: InitiationClaims,
    claims: SettlementClaims,
    last: Settled,
    *,
    now: int,
    counted: int = 0,
    left: int | None = None,
) -> Settled:
    """What a buyer checks before it signs.

    Args:
        agreed: the TIC of the channel.
        claims: that the seller proposes.
        last: where the channel is.
        now: the buyer's own clock.
        counted: units that the buyer counted itself since the last settlement, where both count.
        left: of the deposit when the interval began; None: there is enough.

    Returns:
        where the channel is after it; its amount is what the voucher says.

    Raises:
        SettlementRefused: of other parties, another template or encryption, or readings that do not
            go on where the last ones ended.
        IntervalRefused, ReadingRefused: as `check_times` and `check_readings`.
        FeeWrong: the fee is another than `bill` gives, so also one above the cap.
        AmountTooLarge: all that is owed is more than an amount can be.
    """
    _check_same_channel(agreed, claims, last)
    readings = claims.readings
    interval = Interval(claims.start, claims.end, readings.before, readings.after)
    check_times(interval, not_before=last.end, most_s=agreed.interval_s, now=now)
    unit = agreed.specification
    check_readings(interval, unit.meter, agreed.strategy, cores=unit.cores, counted=counted)
    fee = bill(agreed, readings, is_first=last.index == 0, left=left)
    if claims.fee != fee:
        needed = f"{fee}, by the strategy {agreed.strategy.NAME}, cap and deposit"
        raise FeeWrong("is another than is due", who="fee", had=claims.fee, needed=needed)
    return Settled(last.index + 1, Tokens(last.amount + fee), claims.end, readings.after)


def bill(
    agreed: InitiationClaims, readings: Readings, *, is_first: bool, left: int | None = None
) -> Tokens:
    """What an interval is billed with: what the strategy gives, up to its cap and what is left.

    Units above the cap are nobody's debt later: seller and buyer compute the same, and a seller
    stops in time. The first price is of the channel, and agreed to by itself: no cap is on it.

    Args:
        agreed: the TIC.
        readings: at both ends.
        is_first: of its channel.
        left: of the deposit when the interval began; None: there is enough.

    Raises:
        AmountTooLarge: the strategy gives more than an amount can be.
    """
    first = agreed.first_price if is_first else 0
    units = agreed.tariff.compute_fee(readings.before, readings.after, is_first=is_first) - first
    fee = min(units, agreed.interval_cap) + first
    return Tokens(fee if left is None else min(fee, max(left, 0)))


def _check_same_channel(agreed: InitiationClaims, claims: SettlementClaims, last: Settled) -> None:
    for name, party, agreed_party in (
        ("seller", claims.seller, agreed.seller),
        ("buyer", claims.buyer, agreed.buyer),
    ):
        if not is_same(party, agreed_party):
            raise _refuse("is of a stranger to this channel", name, party, agreed_party)
    if claims.template.version != agreed.settlement.version:
        needed = f"version {agreed.settlement.version}, as the initiation credential has it"
        raise _refuse("follows another template", "template", claims.template, needed)
    if claims.encryption is not agreed.encryption:
        raise _refuse(
            "travels otherwise", "encryption", claims.encryption.value, agreed.encryption.value
        )
    if claims.readings.before != last.registers:
        had = list(claims.readings.before)
        what = "do not go on where the last ones ended"
        raise _refuse(what, "readings", had, list(last.registers))


def _refuse(what: str, field: str, had: object, needed: object) -> SettlementRefused:
    return SettlementRefused(what, who=f"{WHO}, {field}", had=had, needed=needed)
