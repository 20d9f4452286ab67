"""Both recorders of a controller have their turn, whatever happens to the other."""

from __future__ import annotations

import time
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from edgemark.errors import LedgerUnavailable
from edgemark.systems.trading.controller.controller import Controller


@pytest.mark.parametrize("first", [None, LedgerUnavailable("is away"), RuntimeError("?")])
def test_first_credentials__are_recorded_though_the_other_recorder_fails(
    first: Exception | None,
) -> None:
    # A controller needs chain, broker and bond: only the turn is looked at here.
    parts = SimpleNamespace(
        _recorder=Mock(), _firsts=Mock(), _adapt=Mock(), _adapted=time.monotonic()
    )
    parts._recorder.turn.side_effect = first
    if first is None:
        Controller._record(parts)
    else:
        with pytest.raises(type(first)):
            Controller._record(parts)
    parts._firsts.turn.assert_called_once()
