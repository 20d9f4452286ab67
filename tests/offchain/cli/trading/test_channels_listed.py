"""T32: all channels of an account, from the chain alone: money, deadlines, who may do what now."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT, LIMITS
from tests.offchain.systems.trading.station.trading_ground import TradingGround, ground
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.ledger.evm.development.node import dev_key
from edgemark.systems.trading.contract.escrow import TopUp
from edgemark.systems.trading.contract.terms import Terms

__all__ = ["ground"]
pytestmark = [pytest.mark.chain, pytest.mark.lasts(7)]


def run(ground: TradingGround, *words: str, home: str = "nobody") -> Finished:
    folder = ground.settings(home).home
    environ = {
        "EDGEMARK_CHAIN_URL": ground.chain.url,
        "EDGEMARK_CONFIRMATIONS": "0",
        "EDGEMARK_MANIFEST": str(ground.folder / "deployment.json"),
    }
    return edgemark_here("trading", "channels", *words, "--home", folder, environ=environ)


def listed(ground: TradingGround, *words: str, home: str = "nobody") -> list[dict[str, Any]]:
    ran = run(ground, *words, "--json", home=home)
    assert ran.status == Exit.DONE, ran.error
    found: list[dict[str, Any]] = ran.value["channels"]
    return found


def acts(facts: dict[str, Any]) -> set[str]:
    return {step["act"] for step in facts["steps"] if step["open_now"]}


@pytest.fixture(scope="module")
def lives(ground: TradingGround) -> dict[str, Terms]:
    """Channels in every phase, the oldest first; the last second of a window has passed."""
    escrow = ground["payer"].escrow
    ended, closing, opened = ground.open(), ground.open(window=50), ground.open(deposit=400)
    ground.send("seller", escrow.close, ground.voucher(ended, 300))
    ground.send("payer", escrow.close, ground.voucher(closing, 250))
    ground.send("outsider", escrow.respond, ground.response(closing, 260))
    ground.send("payer", escrow.top_up, TopUp(opened, 40))  # type: ignore[arg-type]
    ground.send("seller", escrow.checkpoint, ground.voucher(opened, 120))
    return {"ended": ended, "closing": closing, "opened": opened}


def test_t32_channels_of_an_account__are_told_from_the_chain_to_an_empty_home(
    ground: TradingGround, lives: dict[str, Terms]
) -> None:
    found = listed(ground, "--account", ground.address("seller"))
    ids = {name: ground["payer"].escrow.id_of(terms).hex() for name, terms in lives.items()}
    assert [each["channel"] for each in found] == [ids["opened"], ids["closing"], ids["ended"]]
    opened, closing, ended = found
    assert (opened["phase"], opened["deposit"], opened["paid"]) == ("open", "440", "120")
    assert (opened["held"], opened["bond"]) == (str(440 - 120 + BOND), str(BOND))
    assert opened["close_by"] == lives["opened"].close_by
    assert opened["lock_expires_at"] == lives["opened"].lock_expiry(LIMITS.exit_grace)
    assert acts(opened) == {
        "topUp",
        "reduce",
        "checkpoint",
        "amend",
        "closeTogether",
        "close",
        "closeBare",
    }
    assert (closing["phase"], closing["counts"]) == ("closing by payer", "260")
    assert closing["held"] == str(DEPOSIT + BOND)
    assert closing["window_until"] > 0
    assert acts(closing) == {"respond"}
    assert (ended["phase"], ended["ending"], ended["paid"]) == ("ended", "claimed", "300")
    assert (ended["held"], ended["deposit"], ended["steps"]) == ("0", None, [])
    assert not ground.settings("nobody").home.exists()


def test_t32_home_with_a_key__lists_its_own_and_strangers_have_none(
    ground: TradingGround, lives: dict[str, Terms]
) -> None:
    assert len(listed(ground, home="payer")) == len(lives)
    assert listed(ground, home="outsider") == []
    assert len(listed(ground, "--all", home="outsider")) == len(lives)
    assert len(listed(ground)) == len(lives)  # a home without a key: everybody's
    nobody = SecretKey(dev_key(7)).address
    assert listed(ground, "--account", nobody) == []


def test_list__can_be_of_what_is_open_and_of_the_newest(
    ground: TradingGround, lives: dict[str, Terms]
) -> None:
    phases = [each["phase"] for each in listed(ground, "--open")]
    assert phases == ["open", "closing by payer"]
    assert [each["phase"] for each in listed(ground, "--limit", "1")] == ["open"]
    text = run(ground, "--account", ground.address("payer")).out
    assert len(text.splitlines()) == 1 + len(lives)
    assert "claimed" in text
    opened, closing, ended = text.splitlines()[1:]
    assert opened.endswith("trading topup, trading reduce, trading amend, trading close")
    assert closing.endswith(" -") and ended.endswith(" -")
    sold = run(ground, "--account", ground.address("seller")).out.splitlines()
    assert sold[1].endswith("trading claim, trading amend, trading claim --close")
    assert sold[2].endswith("seller run")
    assert "payer: trading topup" in run(ground, "--all").out.splitlines()[1]


def test_windows_and_service_that_are_over__say_who_may_end_them_now(
    ground: TradingGround, lives: dict[str, Terms]
) -> None:
    closing = next(each for each in listed(ground) if each["phase"] == "closing by payer")
    ground.pass_to(closing["window_until"] + 1)
    again = {each["channel"]: each for each in listed(ground)}
    assert acts(again[closing["channel"]]) == {"settle"}
    ground.pass_to(lives["opened"].expires_at + 1)
    last = listed(ground)[0]
    assert [step["by"] for step in last["steps"] if step["act"] == "closeBare"] == [
        "payer or seller",
        "anyone",
    ]
    ground.pass_to(lives["opened"].close_by + 1)
    assert acts(listed(ground)[0]) == {"checkpoint", "endUnclosed"}
    ground.pass_to(lives["opened"].lock_expiry(LIMITS.exit_grace) + 1)
    assert acts(listed(ground)[0]) == {"expire"}


@pytest.mark.parametrize("words", [("--account", "0x12"), ("--limit", "0"), ("--account", "me")])
def test_what_names_no_account_or_number__is_refused(
    ground: TradingGround, words: tuple[str, ...]
) -> None:
    assert run(ground, *words).status == Exit.REFUSED_INPUT
