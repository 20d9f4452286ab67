"""A sharing serves one job: whoever orders from it again is told so in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import RefusedInput
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import require_new
from edgemark.systems.outsourcing.offline.sharing import make_sharing
from edgemark.systems.outsourcing.order import ordering
from edgemark.systems.outsourcing.order.ordering import SharingUsed, draft_shared
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

FUNCTION = cast.dense_function()
SHARING = make_sharing(
    FUNCTION, cast.small_batch(), threshold=1, errors=1, randomness=cast.seeded("sharing")
)


def device_with(*known: bytes) -> Any:
    """A device that remembers these jobs."""
    state = DeviceJob(phase=DevicePhase.SETTLED)
    runtime = SimpleNamespace(state=lambda job: state if job in known else None)
    return SimpleNamespace(station=None, runtime=runtime)


@pytest.fixture(autouse=True)
def small_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        ordering, "venue_of", lambda *_: cast.venue(cast.PAYER.address, cast.NODE_ADDRESSES)
    )


def test_a_sharing_that_served_a_job__is_refused_in_words() -> None:
    nodes = cast.NODE_ADDRESSES
    order = draft_shared(device_with(), FUNCTION, SHARING, nodes, cast.WISH)
    with pytest.raises(SharingUsed, match="this sharing has served a job already") as used:
        draft_shared(device_with(order.job), FUNCTION, SHARING, nodes, cast.WISH)
    assert order.job.hex() in str(used.value)
    assert "Share afresh" in str(used.value)


def test_a_number_that_was_used__is_refused_in_words() -> None:
    job = cast.small_order().job
    require_new(None, job)
    with pytest.raises(RefusedInput, match="a job of this number was ordered already"):
        require_new(DeviceJob(phase=DevicePhase.SETTLED), job)
