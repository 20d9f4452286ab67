"""A job has one word for where it is (R32): device, index and contract, as the page promises."""

from __future__ import annotations

from typing import Any

import click
import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.words_of_phases import read_words

from edgemark.cli.outsourcing.staying import UntilChoice
from edgemark.systems.outsourcing.contract.records import JobPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import Until
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.story.story import STATES

WORDS = read_words()


def test_r32_every_phase__stands_in_the_table() -> None:
    assert set(WORDS) == {phase.value for phase in DevicePhase}
    assert {everybody for everybody, _ in WORDS.values() if everybody} == set(STATES)
    assert {contract for _, contract in WORDS.values()} == {
        phase.name.capitalize() for phase in JobPhase
    }


def test_r32_a_word_that_two_have__means_the_same_to_both() -> None:
    assert {word for word in WORDS if word in STATES} == set(STATES)
    for word in STATES:
        assert WORDS[word][0] == word


def test_r32_what_a_command_waits_for__is_called_as_the_phase_is() -> None:
    assert {each.value for each in Until} & set(WORDS) == {"posted", "settled"}
    over = DeviceJob(phase=DevicePhase.SETTLED, order=cast.small_order())
    assert all(each.is_reached(over) for each in Until)
    assert not Until.SETTLED.is_reached(DeviceJob(phase=DevicePhase.VALID))


def test_r32_the_former_word_of_until__is_refused_with_the_new_one() -> None:
    kind = UntilChoice()
    assert [kind.convert(each.value, None, None) for each in Until] == list(kind.choices)
    with pytest.raises(click.BadParameter, match="'closed' is called 'settled' now"):
        kind.convert("closed", None, None)
    with pytest.raises(click.BadParameter, match="'posted', 'delivered'"):
        kind.convert("paid", None, None)


def test_r32_the_log_of_a_device__has_the_word_too() -> None:
    machine: PartyMachine[Any] = PartyMachine(DeviceJob)
    before = DeviceJob(phase=DevicePhase.VALID, order=cast.small_order())
    after, _ = machine.step(before, on.SawEnded())
    (line,) = machine.tell(before, on.SawEnded(), after)
    assert (line.words, line.facts["phase"]) == ("job settled", "settled")
