"""A small soak run of trading; `make soak` plays a hundred deaths of the same kind.

Deaths at every record of every journal are with each party's own tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.soak.trading.__main__ import describe
from tests.soak.trading.market_night import Outcome, Wanted, play
from tests.stage.playhouse import whole_stage
from tests.stage.progress import SEED

pytestmark = [*whole_stage(120), pytest.mark.soak]

USUAL_SEED, KILLS = 7, 8


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    seed = int(os.environ.get(SEED, USUAL_SEED))
    wanted = Wanted(seed=seed, kills=KILLS, limit_s=300.0, customers=2)
    yield play(tmp_path_factory.mktemp("soak"), wanted, lambda *_: None)


def test_trading_soak__ends_every_channel_and_breaks_no_rule(came: Outcome) -> None:
    assert came.violations == [], describe(came)
    assert came.ends.total() >= 2
    assert came.settlements >= 2


def test_trading_soak__killed_as_many_as_wanted(came: Outcome) -> None:
    assert came.is_complete
    assert describe(came).endswith("0 violations")
