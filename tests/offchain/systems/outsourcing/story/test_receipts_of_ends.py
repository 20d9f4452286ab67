"""The receipt of a real job for each way in which it can end, as its owner sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from tests.offchain.systems.outsourcing.cast import NODES, PAYER, small_order
from tests.offchain.systems.outsourcing.court import Court, open_court
from tests.offchain.systems.outsourcing.story.played_ends import PLAYS
from tests.stage.browser import Browser, check_look, open_browser

from edgemark.amounts import format_tokens
from edgemark.identifiers import ShareIndex
from edgemark.receipt import Receipt
from edgemark.receipt.exhibits import Answer
from edgemark.receipt.page import write_page
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.story.exhibiting import tell_loss, write_receipt

pytestmark = pytest.mark.chain

ORDER = small_order()
COSTLY = [name for name in PLAYS if name != "unstarted"]
# Brackets of a list or a dictionary, words of Python, and what stands where one of it is not many.
OF_PYTHON = re.compile(
    r"[\[\]{}]|\b(?:None|True|False)\b|\b1 (?:nodes|inputs|outputs|jobs|checks)\b"
)


@pytest.fixture(scope="module")
def receipts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Receipt]]:
    """By the name of the play; the job as its device would know it."""
    with open_court(tmp_path_factory.mktemp("court")) as court:
        yield {name: play(court, name) for name in PLAYS} | {"running": begin(court)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def play(court: Court, name: str) -> Receipt:
    act, index, _ = PLAYS[name]
    order = act(court)
    story = court.read(order)
    charged = story.at(index).charge is not None
    state = DeviceJob(
        phase=DevicePhase.CANCELLED if name == "unstarted" else DevicePhase.SETTLED,
        order=order,
        indices=tuple(place.phase for place in story.indices),
        result=None if name == "unstarted" else b"1",
        wrong=(ShareIndex(index),) if charged else (),
    )
    return write_receipt(story, state, [Answer("-4, 12", ""), Answer("7, 0", "")], "a made model")


def begin(court: Court) -> Receipt:
    """Charged, and no verdict yet; the device cannot tell the result."""
    order = court.start("running", liars=[2])
    court.charge(order, wrong=2)
    state = DeviceJob(
        phase=DevicePhase.CHARGED,
        order=order,
        wrong=(ShareIndex(2),),
        undecided_because="too few answers agree",
    )
    return write_receipt(court.read(order), state, [])


def text_of(page: str) -> str:
    """What a page says."""
    shown = re.sub(r"<style>.*?</style>|</?span[^>]*>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "\n", shown))


def unfold(page: str) -> str:
    """What is in sight before any fold is opened, as text."""
    return text_of(re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL))


@pytest.mark.parametrize("name", COSTLY)
def test_r26_whoever_lost_something__stands_in_sight(
    receipts: dict[str, Receipt], name: str
) -> None:
    receipt = receipts[name]
    (matter,) = receipt.exhibits.matters
    _, index, end = PLAYS[name]
    (place,) = [place for place in matter.places if place.index == index]
    assert place.notice
    assert place.notice in unfold(write_page(receipt))
    assert (place.end == "convicted") is place.is_guilty is (end is IndexPhase.CONVICTED)


def test_r26_each_loss__is_what_the_table_of_amounts_says() -> None:
    terms = ORDER.terms
    mtc = format_tokens
    half = terms.judge_fee // 2
    assert tell_loss(IndexPhase.ANSWERED, terms) == (
        f"The payer lost {mtc(terms.judge_fee - half)} MTC of its bond, "
        f"the node {mtc(half)} MTC of its fee."
    )
    for end in (IndexPhase.REFUTED, IndexPhase.VOID):
        assert tell_loss(end, terms) == f"The payer lost its bond of {mtc(terms.bond)} MTC."
    assert tell_loss(IndexPhase.CONVICTED, terms) == (
        f"The node lost its stake of {mtc(terms.stake)} MTC: {mtc(5015)} to the payer, "
        f"{mtc(terms.judge_fee)} to the judges, {mtc(740)} to the pool."
    )
    for end in (IndexPhase.LAPSED, IndexPhase.UNEARNED):
        assert f"The fee of {mtc(terms.fee)} MTC went to the pool" in tell_loss(end, terms)
    for end in (IndexPhase.PAID, IndexPhase.RELEASED, IndexPhase.NAMED, IndexPhase.COMMITTED):
        assert tell_loss(end, terms) == ""


def test_r26_a_charge_without_a_verdict__says_what_is_at_stake(
    receipts: dict[str, Receipt],
) -> None:
    shown = unfold(write_page(receipts["running"]))
    assert "Not decided yet: the node's stake of" in shown
    assert "Something is wrong" in shown
    assert "too few answers agree" in shown


def test_a_job_that_never_started__cost_nobody_anything(receipts: dict[str, Receipt]) -> None:
    page = write_page(receipts["unstarted"])
    assert "All 6 nodes" in page
    assert "cancelled" in unfold(page)


@pytest.mark.parametrize("name", [*PLAYS, "running"])
def test_r26_r32_no_receipt__speaks_python(receipts: dict[str, Receipt], name: str) -> None:
    receipt = receipts[name]
    assert OF_PYTHON.findall(text_of(write_page(receipt))) == []
    said = [part for check in receipt.checks for part in (check.seen, check.expected)]
    assert not [part for part in said if OF_PYTHON.search(part)]


def test_r26_a_receipt__says_when_where_and_with_what(receipts: dict[str, Receipt]) -> None:
    about = receipts["convicted"].about
    assert about["chain"] == "31337"
    assert re.fullmatch(r"[\d-]{10} [\d:]{8} UTC, block \d+", about["as of"])
    assert re.fullmatch(r"JobSettlement 0x[0-9a-fA-F]{40}", about["contract"])
    assert re.fullmatch(r"0x[0-9a-f]{64}", about["posting transaction"])
    assert (about["phase"], about["model"]) == ("settled", "a made model")
    assert about["data"] == "2 private inputs of 2 numbers"
    assert receipts["running"].about["phase"] == "started"
    assert receipts["running"].about["model"] == "a raw function"
    assert set(about) >= {"edgemark", "function", "job", "posted", "explained by"}


def test_r26_what_a_judge_and_a_node_know_together__is_said_first(
    receipts: dict[str, Receipt],
) -> None:
    (caveat,) = receipts["convicted"].caveats
    assert "2 shares of a job, more than t" in caveat
    (matter,) = receipts["convicted"].exhibits.matters
    assert (
        "No node alone learns anything of the inputs; one may lie or be silent." in matter.summary
    )


def test_r26_parties__stand_in_order_with_their_accounts(receipts: dict[str, Receipt]) -> None:
    parties = receipts["unearned"].parties
    nodes, judges = [f"node {j}" for j in range(1, 7)], [f"judge {j}" for j in range(1, 5)]
    assert [party.name for party in parties] == ["payer", *nodes, *judges, "pool"]
    assert [party.account for party in parties[:2]] == [PAYER.address, NODES[0].address]
    assert not any(party.role for party in parties)


@pytest.mark.parametrize("name", ["convicted", "answered", "unstarted", "running"])
def test_r26_the_page_of_a_real_job__fits_and_can_be_read(
    receipts: dict[str, Receipt], browser: Browser, tmp_path: Path, name: str
) -> None:
    page = tmp_path / "receipt.html"
    page.write_text(write_page(receipts[name]))
    check_look(browser, page)
