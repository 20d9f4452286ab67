"""A channel with its chaincodes defined, in a file that tests copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    ORGANISATIONS,
    configuration_of,
    define,
    orderer,
)

from edgemark.ledger.embedded.channel.channel import Channel


@pytest.fixture(scope="package")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("begun") / "trade.sqlite"
    with Channel.make(place, configuration_of(*ORGANISATIONS), orderer()) as channel:
        define(channel)
    return place
