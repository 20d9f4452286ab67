"""Waiting for what another thread, process or chain does: for the thing itself, never for a time.

A test that sleeps instead is either slow or, on a busy machine, too fast.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_S = 60.0  # on a busy machine; on an idle one nobody waits as long
LOOK_S = 0.01


def wait_until(
    what: str, is_there: Callable[[], object], limit_s: float = LIMIT_S, look_s: float = LOOK_S
) -> None:
    """Look again and again until it is there.

    Args:
        what: words for the failure.
        is_there: true once it is.
        limit_s: seconds after which the test has failed.
        look_s: seconds between two looks.
    """
    deadline = time.monotonic() + limit_s
    while not is_there():
        assert time.monotonic() < deadline, f"{what}: not within {limit_s} s"
        time.sleep(look_s)
