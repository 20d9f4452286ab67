"""A run that lasts longer than an interval: what its buyer signed, whoever replays finds due."""

from __future__ import annotations

from types import SimpleNamespace as Known

import pytest

from edgemark.systems.trading.protocol.agreement import Pricing
from edgemark.systems.trading.story.evidence.bills import check_bill
from edgemark.systems.trading.templates.readings import Meter, ReadingRefused
from edgemark.systems.trading.templates.settlement import Readings
from edgemark.systems.trading.templates.strategies import Metered, Tariff

OPENED, LEFT = 1000, 10**15


def agree() -> Known:
    """What a bill looks at of an agreement: 10 s intervals of one core, counted in processor ms."""
    unit = Known(meter=Meter.CPU_MILLISECONDS, cores=1, per=1000)
    tariff = Tariff(100, 1000, 0, Metered())
    more = {"first_price": 0, "interval_cap": 10**12, "interval_s": 10}
    return Known(strategy=Metered(), specification=unit, tariff=tariff, **more)


def bill_of(agreed: Known, opened_at: int) -> Known:
    """Of a run of 95 s that ends with the last of ten intervals; those before cost nothing."""
    pricing = Pricing(agreed)
    had = pricing.read(OPENED + 90, OPENED + 100, (0,), (95_000,), opened_at)
    pricing.check(had, opened_at)  # as the buyer does before it signs
    fee = pricing.bill(had, is_first=True, left=LEFT)
    readings = Readings(had.before, had.after)
    claims = Known(readings=readings, start=had.start, end=had.end, fee=fee)
    return Known(index=1, amount=fee, claims=claims, begins_at=0)


def test_long_run__that_its_buyer_signed_is_found_due() -> None:
    agreed = agree()
    found = bill_of(agreed, OPENED)
    assert found.claims.readings.after == (95_000,)
    check_bill(found, None, agreed, OPENED)


def test_time_before_the_channel_was_opened__is_paid_to_nobody() -> None:
    agreed = agree()
    found = bill_of(agreed, OPENED)
    with pytest.raises(ReadingRefused, match="grew by more than there can be"):
        check_bill(found, None, agreed, OPENED + 50)
