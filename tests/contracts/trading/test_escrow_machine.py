"""The escrow against the plain model of its money, call by call (A53, T5, T7).

The calls are those of `tests/offchain/systems/trading/channel_machine.py`, each sent at its second,
allowed or not: the contract does what the model does, to the token, or refuses it with the same
error and the same values.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.contracts.trading.escrow_world import EscrowWorld
from tests.offchain.systems.trading.channel_machine import ChannelMachine

from edgemark.systems.trading.contract.channel import Channel

IS_SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
EXAMPLES, STEPS = (500, 60) if IS_SOAK else (14, 24)
# Without shrinking: a failure names the call, and the model's own machine makes it small.
PHASES = (Phase.explicit, Phase.generate)


class OnChain(ChannelMachine):
    """The same channel on chain."""

    world: ClassVar[EscrowWorld]

    def open(self) -> tuple[Channel, int]:
        self.people = self.world.addresses
        return self.world.open(), self.world.now()

    def carry_out(
        self,
        role: str,
        function: str,
        said: tuple[Any, ...],
        expected: Callable[[], Channel],
    ) -> Channel:
        item = self.world.item_of(self.channel, function, said)
        return self.world.agree(self.channel, role, function, item, expected, self.time)


@pytest.mark.lasts(12)
def test_t5_escrow__does_what_the_model_does_and_refuses_what_it_refuses(
    world: EscrowWorld,
) -> None:
    seen: set[str] = set()
    machine = type("OfThisWorld", (OnChain,), {"world": world, "seen": seen})
    how = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, phases=PHASES, report_multiple_bugs=False
    )
    run_state_machine_as_test(machine, settings=how)
    assert sum(each.endswith(" done") for each in seen) > 4, seen
