"""A posting that came after its own `accept_by` is told as such: nothing in the call was wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing.cast import small_order

from edgemark.cli.outsourcing.ordering import PostedTooLate, PostingRefused, show_job
from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.errors import RefusedInput
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.systems.outsourcing.device.beginning import (
    TOO_LATE,
    look_into_refusal,
    tell_window,
)
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

ORDER = small_order()
BY = ORDER.terms.accept_by
OUT_OF_BOUNDS = ContractRefused(
    "JobSettlement",
    "post",
    "OutOfBounds",
    {"field": b"acceptBy".ljust(32, b"\0"), "had": BY, "least": BY + 42, "most": BY + 86_442},
)


def reason_at(now: int) -> str:
    """What becomes of the posting when the contract refuses its `acceptBy` at a time."""
    station: Any = SimpleNamespace(clock=lambda: now)
    (found,) = look_into_refusal(station, ORDER, OUT_OF_BOUNDS)
    assert isinstance(found, on.FoundPostingRefused)
    return found.reason


def show(reason: str) -> None:
    state = DeviceJob(phase=DevicePhase.FAILED, order=ORDER, reason=reason)
    station = SimpleNamespace(chain=SimpleNamespace(now=lambda: BY))
    device: Any = SimpleNamespace(job=lambda _: state, station=station, refusals=())
    nothing: Any = None
    show_job(nothing, device, ORDER.job, nothing)


def test_a_posting_after_its_accept_by__was_too_late_and_may_be_submitted_again() -> None:
    assert reason_at(BY + 1) == TOO_LATE
    with pytest.raises(PostedTooLate, match=r"was over before it could be posted.*Submit again"):
        show(TOO_LATE)
    with pytest.raises(PostedTooLate) as late:
        show(TOO_LATE)
    assert exit_of(late.value) is Exit.LEDGER_UNAVAILABLE
    assert "Fix the call" not in str(late.value)


def test_a_posting_refused_while_there_is_time__is_wrong_in_itself() -> None:
    """In seconds: the contract names points of its time, of which nobody asked for any."""
    told = "the time to accept is 42 s too short for this deployment"
    assert reason_at(BY) == told
    with pytest.raises(PostingRefused, match="Fix the call") as refused:
        show(told)
    assert exit_of(refused.value) is Exit.REFUSED_INPUT


def test_what_is_no_window__is_told_as_the_contract_says_it() -> None:
    values = {**OUT_OF_BOUNDS.values, "field": b"fee".ljust(32, b"\0")}
    other = ContractRefused("JobSettlement", "post", "OutOfBounds", values)
    assert tell_window(other) == tell_window(RefusedInput("is poor")) == ""
    long = {**OUT_OF_BOUNDS.values, "had": BY + 86_450, "field": b"collectBy".ljust(32, b"\0")}
    assert "collect is 8 s too long" in tell_window(
        ContractRefused("JobSettlement", "post", "OutOfBounds", long)
    )
