"""R16: what people read and type: durations, plurals, coin, and what no contract has to refuse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from edgemark.cli.main import edgemark
from edgemark.cli.outsourcing.queries.nodes import _tell_resources
from edgemark.errors import RefusedInput
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.contract.token_values import describe_amounts
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.party.evm.joining import send_as_asked
from edgemark.words import show_duration


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (37 * 86_400 + 60, "37 days 1 minute"),
        (86_400, "1 day"),
        (2 * 86_400 + 3_600 + 61, "2 days 1 hour"),
        (7_201, "2 hours 1 second"),
    ],
)
def test_a_duration__is_told_in_its_two_largest_units(seconds: int, told: str) -> None:
    assert show_duration(seconds) == told


def test_one_core__is_one_core() -> None:
    assert _tell_resources(Resources(1, 2, 3, 4)).startswith("1 core, ")
    assert _tell_resources(Resources(2, 2, 3, 4)).startswith("2 cores, ")


def refusal_of(*words: str) -> RefusedInput:
    done = CliRunner().invoke(edgemark, words, standalone_mode=False)
    assert isinstance(done.exception, RefusedInput), done.output
    return done.exception


def test_fund__of_nobodys_account__is_refused_before_anything_is_asked() -> None:
    refused = refusal_of("chain", "fund", "0x" + "00" * 20, "--chain-url", "http://127.0.0.1:1")
    assert (refused.who, refused.what) == ("chain fund", "is nobody's account")


def test_no_wait_and_until__contradict_each_other() -> None:
    words = ("outsourcing", "submit", "--no-wait", "--until", "result")
    assert refusal_of(*words).who == "--no-wait and --until"
    for word in ((), ("--until", "posted")):  # then only what is missing is
        assert (
            refusal_of("outsourcing", "submit", "--no-wait", *word).who != "--no-wait and --until"
        )


def test_what_a_contract_refuses__is_told_with_its_values_in_mtc() -> None:
    describe_amounts({"TooPoorToTry": ("had",)})

    def send(_: object) -> None:
        raise ContractRefused("Registry", "stake", "TooPoorToTry", {"had": 5 * 10**17, "at": 3})

    station: Any = SimpleNamespace(address="0xme", lane=SimpleNamespace(send=send))
    with pytest.raises(RefusedInput) as refused:
        send_as_asked(station, SimpleNamespace(function="stake"), "Bring more.")  # type: ignore[arg-type]
    assert refused.value.had == "TooPoorToTry, had 0.5 MTC, at 3"
    assert refused.value.remedy == "Bring more."
