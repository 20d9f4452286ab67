"""What spends says its price and asks before it is paid; `--dry-run` does all but send.

Low rows of the first day: no `--dry-run` anywhere; `retire` without a terminal "interrupted".
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.cli.town import MTC, NEEDED, Town, town
from tests.offchain.small_chain import account, small_chain
from tests.stage.command_line import Finished

from edgemark.cli.spending import command
from edgemark.cli.terminal.exits import Exit
from edgemark.identifiers import Moment
from edgemark.journal.journal import Journal
from edgemark.ledger.evm.reading.simulating import CannotSimulate
from edgemark.ledger.evm.sending import rehearsed_lane
from edgemark.party.evm.joining import PERMIT_S
from edgemark.party.evm.membership import SUCCESSION_S

__all__ = ["small_chain", "town"]  # the fixtures

pytestmark = pytest.mark.chain
ENDPOINT = {"advertise": "https://127.0.0.1:9443"}


def contents(home: Path) -> dict[Path, bytes]:
    """Every file, with what is in it."""
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def used(town: Town, home: str) -> int:
    """Transactions of the account of a home."""
    return town.ground.chain.nonces_used(town.address(home))


def try_out(town: Town, home: str, *words: str | Path, **settings: object) -> dict[str, Any]:
    """A dry run that would go: what it printed; it left nothing at home or on the chain."""
    before, sent = contents(town.folder / home), used(town, home)
    facts = town.do(home, *words, "--dry-run", **settings)
    assert contents(town.folder / home) == before
    assert used(town, home) == sent
    assert facts["dry_run"] is True
    return facts


def test_dry_run__of_whatever_an_organisation_does__sends_nothing_and_says_what_it_would(
    town: Town,
) -> None:
    town.enrich("provider", NEEDED)
    named = try_out(town, "provider", "provider", "register", "Edge Ltd")
    assert named["calls"] == ["ParticipantRegistry.registerProvider"]
    assert (named["leaves_wallet"], named["locked"]) == ("0", [])
    assert int(named["gas_wei"]) > named["gas"] > 21_000
    town.do("provider", "provider", "register", "Edge Ltd")
    staked = try_out(town, "provider", "provider", "stake")
    assert staked["leaves_wallet"] == str(NEEDED)
    (lock,) = staked["locked"]
    assert (lock["by"], lock["amount"]) == ("ParticipantRegistry", str(NEEDED))
    assert "earlier, " in staked["later"][0]
    town.do("provider", "provider", "stake")
    assert abs(lock["until"] - town.registry.stake_of(town.address("provider")).expires_at) < 600
    for words, calls in [
        (("admit", account(4)), ["ParticipantRegistry.admit"]),
        (("unstake",), ["ParticipantRegistry.unstake"]),
        (("stake", "0"), ["AssetAnchor.allowLocker", "ParticipantRegistry.stake"]),
        (("register", "Edge Ltd"), []),
    ]:
        assert try_out(town, "provider", "provider", *words)["calls"] == calls, words
    node = town.set_up_node("node", "provider")
    assert try_out(town, "provider", "provider", "dismiss", node)["calls"]


def price_of(ran: Finished) -> str:
    """The line that says the price."""
    assert ran.status == Exit.DONE, ran.error
    (told,) = [line for line in ran.error.splitlines() if line.startswith("Price: ")]
    return told


def test_price__of_a_stake_to_which_nothing_is_added__says_its_new_end(town: Town) -> None:
    me = town.set_up_provider("provider")
    chain = town.ground.chain
    town.pass_to(chain.block("latest").timestamp + 1000)
    before = town.registry.stake_of(me).expires_at
    facts = try_out(town, "provider", "provider", "stake", "0")
    (lock,) = facts["locked"]
    assert (lock["by"], lock["amount"]) == ("ParticipantRegistry", "0")
    assert lock["until"] >= before + 1000
    told = price_of(town.run("provider", "provider", "stake", "0"))
    after = Moment(town.registry.stake_of(me).expires_at)
    assert abs(after.second - lock["until"]) < 600
    assert f"what ParticipantRegistry has locked stays so until {str(after)[:13]}" in told
    assert "0 MTC are locked" not in told


def test_price__of_what_gives_a_lock_back__says_how_much_comes_to_whom(town: Town) -> None:
    me = town.set_up_provider("provider")
    town.do("provider", "provider", "unstake")
    town.pass_to(town.registry.stake_of(me).free_at + 1)
    town.enrich("stranger")
    assert try_out(town, "stranger", "provider", "release", me)["returned"] == []  # not to it
    back = [{"by": "ParticipantRegistry", "amount": str(NEEDED)}]
    facts = try_out(town, "provider", "provider", "release")
    assert (facts["returned"], facts["leaves_wallet"]) == (back, "0")
    told = price_of(town.run("provider", "provider", "release"))
    assert "1,000 MTC come back from ParticipantRegistry into the free balance; about" in told


def test_dry_run__of_whatever_an_account_does__makes_no_key_and_takes_no_place(town: Town) -> None:
    organisation = town.set_up_provider("provider")
    node = town.set_up_node("node", "provider")
    town.enrich("node", 20 * MTC)
    town.enrich("actor")
    assert try_out(town, "node", "account", "deposit", "12.5")["leaves_wallet"] == str(125 * 10**17)
    town.do("node", "account", "deposit", "12.5")
    back = try_out(town, "node", "account", "withdraw", "2.5")
    assert back["leaves_wallet"] == str(-25 * 10**17)
    rotated = try_out(town, "node", "account", "rotate", "--new-tls-key", **ENDPOINT)
    assert rotated["calls"] == ["ParticipantRegistry.updateServer"]
    succession = try_out(town, "actor", "account", "succeed", town.folder / "provider")
    assert succession["calls"][0] == "ParticipantRegistry.succeed"
    assert succession["calls"][-1] == "ParticipantRegistry.stake"  # its lock becomes the new one's
    (back,), (lock,) = succession["returned"], succession["locked"]
    assert back["amount"] == lock["amount"] == str(NEEDED)
    assert try_out(town, "node", "account", "retire")["calls"] == ["ParticipantRegistry.retire"]
    assert town.registry.is_active(node)
    assert town.registry.participant(node).provider == organisation


def test_what_a_rehearsal_shows_to_a_node__counts_for_an_hour_at_most() -> None:
    assert {PERMIT_S, SUCCESSION_S} == {3600}  # as docs/conventions.md says


def test_price__is_what_is_paid(town: Town) -> None:
    me = town.enrich("provider", NEEDED)
    town.do("provider", "provider", "register", "Edge Ltd")
    price = try_out(town, "provider", "provider", "stake")
    before = town.ground.chain.balance(me)
    told = price_of(town.run("provider", "provider", "stake"))
    assert told.startswith("Price: 1,000 MTC leave the wallet for its free balance in the anchor; ")
    assert "1,000 MTC are locked by ParticipantRegistry until " in told
    assert " coin for gas (" in told
    assert ", 3 transactions)." in told
    paid = before - town.ground.chain.balance(me)
    assert abs(int(price["gas_wei"]) / paid - 1) < 0.2


def test_dry_run__of_what_would_not_go__is_refused_as_the_deed_would_be(town: Town) -> None:
    town.enrich("poor", NEEDED - 1)
    town.do("poor", "provider", "register", "Edge Ltd")
    for words, complaint in [
        (("provider", "stake"), "wallet holds too few tokens"),
        (("provider", "unstake"), "unstake is refused"),
        (("account", "withdraw", "1"), "free balance is too low"),
    ]:
        ran = town.run("poor", *words, "--dry-run")
        assert ran.status == Exit.REFUSED_INPUT
        assert complaint in ran.error
    town.address("penniless")
    ran = town.run("penniless", "provider", "register", "Edge Ltd", "--dry-run")
    assert ran.status == Exit.REFUSED_INPUT
    assert "cannot pay for the transaction" in ran.error


def test_dry_run__of_a_home_without_keys__makes_none(town: Town) -> None:
    ran = town.run("nobody", "provider", "register", "Edge Ltd", "--dry-run")
    assert ran.status == Exit.REFUSED_INPUT
    assert "this home has no keys yet" in ran.error
    assert not (town.folder / "nobody").exists()


def test_dry_run__while_another_process_sends__is_refused_as_the_deed_would_be(town: Town) -> None:
    town.enrich("provider")
    with Journal.open(town.folder / "provider" / "lane.journal"):
        ran = town.run("provider", "provider", "register", "Edge Ltd", "--dry-run")
    assert (ran.status, ran.value["error"]) == (Exit.REFUSED_INPUT, "JournalInUse")
    assert try_out(town, "provider", "provider", "register", "Edge Ltd")["calls"]


@pytest.mark.parametrize("words", [("retire",), ("succeed", ".")])
def test_what_is_for_good__without_a_terminal__asks_for_yes(
    town: Town, words: tuple[str, ...]
) -> None:
    ran = town.run("node", "account", *words)
    assert ran.status == Exit.REFUSED_INPUT
    assert "Say --yes if it is meant" in ran.error
    assert not (town.folder / "node").exists()


def test_somebody_can_be_asked__only_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard, screen = os.openpty()
    with open(keyboard, "rb", buffering=0), open(screen, "r+b", buffering=0) as ends:
        shown: Any = ends
        monkeypatch.setattr("sys.stdin", shown)
        monkeypatch.setattr("sys.stderr", shown)
        assert command.is_at_terminal()
        for name in ("stdin", "stderr"):
            with monkeypatch.context() as piped:
                piped.setattr(f"sys.{name}", io.StringIO())
                assert not command.is_at_terminal()
        monkeypatch.undo()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Somebody sits there."""
    monkeypatch.setattr(command, "is_at_terminal", lambda: True)
    return monkeypatch


