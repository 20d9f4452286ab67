"""`explain` says of each next step how it is done from here, beside the contract's word for it."""

from __future__ import annotations

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import TERMS

from edgemark.chronicle.telling import tell_steps
from edgemark.identifiers import Timestamp
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.story.story import list_steps
from edgemark.systems.trading.story.telling import COMMANDS

CLOSING = next(each for each in ChannelPhase if each.is_closing)


@pytest.mark.parametrize("phase", [ChannelPhase.OPEN, CLOSING])
def test_each_step__names_who_or_what_does_it(phase: ChannelPhase) -> None:
    steps = list_steps(phase, TERMS, Timestamp(START))
    lines = list(tell_steps(steps, Timestamp(START), str, "", COMMANDS))
    assert len(lines) == len(steps) > 0
    for line, step in zip(lines, steps, strict=True):
        assert line.startswith(f"next: {step.act} by ")
        assert line.endswith(f"; {COMMANDS[step.act]}")
