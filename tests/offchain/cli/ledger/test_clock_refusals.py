"""What `edgemark ledger clock run` refuses before it ticks."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chaincode.trading.callers_of_evidence import creator
from tests.stage.command_line import edgemark_here

from edgemark.cli.ledger.clocks import check_ledger, check_may_tick
from edgemark.cli.terminal.exits import Exit
from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.faults import IdentityRefused


def test_clock__of_an_identity_without_its_attribute__is_refused() -> None:
    check_may_tick(creator("Org1MSP", edgemark_clock="true"))
    for identity in (creator("Org1MSP"), creator("Org1MSP", edgemark_clock="yes")):
        with pytest.raises(IdentityRefused, match=r"edgemark\.clock=true"):
            check_may_tick(identity)


def test_clock__of_a_ledger_that_is_not_up__is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="ledger up"):
        check_ledger(tmp_path)


@pytest.mark.parametrize("period_s", ["0.1", "3601", "nan"])
def test_clock__with_a_period_out_of_range__is_refused(period_s: str) -> None:
    done = edgemark_here("ledger", "clock", "run", "--every", period_s)
    assert done.status == Exit.REFUSED_INPUT
    assert "--every" in done.error
