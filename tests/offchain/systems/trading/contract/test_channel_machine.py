"""The money of a channel by its model: nobody honest is ever below its due (A53, T5, T7, T23).

`tests/contracts/trading/test_escrow_machine.py` makes the same calls on chain.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.offchain.systems.trading.channel_cast import PEOPLE, START, open_one
from tests.offchain.systems.trading.channel_machine import ChannelMachine

from edgemark.systems.trading.contract.channel import checkpoint
from edgemark.systems.trading.contract.records import ChannelEnding, Said
from edgemark.systems.trading.contract.terms import ChannelRefused

# Enough for every end to come up; the soak profile has the many.
HOW = settings(max_examples=max(120, settings().max_examples), stateful_step_count=30)


def test_a53_whatever_anybody_tries__nobody_honest_is_below_its_due() -> None:
    seen: set[str] = set()
    machine = type("Seen", (ChannelMachine,), {"seen": seen})
    run_state_machine_as_test(machine, settings=HOW)
    assert sum(each.endswith(" done") for each in seen) > 5, seen
    assert len(seen & {each.name for each in ChannelEnding}) > 2, seen


def test_r16_what_the_escrow_would_refuse__is_told_in_mtc() -> None:
    channel = open_one()
    with pytest.raises(ChannelRefused, match="AmountNotAbove") as caught:
        checkpoint(channel, 0, START, Said(PEOPLE["outsider"]))
    assert "above 0 MTC" in str(caught.value)
    assert caught.value.values == {"channel": channel.id, "had": 0, "above": 0}
