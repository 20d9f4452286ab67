"""Heights that chaincodes read: one that takes long leaves others what they need.

The channel is a fake that grows by a block at each view: a real one would need a chaincode that
takes as long as it takes to make all these blocks.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgemark.errors import Overloaded
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.doors.behind import MAX_HEIGHTS_OF_CHAINCODE, Heights
from edgemark.ledger.embedded.state.store import MAX_HEIGHTS


class Growing:
    """A channel of which every view is of another height, while it grows."""

    name = "mychannel"

    def __init__(self) -> None:
        self.height, self.grows = 1, True

    def view(self) -> AbstractContextManager[Any]:
        made = nullcontext(SimpleNamespace(height=self.height))
        self.height += self.grows
        return made


def test_chaincode_that_reads_many_heights__is_refused_the_next_one__and_others_are_not() -> None:
    channel, heights = Growing(), Heights()
    known = cast(Channel, channel)
    with ExitStack() as held:
        for _ in range(MAX_HEIGHTS_OF_CHAINCODE):
            held.enter_context(heights.view(known, "slow"))
        with pytest.raises(Overloaded, match="slow"), heights.view(known, "slow"):
            pass
        held.enter_context(heights.view(known, "quick"))
        channel.name = "another"
        held.enter_context(heights.view(known, "slow"))
    assert heights == Heights(), "nothing is remembered of who reads no more"
    channel.name, channel.grows = "mychannel", False
    with ExitStack() as held:
        for _ in range(2 * MAX_HEIGHTS):
            held.enter_context(heights.view(known, "slow"))  # all of one height
    assert heights == Heights()
