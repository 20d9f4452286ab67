"""Work bought by commands, of a seller and through a controller that are processes on a real chain.

The buyer of the stage is `edgemark buyer run`: commands of its home leave it their wishes.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.end_to_end.trading.shop import COST, GUEST, Shop, compute_right, open_shop
from tests.stage.command_line import KILLED
from tests.stage.playhouse import start_usually, whole_stage
from tests.waiting import wait_until

from edgemark.cli.terminal.exits import Exit
from edgemark.identity.did.identifier import make_did
from edgemark.systems.trading.credentials.keeping import KeptCredentials
from edgemark.systems.trading.demo.cast import AUDITOR, TradingStage
from edgemark.systems.trading.demo.market import CATEGORY
from edgemark.systems.trading.identifiers import parse_channel_id

pytestmark = whole_stage(120)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    stage = TradingStage(
        folder / "stage",
        settings={"party.poll_s": 0.3},
        start_limit_s=300.0,
        guests=(AUDITOR, GUEST),
    )
    with open_shop(stage, folder, has_keys=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def right() -> list[list[int]]:
    return compute_right()


def test_t9_work__is_bought_checked_paid_for_and_closed_in_channels_of_one_transaction(
    shop: Shop, right: list[list[int]]
) -> None:
    guest, seller = shop.stage.account_of(GUEST), shop.stage.seller.account
    before = shop.wealth(guest), shop.wealth(seller)
    offer = shop.stage.market.offer.hex()
    done = shop.buy(GUEST, offer, "--channels", "2", "--pieces", "2", "--deposit", "1")
    assert done.status == Exit.DONE, done.error
    assert shop.read() == right
    assert not list(shop.folder.glob("out.json.*")), "the parts are put together"
    kept = shop.stage.folder / GUEST / "settlements"
    opened = set()
    for told in done.value["channels"]:
        ways = (told["phase"], told["ending"], told["reason"])
        assert ways == ("ended", "claimed", "asked_by_buyer")
        settled = {path.name for path in (kept / told["channel"]).iterdir()}
        assert f"{told['vouchers']}.settlement" in settled
        story = shop.run(GUEST, "trading", "explain", told["channel"]).value
        opened.add(story["opened"]["tx"])
    assert (len(done.value["channels"]), len(opened)) == (2, 1)
    assert sum(int(told["cost"]) for told in done.value["channels"]) == COST
    assert (shop.wealth(guest), shop.wealth(seller)) == (before[0] - COST, before[1] + COST)


def test_a_dry_run__asks_the_seller_says_the_price_and_sends_nothing(shop: Shop) -> None:
    guest = shop.stage.account_of(GUEST)
    before = shop.wealth(guest)
    offer, both = shop.stage.market.offer.hex(), ("--channels", "2")
    done = shop.buy(GUEST, offer, *both, "--deposit", "2", "--dry-run")
    assert done.status == Exit.DONE, done.error
    told = done.value
    assert told["calls"].count("ChannelEscrow.open") == 1
    assert sum(int(each["amount"]) for each in told["locked"]) == 2 * 22 * 10**17
    assert shop.buy(GUEST, offer, "--channels", "13", "--dry-run").value["who"] == "--channels"
    assert shop.wealth(guest) == before


def test_a_seller_that_nobody_demanded_vouches_for__is_bought_nothing_of(shop: Shop) -> None:
    other = make_did(shop.stage.deployment.chain_id, shop.stage.account_of(GUEST))
    done = shop.buy(GUEST, "--category", CATEGORY, "--auditor", str(other))
    assert done.status == Exit.REFUSED_INPUT
    assert done.value["error"] == "NoOffer"


def test_offers_are_recommended__whose_sellers_show_that_an_auditor_vouches(shop: Shop) -> None:
    auditor = make_did(shop.stage.deployment.chain_id, shop.stage.account_of(AUDITOR))
    asked = ("trading", "recommend", "--category", CATEGORY, "--auditor", str(auditor))
    shown = shop.run(GUEST, *asked)
    assert shown.status == Exit.DONE, shown.error
    assert [each["offer"] for each in shown.value["offers"]] == [shop.stage.market.offer.hex()]
    assert (shown.value["in_all"], shown.value["passed_over"]) == (1, [])
    other = str(make_did(shop.stage.deployment.chain_id, shop.stage.account_of(GUEST)))
    assert shop.run(GUEST, *asked, "--auditor", other).value["offers"] == []


def test_a_buyer_that_runs__is_asked_by_commands_and_goes_on_after_kill_9(
    shop: Shop, right: list[list[int]]
) -> None:
    home, buyer = shop.buyers_home, shop.stage.buying[0]
    auditor = make_did(shop.stage.deployment.chain_id, shop.stage.account_of(AUDITOR))
    whom = ("--category", CATEGORY, "--auditor", str(auditor))
    vouched = ("--qualification", shop.folder / "vouched")
    done = shop.buy(home, *whom, *vouched, "--deposit", "1", "--keep-open")
    assert done.status == Exit.DONE, done.error
    assert (shop.read(), done.value["phase"]) == (right, "buying")
    channel = done.value["channel"]
    more = shop.run(home, "trading", "topup", channel, "0.5", "--timeout", "100")
    assert (more.status, more.value["deposit"]) == (Exit.DONE, str(15 * 10**17)), more.error

    buyer.kill()
    start_usually(buyer)
    wait_until("the buyer", lambda: buyer.runs and (buyer.home / "wishes").is_dir())
    again = shop.buy(home, "--in", channel, "--keep-open", "--pieces", "3", out="again.json")
    assert again.status == Exit.DONE, again.error
    assert shop.read("again.json") == right
    seen = shop.run(home, "trading", "status", channel[:12])
    assert (seen.status, seen.value["answers"]) == (Exit.DONE, 4)

    over = shop.run(home, "trading", "close", channel, "--timeout", "100")
    assert over.status == Exit.DONE, over.error
    assert (over.value["phase"], int(over.value["cost"])) == ("ended", 2 * COST)


@pytest.mark.parametrize(
    ("place", "way"),
    [
        ("AskedBuy", ("--channels", "2")),  # the other was not noted: nobody opens it
        ("before:HeardAnswer", ("--sealed",)),
        ("FoundCountersigned", ("--sealed",)),
        ("AskedStop", ()),
    ],
)
def test_a_buyer_killed_at_a_record__pays_what_it_signed_once(
    shop: Shop, right: list[list[int]], place: str, way: tuple[str, ...]
) -> None:
    guest, seller = shop.stage.account_of(GUEST), shop.stage.seller.account
    before = shop.wealth(guest), shop.wealth(seller)
    out = f"{place.replace(':', '-')}.json"
    offer, words = shop.stage.market.offer.hex(), ("--pieces", "2", "--deposit", "1", *way)
    died = shop.buy(GUEST, offer, *words, "--grace", "3", out=out, dies_at=place)
    assert died.status == KILLED, died.error
    seen = shop.run(GUEST, "trading", "status").value["channels"]
    (channel,) = [each["channel"] for each in seen if each["phase"] != "ended"]
    over = shop.run(GUEST, "trading", "close", channel, "--timeout", "150")
    assert over.status == Exit.DONE, over.error
    cost = int(over.value["cost"])
    assert cost <= COST
    assert (shop.wealth(guest), shop.wealth(seller)) == (before[0] - cost, before[1] + cost)
    if (shop.folder / out).exists():
        assert shop.read(out) == right
    assert told_in(shop, channel) <= {"sealed" if "--sealed" in way else "claims"}


def told_in(shop: Shop, channel: str) -> set[str]:
    """How claims travel in the credentials that the guest has of a channel."""
    kept = KeptCredentials(shop.stage.folder / GUEST).settlements(parse_channel_id(f"0x{channel}"))
    return {way for each in kept for way in each.said.carried}


def test_a_buyer_that_lost_its_disk__has_its_deposit_back_but_what_it_owes(shop: Shop) -> None:
    guest = shop.stage.folder / GUEST
    before = shop.wealth(shop.stage.account_of(GUEST))
    offer = shop.stage.market.offer.hex()
    words = ("--deposit", "1", "--grace", "3", "--keep-open")
    done = shop.buy(GUEST, offer, *words, out="lost.json")
    assert done.status == Exit.DONE, done.error
    channel = done.value["channel"]
    for name in ("buyer.journal", "lane.journal"):
        (guest / name).unlink()
    back = shop.run(GUEST, "trading", "buy", "--recover", channel, "--timeout", "150")
    assert back.status == Exit.DONE, back.error
    told = back.value
    assert (told["phase"], told["reason"]) == ("ended", "disk_lost")
    assert shop.wealth(shop.stage.account_of(GUEST)) == before - int(told["cost"])
