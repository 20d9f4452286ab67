"""What a party takes, and drafts, of what both sign beside vouchers: each refusal says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import KEYS, START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    CHANNEL,
    DOMAIN,
    METERED,
    NEXT,
    OPENED,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    SELLER_OPENING,
    TERMS,
    THIEF,
    draft_proposal,
)

from edgemark.crypto.ethereum.secp256k1 import BadSignature, SecretKey
from edgemark.identifiers import NOBODY, Timestamp, Tokens, format_time
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.buyer.agreeing import DepositFinal, check_top_up
from edgemark.systems.trading.buyer.checking import (
    NotReduced,
    check_reducing_back,
    draft_reducing,
)
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.checking import (
    AmendmentRefused,
    check_amending,
    draft_amending,
    draft_consent,
)
from edgemark.systems.trading.protocol.accords.messages import Amending, Reducing
from edgemark.systems.trading.protocol.agreement import BlocksStopped, Head, Reason
from edgemark.systems.trading.protocol.life import step
from edgemark.systems.trading.protocol.messages import Request
from edgemark.systems.trading.seller.admission import ReductionRefused, check_reducing
from edgemark.systems.trading.seller.sale import Sale

HEAD = Head(START + 5, START + 5)
OLD = Head(START + 99, START + 5)
SOON = Timestamp(START + 40)
NEXT_PAYER, NEXT_SELLER = KEYS["payer's next key"], KEYS["seller's next key"]


def serving(**changes: Any) -> Sale:
    sale = Sale()
    for event in (on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        sale, _ = step(sale, event)
    return replace(sale, **changes)


def buying(**changes: Any) -> Purchase:
    purchase = Purchase()
    for event in (on.AskedBuy(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        purchase, _ = step(purchase, event)
    return replace(purchase, **changes)


def word(key: SecretKey = PAYER_KEY, amount: int = 12, **signers: Any) -> Amending:
    changed = replace(TERMS.signers, **(signers or {"payer_key": NEXT_PAYER.address}))
    told = (0, Tokens(amount), changed, SOON)
    return Amending(*told, key.sign(DOMAIN.amendment(CHANNEL, *told)))


def hear(sale: Sale, amending: Amending, head: Head = HEAD) -> accord.HeardAmending | None:
    limits = {"least": 12, "most": TERMS.deposit}
    return check_amending(sale, amending, PAYER_KEY.address, DOMAIN, head, **limits)


# --- the last second -----------------------------------------------------------------------------


def test_amendment__counts_no_longer_than_the_chain_takes_one() -> None:
    last = TERMS.expires_at
    drafted = draft_amending(serving(next_key=NEXT_SELLER.address), 12, Head(last - 1, last - 1))
    assert drafted.valid_until == last
    others = replace(word(), valid_until=TERMS.close_by)
    with pytest.raises(AmendmentRefused, match="amount or time"):
        hear(serving(), others, Head(last + 1, last + 1))
    with pytest.raises(BadSignature):  # which alone is wrong in the last second
        hear(serving(), others, Head(last, last))


@pytest.mark.parametrize("after", [-1, 0, 1])
def test_top_up__is_refused_with_the_time_before_anything_is_brought_in(after: int) -> None:
    purchase = buying()
    at = purchase.service_ends + after
    if after <= 0:
        check_top_up(purchase, at)
        return
    with pytest.raises(DepositFinal, match=format_time(purchase.service_ends)):
        check_top_up(purchase, at)


def test_top_up_of_a_channel_that_was_stopped__is_refused() -> None:
    stopped, _ = step(buying(), on.AskedStop(Timestamp(START + 5)))
    with pytest.raises(DepositFinal, match="stopped"):
        check_top_up(stopped, START + 6)


# --- another key -------------------------------------------------------------------------------


def test_the_others_next_key__is_taken_and_consented_to_for_a_short_time() -> None:
    heard = hear(serving(), word())
    assert heard == accord.HeardAmending(word())
    sale, owed = step(serving(), heard)
    assert owed == (do.SignConsent(),)
    draft = draft_consent(sale, HEAD)
    assert draft == replace(word(), valid_until=SOON, signature=b"")
    late = replace(sale, offered=replace(word(), valid_until=TERMS.close_by))
    assert draft_consent(late, HEAD).valid_until == HEAD.block + POLICY.patience_s
    at_last = Head(sale.service_ends - 1, sale.service_ends - 1)
    assert draft_consent(late, at_last).valid_until == sale.service_ends
    consented, owed = step(sale, accord.FoundConsent(replace(draft, signature=bytes(65))))
    assert owed == (do.SendConsent(),)
    assert hear(consented, word()) is None
    with pytest.raises(AmendmentRefused, match="another key waits"):
        hear(consented, word(payer_key=THIEF.address))


@pytest.mark.parametrize(
    "signers",
    [
        {"payer_key": NOBODY},
        {"payer_key": TERMS.seller_key},
        {"payer_key": TERMS.payer_key},
        {"seller_key": NEXT_SELLER.address},
        {"payer_key": NEXT_PAYER.address, "seller_key": NEXT_SELLER.address},
        {"payer_key": NEXT_PAYER.address, "epoch": 1},
        {"payer_key": NEXT_PAYER.address, "controller": THIEF.address, "epoch": 1},
    ],
)
def test_keys_that_this_party_does_not_take__are_refused(signers: dict[str, Any]) -> None:
    with pytest.raises(AmendmentRefused):
        hear(serving(), word(**signers))


def test_the_payers_next_key__is_not_taken_while_a_bill_is_out_nor_below_what_is_signed() -> None:
    out = serving(proposed=draft_proposal(30), asked_at=Timestamp(START + 1), last_index=1)
    with pytest.raises(AmendmentRefused, match="while a bill is out"):
        hear(out, word())
    assert hear(out, word(controller=NEXT.address, epoch=1)) is not None, "another's does not harm"
    with pytest.raises(AmendmentRefused, match="amount or time"):
        hear(serving(), word(amount=11))
    with pytest.raises(BlocksStopped):
        hear(serving(), word(), OLD)
    with pytest.raises(AmendmentRefused, match="after the end"):
        hear(serving().stop(Reason.EXPIRED), word())
    with pytest.raises(BadSignature):
        hear(serving(), word(THIEF))
    with pytest.raises(IllegalMove):
        step(out, accord.HeardAmending(word()))


def test_consent_to_what_was_not_asked__is_no_move() -> None:
    sale, _ = step(serving(), accord.HeardAmending(word()))
    for other in (word(amount=13), word(payer_key=THIEF.address)):
        with pytest.raises(IllegalMove):
            step(sale, accord.FoundConsent(other))
    with pytest.raises(IllegalMove):
        step(serving(), accord.FoundConsent(word()))
    stopped, _ = step(sale, on.AskedStop(Timestamp(START + 6)))
    with pytest.raises(IllegalMove):
        step(stopped, accord.FoundConsent(word()))


def test_ones_own_next_key__is_signed_for_with_the_controller_and_brought_with_consent() -> None:
    purchase, owed = step(buying(), accord.AskedKey(NEXT_PAYER.address))
    assert owed == (do.SignAmending(),)
    asked, _ = step(purchase, accord.AskedController(NEXT.address, Timestamp(START + 5)))
    drafted = draft_amending(asked, 0, HEAD)
    assert drafted.signers.keys == (NEXT_PAYER.address, TERMS.seller_key)
    assert (drafted.signers.controller, drafted.signers.epoch) == (NEXT.address, 1)
    purchase, owed = step(purchase, accord.FoundAmending(draft_amending(purchase, 0, HEAD)))
    assert owed == (do.SendAmending(),)
    consent = word(SELLER_KEY, 0)
    limits = {"least": 0, "most": 0}
    heard = check_amending(purchase, consent, SELLER_KEY.address, DOMAIN, HEAD, **limits)
    assert heard == accord.HeardAmending(consent)
    _, owed = step(purchase, heard)
    assert owed == (do.SubmitAmending(),)
    with pytest.raises(AmendmentRefused):
        check_amending(buying(), consent, SELLER_KEY.address, DOMAIN, HEAD, **limits)


def test_what_lapsed__is_not_counted_on_and_asked_for_again() -> None:
    purchase, _ = step(buying(), accord.AskedKey(NEXT_PAYER.address))
    purchase, _ = step(purchase, accord.FoundAmending(word()))
    same, _ = step(purchase, accord.SawLapsed(SOON))
    assert same.amending == word(), "its last second is not past"
    anew, owed = step(purchase, accord.SawLapsed(Timestamp(SOON + 1)))
    assert (anew.amending, owed) == (None, (do.SignAmending(),))


# --- deposit that goes back --------------------------------------------------------------------


def asking(amount: int = 300, **changes: Any) -> Reducing:
    return replace(Reducing(0, Tokens(amount), SOON), **changes)


def test_deposit_that_is_not_needed__goes_back_for_a_short_time() -> None:
    heard = check_reducing(serving(), asking(), METERED, HEAD)
    assert heard == accord.HeardReducing(asking())
    long = asking(valid_until=TERMS.close_by, signature=bytes(65))
    heard = check_reducing(serving(), long, METERED, HEAD)
    assert heard is not None
    assert heard.reducing == asking(valid_until=Timestamp(HEAD.block + POLICY.patience_s))
    sale, owed = step(serving(), heard)
    assert (sale.covered, owed) == (TERMS.deposit - 300, (do.SignReducing(),))
    assert check_reducing(sale, long, METERED, HEAD) is None
    with pytest.raises(ReductionRefused, match="one at a time"):
        check_reducing(sale, asking(301), METERED, HEAD)
    sale, owed = step(sale, accord.FoundReducing(replace(heard.reducing, signature=bytes(65))))
    assert owed == (do.SendReducing(),)
    with pytest.raises(IllegalMove):
        step(sale, accord.FoundReducing(asking(1)))


def test_deposit_for_work_in_hand__does_not_go_back() -> None:
    sale, _ = step(serving(), on.HeardRequest(Request(1, 4, b"work")))
    most = TERMS.deposit - 12
    assert check_reducing(sale, asking(most), METERED, HEAD) is not None
    with pytest.raises(ReductionRefused, match="is needed here"):
        check_reducing(sale, asking(most + 1), METERED, HEAD)
    out = serving(proposed=draft_proposal(30), asked_at=Timestamp(START + 1), used=(10,))
    out = replace(out, last_index=1)
    assert check_reducing(out, asking(TERMS.deposit - 30), METERED, HEAD) is not None
    with pytest.raises(ReductionRefused, match="is needed here"):
        check_reducing(out, asking(TERMS.deposit - 29), METERED, HEAD)
    with pytest.raises(IllegalMove):
        step(out, accord.HeardReducing(asking(TERMS.deposit - 29)))


@pytest.mark.parametrize(
    "bad",
    [
        asking(0),
        asking(TERMS.deposit + 1),
        asking(2**96 - 1),
        asking(number=1),
        asking(valid_until=Timestamp(START + 4)),
    ],
    ids=str,
)
def test_a_reduction_that_is_none__is_refused(bad: Reducing) -> None:
    with pytest.raises(ReductionRefused):
        check_reducing(serving(), bad, METERED, HEAD)
    with pytest.raises(BlocksStopped):
        check_reducing(serving(), asking(), METERED, OLD)


def test_a_reduction_after_the_end_of_service__is_refused() -> None:
    stopped, _ = step(serving(), on.AskedStop(Timestamp(START + 5)))
    with pytest.raises(ReductionRefused, match="is out of time"):
        check_reducing(stopped, asking(), METERED, HEAD)


def test_the_sellers_word__is_for_what_was_asked_and_by_its_key() -> None:
    def back(key: SecretKey = SELLER_KEY, **changes: Any) -> Reducing:
        said = asking(**changes)
        digest = DOMAIN.reduction(CHANNEL, said.number, said.amount, said.valid_until)
        return replace(said, signature=key.sign(digest))

    purchase, owed = step(buying(), draft_reducing(buying(), TERMS.deposit - 300, HEAD))
    assert owed == (do.SendReducing(),)
    heard = check_reducing_back(purchase, back(), DOMAIN, HEAD)
    assert heard == accord.HeardReducingBack(back())
    told, owed = step(purchase, heard)
    assert owed == (do.SubmitReduce(),)
    assert check_reducing_back(told, back(), DOMAIN, HEAD) is None
    for bad in (
        back(amount=301),
        back(amount=299),
        back(number=1),
        back(valid_until=Timestamp(START)),
    ):
        with pytest.raises(NotReduced):
            check_reducing_back(purchase, bad, DOMAIN, HEAD)
    with pytest.raises(NotReduced):
        check_reducing_back(buying(), back(), DOMAIN, HEAD)
    for key in (PAYER_KEY, THIEF):
        with pytest.raises(BadSignature):
            check_reducing_back(purchase, back(key), DOMAIN, HEAD)


@pytest.mark.parametrize("deposit", [-1, 29, TERMS.deposit, TERMS.deposit + 1, 2**96])
def test_a_deposit_that_is_no_reduction__is_not_asked_for(deposit: int) -> None:
    signed = buying(paid=Tokens(30))
    with pytest.raises(NotReduced, match="not reduced to this"):
        draft_reducing(signed, deposit, HEAD)
    assert draft_reducing(signed, 30, HEAD).reducing.amount == TERMS.deposit - 30
