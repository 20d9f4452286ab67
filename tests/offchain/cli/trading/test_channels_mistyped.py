"""Commands about a channel that is none of their home's, or with words that say nothing there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.parties_cast import AGREEMENT, POLICY
from tests.stage.command_line import edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.cli.trading.buying.reading import MAX_PRICE, Whom
from edgemark.identifiers import Timestamp, Tokens
from edgemark.journal.journal import Journal
from edgemark.loop.replay import encode_record
from edgemark.systems.trading.protocol.life import PartyMachine, SellerPhase
from edgemark.systems.trading.seller.sale import Sale

OTHER = "ab" * 32  # a channel that this home has no part in
ACCOUNT = f"0x{'11' * 20}"


def refused(tmp_path: Path, *words: str) -> dict[str, Any]:
    done = edgemark_here("trading", *words, "--json", "--home", tmp_path, environ={})
    assert done.status == Exit.REFUSED_INPUT, done.out + done.error
    assert "Price" not in done.error, "nothing is priced that cannot be"
    told: dict[str, Any] = done.value
    return told


@pytest.mark.parametrize(
    "words", [("status",), ("close",), ("topup", "1"), ("reduce", "1")], ids=lambda each: each[0]
)
def test_a_channel_of_others__is_unknown_to_a_buyer(tmp_path: Path, words: Any) -> None:
    told = refused(tmp_path, words[0], OTHER, *words[1:])
    assert (told["error"], told["who"]) == ("ChannelUnknown", f"channel {OTHER}")
    assert told["remedy"]


@pytest.mark.parametrize(
    "words",
    [("watched",), ("dismiss",), ("compensate",), ("watch", "--tower", ACCOUNT)],
    ids=lambda each: each[0],
)
def test_a_channel_of_others__is_unknown_to_a_seller(tmp_path: Path, words: Any) -> None:
    told = refused(tmp_path, words[0], OTHER, *words[1:])
    assert told["what"] == "is not known here"
    assert "home of its seller" in told["remedy"]


@pytest.mark.parametrize("typed", ["", "zz", "0x", "9" * 80, f"{OTHER}00"])
@pytest.mark.parametrize("command", ["status", "close", "watched", "dismiss"])
def test_what_is_no_channel__is_told_with_what_one_is(
    tmp_path: Path, command: str, typed: str
) -> None:
    told = refused(tmp_path, command, typed)
    assert told["what"] == "is no id, whole or begun"
    assert "64 hex digits" in told["needed"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--in", OTHER, OTHER), "OFFER"),
        (("--in", OTHER, "--channels", "2"), "--channels"),
        (("--in", OTHER, "--deposit", "1", "--auditor", "x"), "--auditor, --deposit"),
        (("--recover", OTHER, "--program", "p"), "--program"),
        (("--recover", OTHER, "--in", OTHER, "--keep-open"), "--in, --keep-open"),
    ],
)
def test_words_that_would_be_passed_over__are_refused(
    tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    told = refused(tmp_path, "buy", *words)
    assert (told["what"], told["had"]) == ("says nothing beside it", named)


def test_no_word_beside_a_channel__is_none_too_many(tmp_path: Path) -> None:
    told = refused(tmp_path, "buy", "--in", OTHER)
    assert (told["who"], told["what"]) == ("--function and --program", "name one of them")
    lost = edgemark_here(
        *("trading", "buy", "--recover", OTHER, "--json", "--home", tmp_path),
        environ={"EDGEMARK_CHAIN_URL": "http://127.0.0.1:9"},
    )
    assert lost.value["error"] == "NoChain", "its chain is asked, as nothing else was typed"


def test_the_most_for_units_of_a_category__says_of_how_many(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"x")
    work = ("--program", "p", "--cpu", "1", "--input", str(data))
    told = refused(tmp_path, "buy", "--category", "any", "--most-price", "0.01", *work)
    assert (told["who"], told["what"]) == ("--most-price", "is of no number of units")
    assert "--per UNITS" in told["needed"]
    told = refused(tmp_path, "buy", OTHER, "--per", "1000", *work)
    assert (told["who"], told["what"]) == ("--per", "is of no price")


@pytest.mark.parametrize("typed", ["-5", "-0.5"])
def test_an_amount_below_0__is_told_to_be_one(tmp_path: Path, typed: str) -> None:
    told = refused(tmp_path, "topup", OTHER, typed)
    assert told["what"] == f"{typed} is below 0: AMOUNT is 0 or more."
    assert "No such option: -x" in refused(tmp_path, "topup", OTHER, "-x")["what"]


def test_status_of_a_home_that_sells__names_its_channels(tmp_path: Path) -> None:
    channel = bytes.fromhex(OTHER)
    sale = Sale(agreement=AGREEMENT, policy=POLICY, phase=SellerPhase.SERVING)
    with Journal.open(tmp_path / "seller.journal") as journal:
        journal.append(encode_record(PartyMachine(Sale), channel, sale))
    done = edgemark_here("trading", "status", "--home", tmp_path, environ={})
    assert f"sells in 1 channel: {OTHER}" in done.out
    assert "edgemark trading channels" in done.out
    as_json = edgemark_here("trading", "status", "--json", "--home", tmp_path, environ={})
    assert as_json.value == {"channels": [], "sold": [OTHER]}


def test_a_result_for_no_folder__is_refused_before_anything_is_bought(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"x")
    work = ("--program", "p", "--cpu", "1", "--input", str(data))
    told = refused(tmp_path, "buy", OTHER, *work, "--out", str(tmp_path / "none" / "result"))
    assert (told["who"], told["what"]) == ("--out", "is in no folder")


def test_an_account_of_no_auditor__is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"x")
    work = ("--program", "p", "--cpu", "1", "--input", str(data))
    told = refused(tmp_path, "buy", OTHER, *work, "--auditor-account", ACCOUNT)
    assert told["who"] == "--auditor-account"


def test_demand_of_a_category__passes_over_no_offer_for_the_price_of_other_units() -> None:
    """The contract compares prices as they stand; of how many units, each template says."""
    contracts = SimpleNamespace(address=ACCOUNT)
    station: Any = SimpleNamespace(escrow=contracts, evidence=contracts)
    whom = Whom(None, "any", 0, 0, Tokens(5), 1000, None, None)
    demand = whom.read_demand(station, Timestamp(9))
    assert demand is not None
    assert demand.most_price == MAX_PRICE
