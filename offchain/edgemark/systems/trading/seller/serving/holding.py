"""Answers of a channel that is paid by time: none leaves before the time for it is paid. Pure.

A request by time is taken without knowing how long it lasts, so neither credit nor deposit bound
what it comes to. What a buyer cannot be made to pay for it does not get: its answer is held, and
leaves when the buyer has signed, or topped up. Where units are counted they are bounded before a
request is taken (`admission.find_pause`), and nothing is held.
"""

from __future__ import annotations

from edgemark.loop.machine import UnderWay
from edgemark.systems.trading.protocol.agreement import Head, Pricing
from edgemark.systems.trading.seller.admission import claim_with
from edgemark.systems.trading.seller.sale import Sale


class Held(UnderWay):
    """An answer waits for the payment of its time; it leaves before the channel ends."""

    after_s = 0.2


def check_time_paid(sale: Sale, pricing: Pricing, head: Head) -> None:
    """Check that the time that was served is signed for, up to the cap and the credit, and covered.

    Args:
        sale: of the channel, with an answer for its buyer.
        pricing: of it.
        head: time.

    Raises:
        Held: it is not.
    """
    if not pricing.counts_time:
        return
    owed = claim_with(sale, price_since_billed(sale, pricing, head), pricing)
    conditions = sale.known.conditions
    if owed > sale.covered:
        needed = f"<= {sale.covered} covered"
        raise Held("is held", who="answer", had=f"{owed} owed", needed=needed)
    most = sale.billed.amount + conditions.cap + conditions.credit
    if owed > most:
        needed = f"<= {most}, by what is signed"
        raise Held("is held", who="answer", had=f"{owed} owed", needed=needed)


def price_since_billed(sale: Sale, pricing: Pricing, head: Head) -> int:
    """What the time costs that no bill shows yet: until now, or the end of service."""
    begun = sale.begun
    end = max(begun.end, min(head.block, sale.time_ends))
    before = begun.registers or pricing.zero
    return pricing.price(pricing.read(begun.end, end, before, sale.used, sale.opened_at))
