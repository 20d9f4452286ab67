"""What commands of trading say to do next, where somebody would else stand before a closed door."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CHANNEL, POLICY, TERMS

from edgemark.amounts import Amount
from edgemark.chronicle.marks import Mark
from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.cli.trading.buying.errand import SellerAway, telling_absence
from edgemark.cli.trading.buying.staying import is_ordered_in, naming_when_interrupted
from edgemark.cli.trading.watching import SellerAtWork, check_at_rest
from edgemark.errors import RefusedInput
from edgemark.files import hold_lock
from edgemark.identifiers import Hash32, Timestamp, Tokens, parse_address
from edgemark.systems.trading.buyer.market.bidding import AboveDeployment, check_allowed
from edgemark.systems.trading.buyer.market.choosing import SellerUnreachable
from edgemark.systems.trading.buyer.market.programs import Listed, not_listed
from edgemark.systems.trading.buyer.orders.ordering import Lot
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.amounts import Division, End
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.seller import claiming
from edgemark.systems.trading.seller.claiming import ChannelNotOpen, check_open, draft_claims
from edgemark.systems.trading.story.story import ChannelStory, Deed, Ended, PaidUp
from edgemark.systems.trading.story.telling import as_facts, tell

AGREED = Purchase(agreement=AGREEMENT, policy=POLICY, phase=BuyerPhase.AGREED)
MARK = Mark(1, Timestamp(START), Hash32(bytes(32)))


def desk_of(home: Path, state: Purchase | None, lots: tuple[Lot, ...] = ()) -> Any:
    """A desk that only looks: no party is needed to say what a home has."""

    def look(_: object) -> Purchase:
        if state is None:
            raise RefusedInput("is unknown here")
        return state

    shelf = SimpleNamespace(lots=lambda _: list(lots))
    return SimpleNamespace(station=SimpleNamespace(home=home), state=look, shelf=shelf)


@pytest.mark.parametrize(("last", "is_ordered"), [(0, False), (2, True)], ids=["agreed", "ordered"])
def test_interrupting_a_purchase__says_how_to_order_where_nothing_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], last: int, is_ordered: bool
) -> None:
    desk = desk_of(tmp_path, replace(AGREED, last_number=last))
    with pytest.raises(KeyboardInterrupt), naming_when_interrupted(desk, CHANNEL):
        raise KeyboardInterrupt
    told = capsys.readouterr().err
    assert f"edgemark buyer run --home {tmp_path}" in told
    assert f"edgemark trading close {CHANNEL.hex()}" in told
    assert (f"edgemark trading buy --in {CHANNEL.hex()} --home {tmp_path}" in told) != is_ordered


def test_is_ordered_in__of_a_lot_that_lies_on_the_shelf__holds(tmp_path: Path) -> None:
    lot: Any = object()
    assert is_ordered_in(desk_of(tmp_path, AGREED, (lot,)), CHANNEL)
    assert not is_ordered_in(desk_of(tmp_path, None), CHANNEL)


@pytest.mark.parametrize("phase", list(ChannelPhase))
def test_check_open__of_a_channel_that_is_not__names_its_phase(phase: ChannelPhase) -> None:
    if phase is ChannelPhase.OPEN:
        check_open(CHANNEL, phase)
        return
    with pytest.raises(ChannelNotOpen) as refused:
        check_open(CHANNEL, phase)
    word = phase.name.lower().replace("_", " ")
    assert f"had {word}; needed open" in str(refused.value)
    assert "edgemark" in refused.value.remedy


def test_a_claim_in_one_channel_that_ended__is_refused_before_it_is_drafted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "find_sale", lambda *_: None)  # it is known, whatever of it
    phases = SimpleNamespace(phases=lambda wanted, **_: [ChannelPhase.ENDED] * len(wanted))
    station: Any = SimpleNamespace(home=tmp_path, escrow=phases)
    with pytest.raises(ChannelNotOpen, match=f"edgemark trading explain {CHANNEL.hex()}"):
        draft_claims(station, [CHANNEL], is_end=True)


def test_compensate__beside_a_seller_that_runs__says_that_it_does_it(tmp_path: Path) -> None:
    check_at_rest(tmp_path)
    hold_lock(tmp_path / "seller.journal")
    with pytest.raises(SellerAtWork, match="by itself") as refused:
        check_at_rest(tmp_path)
    assert "edgemark trading watched" in refused.value.remedy


ENDED = Ended(MARK, End(ChannelEnding.CLAIMED, 120, Division(90, TERMS.deposit + TERMS.bond - 120)))


@pytest.mark.parametrize(
    ("deeds", "paid"),
    [
        ((), 0),
        ((PaidUp(MARK, 1, Tokens(30)),), 30),
        ((PaidUp(MARK, 1, Tokens(30)), ENDED), 120),
    ],
    ids=["opened", "paid", "ended"],
)
def test_what_is_paid_of_a_channel__is_told_with_its_end(
    deeds: tuple[Deed, ...], paid: int
) -> None:
    place = (31337, parse_address(bytes([9]) * 20), CHANNEL, TERMS, MARK)
    story = ChannelStory(*place, deeds, (), (), (), 1, Timestamp(START))
    assert as_facts(story)["paid"] == Amount(paid)
    head = tell(story, str).splitlines()[3]
    assert f"paid {Amount(paid)}, bond" in head


def test_a_seller_that_never_served__is_told_as_one_to_ask_later() -> None:
    with pytest.raises(SellerAway, match="ask later") as away, telling_absence():
        raise SellerUnreachable("does not say where it serves", who="did:x", remedy="ask later")
    assert exit_of(away.value) is Exit.LEDGER_UNAVAILABLE
    assert away.value.who == "did:x"


def test_a_deposit_above_what_the_escrow_takes__is_refused_by_name() -> None:
    for fine in (None, Tokens(0), Tokens(1000)):
        check_allowed(fine, Tokens(1000))
    with pytest.raises(AboveDeployment, match="--deposit") as refused:
        check_allowed(Tokens(1001), Tokens(1000))
    assert refused.value.had == Amount(1001)


def test_a_program_of_a_seller_without_any__is_to_be_asked_of_another() -> None:
    none = not_listed("count-lines", [])
    assert "Name one of these" not in str(none)
    assert "runs no programs" in str(none)
    listed = Listed("sort", Hash32(bytes(32)), data_bytes=1, output_bytes=1, cpu_s=1)
    assert "had sort. Name one of these" in str(not_listed("count-lines", [listed]))
