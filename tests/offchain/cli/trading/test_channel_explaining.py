"""`edgemark trading explain` on a chain on which a channel was played."""

from __future__ import annotations

import pytest
from tests.offchain.systems.trading.station.trading_ground import TradingGround, ground
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.settings.settings import Settings

__all__ = ["ground"]
pytestmark = [pytest.mark.chain, pytest.mark.lasts(5)]


def explain(ground: TradingGround, *words: str) -> Finished:
    settings: Settings = ground.settings("nobody")
    environ = {
        "EDGEMARK_CHAIN_URL": ground.chain.url,
        "EDGEMARK_CONFIRMATIONS": "0",
        "EDGEMARK_MANIFEST": str(ground.folder / "deployment.json"),
    }
    return edgemark_here("trading", "explain", *words, "--home", settings.home, environ=environ)


def test_explain__tells_the_life_of_a_channel_by_the_beginning_of_its_id(
    ground: TradingGround,
) -> None:
    terms = ground.open()
    escrow = ground["payer"].escrow
    ground.send("seller", escrow.checkpoint, ground.voucher(terms, 30))
    ground.send("seller", escrow.close, ground.voucher(terms, 50, 2))
    channel = escrow.id_of(terms).hex()
    told = explain(ground, channel[:10], "--json")
    assert told.status == Exit.DONE, told.error
    facts = told.value
    assert (facts["channel"], facts["phase"]) == (channel, "ended")
    assert [deed["did"] for deed in facts["deeds"]] == ["paid", "ended"]
    assert all(check["agrees"] for check in facts["amounts"])
    text = explain(ground, channel)
    assert "the seller closed it with a voucher that the payer signed" in text.out
    assert not ground.settings("nobody").home.exists()


@pytest.mark.parametrize("typed", ["zz", "12", "00" * 32, "0x" + "00" * 40])
def test_what_is_no_channel_here__is_refused_by_name(ground: TradingGround, typed: str) -> None:
    told = explain(ground, typed)
    assert told.status == Exit.REFUSED_INPUT
    assert "channel" in told.error
