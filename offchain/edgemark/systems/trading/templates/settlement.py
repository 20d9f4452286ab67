"""Claims of a transaction settlement credential (TSC), and what an interval is billed with.

Source: EFSC IV-B.2, "Transaction Settlement Template"; V-D, phase 2. Pure.

Seller and buyer compute the fee from the same readings (`buyer.checking`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.identifiers import Timestamp, Tokens
from edgemark.identity.did.identifier import Did
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
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.schema import ClaimsRefused
from edgemark.systems.trading.templates.strategies import MAX_BANDS

WHO = "settlement claims"


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


def bill(
    agreed: InitiationClaims, readings: Readings, *, is_first: bool, left: int | None = None
) -> Tokens:
    """What an interval is billed with: what the strategy gives, up to its cap and what is left.

    Units above the cap are nobody's debt later: seller and buyer compute the same, and a seller
    stops in time. The first price is of the channel, and agreed to by itself: no cap is on it. It
    is due with the first units, or the first seconds where time is counted: never for nothing.

    Args:
        agreed: the TIC.
        readings: at both ends.
        is_first: nothing of its channel was billed before.
        left: of the deposit when the interval began; None: there is enough.

    Raises:
        AmountTooLarge: the strategy gives more than an amount can be.
    """
    first = agreed.first_price if is_first else 0
    units = agreed.tariff.compute_fee(readings.before, readings.after, is_first=is_first) - first
    is_served = agreed.specification.meter is Meter.SECONDS or any(readings.after)
    fee = min(units, agreed.interval_cap) + (first if is_served else 0)
    return Tokens(fee if left is None else min(fee, max(left, 0)))
