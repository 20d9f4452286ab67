"""Row P11: what a channel costs, beside Raiden's published figures; none is above them."""

from __future__ import annotations

import pytest
from tools.measure_gas import HARDFORKS, load

# Raiden's gas file, deposits in its openings included: open, cooperative settle, close, settle.
OPEN, TOGETHER, DISPUTE, SETTLE = 146_956, 112_270, 118_501, 108_569
SETTLINGS = ("answered", "answered by a tower")


@pytest.mark.parametrize("hardfork", HARDFORKS)
def test_p11_a_channel__costs_no_more_than_raidens(hardfork: str) -> None:
    gas = load()

    def used(function: str, case: str = "") -> int:
        return gas[f"ChannelEscrow.{function}"][case][hardfork]

    assert used("open", "one channel") <= OPEN
    assert used("open", "one channel of an offer") <= OPEN  # and takes of its capacity
    assert used("closeTogether", "one channel") <= TOGETHER
    # A dispute is both: the payer's closing and the answer to it, by a tower that is paid for it.
    assert used("close", "by the payer") + used("respond", "after a voucher") <= DISPUTE
    assert used("closeBare") + used("respond", "first, with a delegation") <= DISPUTE
    assert max(used("settle", case) for case in SETTLINGS) <= SETTLE
