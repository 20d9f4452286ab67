"""A channel with its chaincodes defined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    ORGANISATIONS,
    configuration_of,
    define,
    orderer,
)

from edgemark.ledger.embedded.channel.channel import Channel


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    path = tmp_path / "trade.sqlite"
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as made:
        define(made)
        yield made
