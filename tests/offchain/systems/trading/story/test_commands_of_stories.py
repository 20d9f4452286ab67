"""`explain` says of each next step how it is done from here, beside the contract's word for it."""

from __future__ import annotations

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import TERMS

from edgemark.chronicle.steps import EXPIRE
from edgemark.chronicle.telling import tell_steps
from edgemark.cli.trading.commands import COMMANDS as OF_TRADING
from edgemark.identifiers import Timestamp
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.story.story import list_steps
from edgemark.systems.trading.story.telling import COMMANDS, WAYS, find_ways

CLOSING = next(each for each in ChannelPhase if each.is_closing)


@pytest.mark.parametrize("phase", [ChannelPhase.OPEN, CLOSING])
def test_each_step__names_who_or_what_does_it(phase: ChannelPhase) -> None:
    steps = list_steps(phase, TERMS, Timestamp(START))
    lines = list(tell_steps(steps, Timestamp(START), str, "", COMMANDS))
    assert len(lines) == len(steps) > 0
    for line, step in zip(lines, steps, strict=True):
        assert line.startswith(f"next: {step.act} by ")
        assert line.endswith(f"; {COMMANDS[step.act]}")


def test_what_a_party_may_do__is_told_by_its_own_commands_alone() -> None:
    steps = list_steps(ChannelPhase.OPEN, TERMS, Timestamp(START))
    now = [step for step in steps if step.is_open(Timestamp(START))]
    assert find_ways(now, "payer") == (
        "trading topup",
        "trading reduce",
        "trading amend",
        "trading close",
    )
    assert find_ways(now, "seller") == ("trading claim", "trading amend", "trading claim --close")
    assert find_ways(now, "stranger") == ()
    late = [step for step in steps if step.is_open(Timestamp(TERMS.close_by + 1))]
    assert find_ways(late, "payer") == ("buyer run",)
    window = list_steps(CLOSING, TERMS, Timestamp(START))
    assert find_ways(window[:1], "payer") == ()
    assert find_ways(window, "seller") == ("seller run",)


def test_every_command_that_is_told__is_one_and_is_what_explain_says_of_its_act() -> None:
    assert EXPIRE in WAYS
    for act, ways in WAYS.items():
        for way in ways.values():
            assert f"{way}`" in COMMANDS[act]
            group, name = way.split()[:2]
            assert name in OF_TRADING if group == "trading" else name == "run"
