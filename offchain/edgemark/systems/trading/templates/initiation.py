"""Claims of a transaction initiation credential (TIC): what both agree to before a channel opens.

Source: EFSC IV-B.2, "Transaction Initiation Template"; interval, N, grace, credit and cap are ours:
the paper has no money. Pure.

The strategy in claims, by its name:

    {"name": "flat"}                             {"name": "metered"}
    {"name": "time-of-day", "bands": [{"begins": 0, "weight": 800}, {"begins": 28800, ...}]}
    {"name": "tiers", "tiers": [{"upTo": "1000000", "weight": 1000}, {"weight": 700}]}
    {"name": "bonus", "every": "100", "free": "10"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.identifiers import Hash32, Tokens
from edgemark.identity.did.identifier import Did, is_same
from edgemark.systems.trading.templates.fields import (
    MAX_DURATION_S,
    MAX_VERSION,
    Encryption,
    Field,
    Label,
    TemplateKind,
    parse_amount,
    parse_choice,
    parse_count,
    parse_fields,
    parse_hash,
    parse_label,
    parse_list,
    parse_object,
    parse_party,
    parse_whole,
)
from edgemark.systems.trading.templates.readings import MAX_CORES, Meter
from edgemark.systems.trading.templates.schema import ClaimsRefused
from edgemark.systems.trading.templates.strategies import (
    DAY_S,
    MAX_BANDS,
    MAX_TIERS,
    MAX_WEIGHT,
    Band,
    Bonus,
    Flat,
    Metered,
    Strategy,
    Tariff,
    Tier,
    Tiers,
    TimeOfDay,
)

MAX_CYCLES = 1_000_000  # of N: a minute's intervals of two years
WHO = "initiation claims"


@dataclass(frozen=True)
class Specification:
    """What is sold, and in which unit.

    Attributes:
        meter: what is counted.
        per: how many units have the unit price.
        cores: that serve the buyer; bounds the meter of CPU time.
        others: what else the seller says of it.
    """

    meter: Meter
    per: int
    cores: int
    others: Mapping[str, Any]


@dataclass(frozen=True)
class SettlementTemplate:
    """The TST of a channel: its version, and the Keccak-256 of its text."""

    version: int
    content_hash: Hash32


def parse_specification(value: Any) -> Specification:
    """Meter, unit, cores, and what the template adds."""
    if not isinstance(value, dict):
        raise ClaimsRefused("is refused", had=type(value).__name__, needed="an object")
    known = {name: value[name] for name in ("meter", "per", "cores") if name in value}
    parts = parse_object(known, {"meter", "per", "cores"})
    per = parse_per(parts["per"])
    others = {name: part for name, part in value.items() if name not in known}
    cores = parse_whole(1, MAX_CORES)(parts["cores"])
    return Specification(parse_choice(Meter)(parts["meter"]), per, cores, others)


def parse_per(value: Any) -> int:
    """How many units have the unit price: one at least, for prices are divided by it."""
    per = parse_count(value)
    if per < 1:
        raise ClaimsRefused("is refused", who="per", had=per, needed=">= 1")
    return per


def check_open(part: Mapping[str, Any]) -> None:
    """Check the constants inside a specification that a template leaves open.

    Args:
        part: schema of the specification.

    Raises:
        RefusedInput: one of them is nothing that claims can say.
    """
    of = {"meter": parse_choice(Meter), "per": parse_per, "cores": parse_whole(1, MAX_CORES)}
    for name, parse in of.items():
        known = part.get("properties", {}).get(name, {})
        if "const" in known:
            parse(known["const"])


def parse_strategy(value: Any) -> Strategy:
    """A strategy by its name.

    Raises:
        ClaimsRefused: another name, or other parts.
        StrategyInvalid: its parts are out of their bounds.
    """
    name = value.get("name") if isinstance(value, dict) else None
    match name:
        case Flat.NAME | Metered.NAME:
            parse_object(value, {"name"})
            return Flat() if name == Flat.NAME else Metered()
        case TimeOfDay.NAME:
            bands = parse_list(parse_object(value, {"name", "bands"})["bands"], MAX_BANDS)
            return TimeOfDay(tuple(map(_parse_band, bands)))
        case Tiers.NAME:
            tiers = parse_list(parse_object(value, {"name", "tiers"})["tiers"], MAX_TIERS)
            return Tiers(tuple(map(_parse_tier, tiers)))
        case Bonus.NAME:
            parts = parse_object(value, {"name", "every", "free"})
            return Bonus(parse_count(parts["every"]), parse_count(parts["free"]))
        case _:
            known = ", ".join(each.NAME for each in (Flat, Metered, TimeOfDay, Tiers, Bonus))
            raise ClaimsRefused("is no strategy", had=str(name)[:40], needed=known)


def _parse_band(value: Any) -> Band:
    parts = parse_object(value, {"begins", "weight"})
    return Band(parse_whole(0, DAY_S - 1)(parts["begins"]), _parse_weight(parts["weight"]))


def _parse_tier(value: Any) -> Tier:
    parts = parse_object(value, {"weight"}, frozenset({"upTo"}))
    up_to = parse_count(parts["upTo"]) if "upTo" in parts else None
    return Tier(up_to, _parse_weight(parts["weight"]))


_parse_weight = parse_whole(0, MAX_WEIGHT)


def parse_settlement_template(value: Any) -> SettlementTemplate:
    """Which TST: `{"version": 1, "contentHash": "0x..."}`."""
    parts = parse_object(value, {"version", "contentHash"})
    version = parse_whole(1, MAX_VERSION)(parts["version"])
    return SettlementTemplate(version, parse_hash(parts["contentHash"]))


FIELDS = (
    Field("template", "object", parse_label, "which template", is_fixed=True),
    Field("seller", "string", parse_party, "DID of the seller", is_fixed=True),
    Field("buyer", "string", parse_party, "DID of the buyer"),
    Field("specification", "object", parse_specification, "what is sold, in which unit"),
    Field("unitPrice", "string", parse_amount, "tokens for `per` units"),
    Field("settlementStrategy", "object", parse_strategy, "how units are weighed", is_fixed=True),
    Field("firstPrice", "string", parse_amount, "owed once, with the first interval"),
    Field("settlementTemplate", "object", parse_settlement_template, "the TST", is_fixed=True),
    Field("encryption", "string", parse_choice(Encryption), "how claims travel"),
    Field("intervalS", "integer", parse_whole(1, MAX_DURATION_S), "seconds of an interval at most"),
    Field("cycles", "integer", parse_whole(1, MAX_CYCLES), "N: intervals for one evidence"),
    Field("maxCycles", "integer", parse_whole(1, MAX_CYCLES), "most that N may be", is_fixed=True),
    Field(
        "graceS", "integer", parse_whole(0, MAX_DURATION_S), "seconds that a voucher may be late"
    ),
    Field("credit", "string", parse_amount, "what may be owed and not signed yet"),
    Field("intervalCap", "string", parse_amount, "most that units of an interval may cost"),
)


@dataclass(frozen=True)
class InitiationClaims:
    """What a TIC says, in the order of `FIELDS`."""

    template: Label
    seller: Did
    buyer: Did
    specification: Specification
    unit_price: Tokens
    strategy: Strategy
    first_price: Tokens
    settlement: SettlementTemplate
    encryption: Encryption
    interval_s: int
    cycles: int
    max_cycles: int
    grace_s: int
    credit: Tokens
    interval_cap: Tokens

    @property
    def tariff(self) -> Tariff:
        """What units cost."""
        return Tariff(self.unit_price, self.specification.per, self.first_price, self.strategy)


def parse_initiation(claims: Mapping[str, Any]) -> InitiationClaims:
    """Parse the claims of a TIC, whatever their template says of them besides.

    Raises:
        RefusedInput: a field is missing, of another type or out of its range, or two of them do not
            go together.
    """
    found = InitiationClaims(*parse_fields(claims, FIELDS, WHO))
    if found.template.kind is not TemplateKind.INITIATION:
        raise _refuse("template", found.template, "a template of kind initiation")
    if is_same(found.seller, found.buyer):
        raise _refuse("buyer", found.buyer, "another than the seller")
    if found.cycles > found.max_cycles:
        raise _refuse("cycles", found.cycles, f"<= {found.max_cycles}, the template's maximum")
    if isinstance(found.strategy, Flat) and found.specification.meter is not Meter.SECONDS:
        raise _refuse("specification", found.specification.meter, "seconds: the strategy is flat")
    return found


def _refuse(field: str, had: object, needed: str) -> ClaimsRefused:
    return ClaimsRefused("is refused", who=f"{WHO}, {field}", had=had, needed=needed)
