"""Names: what is one of a channel, an organisation, a chaincode, a version, at each bound."""

from __future__ import annotations

import pytest

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.running.place import Served
from edgemark.ledger.fabric.faults import PolicyRefused
from edgemark.ledger.fabric.network.plan import Plan
from edgemark.ledger.fabric.wire.limits import MAX_NAME
from edgemark.ledger.fabric.wire.names import (
    CALLED,
    CHAINCODE,
    CHANNEL,
    MSP_ID,
    SYSTEM_CHAINCODES,
    VERSION,
    NameRule,
)
from edgemark.ledger.fabric.wire.policy.texts import parse_policy_text

LONGEST = "c" * MAX_NAME


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (CHANNEL, ["a", "a.b-1"], ["1a", "A", "a/b", "a_b", "a\n"]),
        (MSP_ID, ["O", "Org1.MSP-a", "1"], [".O", "-O", "O/P", "O_P", "O\n"]),
        (CHAINCODE, ["a", "1-b_C"], ["_a", "a_", "a__b", "a/b", "a.b", "a\n"]),
        (CALLED, ["a", *SYSTEM_CHAINCODES], ["_", "__a", "a/b", "a\n"]),
        (VERSION, ["1", "v1.0+b_c-d"], ["1 2", "1!", "1/2", "1\n"]),
    ],
)
def test_rule__takes_names_of_its_kind__and_none_too_long(
    rule: NameRule, good: list[str], bad: list[str]
) -> None:
    assert all(map(rule.fits, (*good, LONGEST)))
    assert not any(map(rule.fits, (*bad, "", LONGEST + "c")))


def test_channels__are_called_alike_on_every_ledger() -> None:
    Served(channels={LONGEST: ()})
    Plan(channels=(LONGEST,))
    for wrong in (LONGEST + "c", "Bad"):
        with pytest.raises(RefusedInput, match="a small letter, then"):
            Served(channels={wrong: ()})
        with pytest.raises(RefusedInput, match="a small letter, then"):
            Plan(channels=(wrong,))


def test_organisation_of_a_policy__has_a_name_that_one_can_have() -> None:
    parse_policy_text(f"OR('{LONGEST}.peer')")
    for wrong in (LONGEST + "c", ".O", ""):
        with pytest.raises(PolicyRefused, match="ORGANISATION"):
            parse_policy_text(f"OR('{wrong}.peer')")
