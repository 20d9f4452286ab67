"""What both parties sign, asked for by commands: deposit back, the next controller, or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from tests.end_to_end.trading.shop import COST, Shop, compute_right, open_shop
from tests.stage.command_line import Finished
from tests.stage.playhouse import start_usually, whole_stage
from tests.waiting import wait_until

from edgemark.cli.terminal.exits import Exit
from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.evm.stage import PARTY_TOKENS
from edgemark.files import find_holder
from edgemark.systems.trading.demo.cast import (
    BUYER_SETTINGS,
    CONTROLLER_SETTINGS,
    SELLER_SETTINGS,
    TradingStage,
)
from edgemark.systems.trading.station.contracts import CONTROLLER

pytestmark = whole_stage(120)

MTC = 10**18
PATIENCE_S = 45  # with the other's word; one that comes is confirmed in a few blocks


@dataclass
class TwoControllers(TradingStage):
    """A second controller is bonded, and nobody names it yet."""

    seller_settings: dict[str, object] = field(
        default_factory=lambda: {**SELLER_SETTINGS, "trading.seller.patience_s": PATIENCE_S}
    )

    @property
    def buying(self) -> list[EvmActor]:
        return self.actors[2:3]

    @property
    def next_controller(self) -> EvmActor:
        return self.actors[3]

    def draft_cast(self) -> list[EvmActor]:
        cast = super().draft_cast()
        cast[2].settings = {**BUYER_SETTINGS, "trading.buyer.patience_s": PATIENCE_S}
        second = EvmActor.draft(self.folder, "controller", 2, role=CONTROLLER)
        second.tokens, second.settings = PARTY_TOKENS, CONTROLLER_SETTINGS
        return [*cast, second]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> TwoControllers:
    folder = tmp_path_factory.mktemp("agreeing")
    return TwoControllers(folder / "stage", settings={"party.poll_s": 0.3}, start_limit_s=300.0)


@pytest.fixture(scope="module")
def shop(stage: TwoControllers) -> Iterator[Shop]:
    with open_shop(stage, stage.folder.parent) as opened:
        yield opened


def begin(shop: Shop, out: str) -> str:
    """A channel with the first controller, open, with work that was paid for."""
    offer, controller = shop.stage.market.offer.hex(), shop.stage.controller.account
    words = ("--deposit", "2", "--keep-open", "--controller", str(controller))
    done = shop.buy(shop.buyers_home, offer, *words, out=out)
    assert done.status == Exit.DONE, done.error
    channel = str(done.value["channel"])

    def is_paid_for() -> bool:
        told = shop.run(shop.buyers_home, "trading", "status", channel)
        return bool(told.value["vouchers"])

    wait_until("its bill is signed", is_paid_for, look_s=0.5)
    return channel


def amend(shop: Shop, home: str, channel: str, to: EvmActor, *words: str) -> Finished:
    return shop.run(home, "trading", "amend", channel, "--controller", str(to.account), *words)


def close(shop: Shop, channel: str) -> Finished:
    over = shop.run(shop.buyers_home, "trading", "close", channel, "--timeout", "150")
    assert over.status == Exit.DONE, over.error
    return over


def test_deposit_that_is_not_used__comes_back_by_both_words(shop: Shop) -> None:
    home, buyer = shop.buyers_home, shop.stage.buying[0].account
    channel = begin(shop, "reduced.json")
    before = shop.wealth(buyer)
    dry = shop.run(home, "trading", "reduce", channel, "1.5", "--dry-run")
    assert (dry.status, dry.value["deposit"]) == (Exit.DONE, str(MTC // 2)), dry.error
    much = shop.run(home, "trading", "reduce", channel, "2")
    assert (much.status, much.value["error"]) == (Exit.REFUSED_INPUT, "NotReduced")
    back = shop.run(home, "trading", "reduce", channel, "1.5", "--timeout", "100")
    assert (back.status, back.value["deposit"]) == (Exit.DONE, str(MTC // 2)), back.error
    assert shop.wealth(buyer) == before + 3 * MTC // 2
    over = close(shop, channel)
    assert (over.value["ending"], int(over.value["cost"])) == ("claimed", COST)


def test_both_keys__change_and_the_channel_goes_on(shop: Shop, stage: TwoControllers) -> None:
    home, seller = shop.buyers_home, stage.seller.home.name
    channel = begin(shop, "keys.json")
    stage.seller.kill()  # the command serves meanwhile
    keys = set()
    for name, account in ((seller, stage.seller.account), (home, stage.buying[0].account)):
        if name == home:
            start_usually(stage.seller)
        done = shop.run(name, "trading", "amend", channel, "--new-key", "--timeout", "100")
        assert (done.status, done.value["done"]) == (Exit.DONE, "named"), done.error
        assert done.value["key"] != account
        assert (
            shop.stage.folder / name / "keys" / "channels" / f"{done.value['key']}.key"
        ).exists()
        keys.add(done.value["key"])
    assert len(keys) == 2
    stage.buying[0].kill()  # the next life finds its key
    start_usually(stage.buying[0])
    # else the command takes the home, and then nobody stays there to sign bills
    wait_until("the buyer", lambda: find_holder(stage.buying[0].home / "buyer.journal"))
    more = shop.buy(home, "--in", channel, "--keep-open", out="keyed.json")
    assert more.status == Exit.DONE, more.error
    assert shop.read("keyed.json") == compute_right()
    assert int(close(shop, channel).value["cost"]) == 2 * COST


def test_a_controller_that_the_seller_does_not_take__is_not_waited_for_long(
    shop: Shop, stage: TwoControllers
) -> None:
    channel = begin(shop, "refused.json")
    home, seller = shop.buyers_home, stage.seller.home.name
    same = amend(shop, home, channel, stage.controller)
    party = amend(shop, seller, channel, stage.seller)
    nobody = amend(shop, home, channel, stage.buying[0])
    for done in (same, party, nobody):
        assert (done.status, done.value["error"]) == (Exit.REFUSED_INPUT, "NotAmended"), done.error
    refused = amend(shop, home, channel, stage.next_controller, "--timeout", "150")
    assert (refused.status, refused.value["error"]) == (Exit.PEER_FAULT, "NotAgreed")
    over = close(shop, channel)
    assert (over.value["reason"], int(over.value["cost"])) == ("controller_lost", COST)
    assert over.value["controller"] == stage.controller.account


def test_the_next_controller__is_named_by_both_when_the_first_is_gone(
    shop: Shop, stage: TwoControllers
) -> None:
    home, seller, second = shop.buyers_home, stage.seller.home.name, stage.next_controller
    channel = begin(shop, "before.json")
    had = shop.run(home, "trading", "status", channel).value
    stage.controller.kill()
    wanted = amend(shop, seller, channel, second, "--no-wait")
    assert (wanted.status, wanted.value["done"]) == (Exit.DONE, "wanted"), wanted.error
    named = amend(shop, home, channel, second, "--timeout", "100")
    assert named.status == Exit.DONE, named.error
    assert (named.value["controller"], named.value["epoch"]) == (second.account, 1)

    more = shop.buy(home, "--in", channel, "--keep-open", out="after.json")
    assert more.status == Exit.DONE, more.error
    assert shop.read("after.json") == compute_right()
    over = close(shop, channel).value
    assert (over["controller"], int(over["cost"])) == (second.account, 2 * COST)
    assert over["vouchers"] > had["vouchers"] >= 1
    assert over["credential"] > had["vouchers"], "the second issues where the first left off"
