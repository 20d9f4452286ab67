"""What a buyer has is looked at before any seller is asked: by a station without a chain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.identifiers import Tokens
from edgemark.systems.trading.buyer.money.means import TooFewTokens, check_means

ME = f"0x{'11' * 20}"
MTC = 10**18


def station(free: int, wallet: int) -> Any:
    return SimpleNamespace(
        address=ME,
        accounts=SimpleNamespace(free_balance=lambda _: free),
        token=SimpleNamespace(balance=lambda _: wallet),
    )


def test_wallet_and_free_balance__count_together() -> None:
    check_means(cast(Any, station(MTC, MTC)), Tokens(MTC), Tokens(MTC))


def test_empty_wallet__is_refused_with_what_to_do() -> None:
    with pytest.raises(TooFewTokens) as refused:
        check_means(cast(Any, station(0, MTC)), Tokens(MTC), Tokens(MTC // 10))
    told = str(refused.value)
    assert exit_of(refused.value) is Exit.REFUSED_INPUT
    for part in (ME, "had 1 MTC", "needed 1.1 MTC", f"Send MTC to {ME}"):
        assert part in told
