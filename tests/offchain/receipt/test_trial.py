"""What is tried of a stranger's file: whatever goes wrong in it is a check that does not hold."""

from __future__ import annotations

import pytest

from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.receipt import Receipt
from edgemark.receipt.trial import Trial


def fail_with(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("error", [RefusedInput("no"), ValueError("?"), KeyError(1), IndexError()])
def test_check_that_raises__does_not_hold_and_says_what_it_was(error: Exception) -> None:
    trial = Trial(receipt=Receipt("a file"))
    assert not trial.check("a part", lambda: fail_with(error), "sound")
    assert trial.failed == ["a part"]
    is_ours = isinstance(error, RefusedInput)
    assert is_ours or type(error).__name__ in trial.receipt.checks[0].seen


def test_chain_that_does_not_answer__is_no_fault_of_the_file() -> None:
    trial = Trial(receipt=Receipt("a file"))
    with pytest.raises(LedgerUnavailable):
        trial.check("a part", lambda: fail_with(LedgerUnavailable("is away")), "sound")
    assert trial.receipt.checks == []