def test_at_a_terminal__nothing_is_sent_without_a_yes(
    town: Town, terminal: pytest.MonkeyPatch
) -> None:
    town.enrich("provider")
    for answer in ("n\n", "\n"):
        terminal.setattr("sys.stdin", io.StringIO(answer))
        ran = town.run("provider", "provider", "register", "Edge Ltd")
        assert ran.status == Exit.INTERRUPTED
        assert ran.error.splitlines()[0].startswith("Price: ")
        assert "Go ahead?" in ran.error
        assert "nothing was sent" in ran.error
    assert used(town, "provider") == 0
    terminal.setattr("sys.stdin", io.StringIO("y\n"))
    assert town.do("provider", "provider", "register", "Edge Ltd")["changed"] is True


def test_at_a_terminal__yes_and_what_costs_nothing_ask_nobody(
    town: Town, terminal: pytest.MonkeyPatch
) -> None:
    town.enrich("provider")
    terminal.setattr("sys.stdin", io.StringIO(""))
    town.do("provider", "provider", "register", "Edge Ltd", "--yes")
    assert town.do("provider", "provider", "register", "Edge Ltd")["changed"] is False


def test_a_node_that_does_not_simulate__leaves_the_price_unknown_and_stops_nobody(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise CannotSimulate("does not simulate transactions", who="a node")

    monkeypatch.setattr(rehearsed_lane, "simulate", refuse)
    town.enrich("provider", NEEDED)
    dry = town.run("provider", "provider", "register", "Edge Ltd", "--dry-run")
    assert (dry.status, dry.value["error"]) == (Exit.LEDGER_UNAVAILABLE, "CannotSimulate")
    ran = town.run("provider", "provider", "register", "Edge Ltd")
    assert ran.status == Exit.DONE
    assert "Price: not known beforehand for 1 transaction:" in ran.error


def test_fund__says_what_the_development_account_gives_away(town: Town) -> None:
    town.ground.deployment.save(town.folder / "deployment.json")
    facts = town.do("home", "chain", "fund", account(5), account(6), "--mtc", "7.5", "--dry-run")
    assert facts["coin_wei"] == str(2 * 10**18)
    assert facts["leaves_wallet"] == str(15 * MTC)
    assert not (town.folder / "home").exists()
