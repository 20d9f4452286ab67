"""What a controller issues: a voucher that both signed, one for an index and epoch (A54, T21)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    CHANNEL,
    CONTROLLER,
    DOMAIN,
    NEXT,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    TERMS,
    THIEF,
    draft_proposal,
    sign_voucher,
)

from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.errors import PeerFault
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove, NotOwed
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.controller.checking import IndexTwice, NotIssued, check_settlement
from edgemark.systems.trading.controller.desk import (
    MAX_OLDER,
    Desk,
    credential_of,
    is_back,
    observe_desk,
)
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.agreement import BlocksStopped, Head
from edgemark.systems.trading.protocol.life import ControllerPhase, step
from edgemark.systems.trading.protocol.messages import Credential, Settlement
from edgemark.systems.trading.protocol.views.view import ChannelView

HEAD = Head(START + 5, START + 5)


def settlement(amount: int = 30, index: int = 1, **changes: Any) -> Settlement:
    """A bill with both signatures."""
    keys = {"payer": changes.pop("payer", PAYER_KEY), "seller": changes.pop("seller", SELLER_KEY)}
    bill = draft_proposal(amount, index, key=keys["seller"], **changes)
    return Settlement(bill, sign_voucher(bill.voucher, keys["payer"]))


def credential(index: int = 1, content: bytes = b"one") -> Credential:
    voucher = draft_proposal(30 * index, index).voucher
    return Credential(voucher, content, bytes(65))


def issuing(count: int = 0) -> Desk:
    """A desk that issued so many."""
    desk, _ = step(Desk(), at.SawNamed(AGREEMENT, TERMS.signers, TERMS.deposit))
    for index in range(1, count + 1):
        desk, owed = step(desk, at.HeardSettlement(settlement(30 * index, index)))
        assert owed == (do.Issue(index),)
        desk, _ = step(desk, at.FoundIssued(credential(index)))
    return desk


def check(told: Settlement, desk: Desk, head: Head = HEAD) -> at.HeardSettlement | None:
    me = CONTROLLER.address
    return check_settlement(desk, told, DOMAIN, head, me, POLICY.stale_after_s)


def test_a_voucher_of_both__is_issued_written_down_and_then_sent_to_both() -> None:
    told = check(settlement(), issuing())
    desk, owed = step(issuing(), told)
    assert owed == (do.Issue(1),)
    desk, owed = step(desk, at.FoundIssued(credential()))
    assert owed == (do.SendCredential(1, True), do.SendCredential(1, False))
    for is_buyer in (True, False):
        desk, _ = step(desk, at.HeardCredentialTaken(1, is_buyer))
    assert desk.owed() == ()
    assert check(settlement(), desk) is None, "it has its credential"


BAD = {
    "another controller": (settlement(60, 3, voucher={"controller": NEXT.address}), NotIssued),
    "another epoch": (settlement(60, 3, voucher={"epoch": 1}), NotIssued),
    "another template": (
        settlement(60, 3, voucher={"template_hash": Hash32(bytes(32))}),
        NotIssued,
    ),
    "index goes back": (settlement(90, 1), NotIssued),
    "amount goes down": (settlement(59, 3), NotIssued),
    "above the deposit": (settlement(1002, 3), NotIssued),
    "another voucher of its index": (settlement(61, 2), IndexTwice),
    "payer did not sign": (settlement(90, 3, payer=THIEF), BadSignature),
    "seller did not sign": (settlement(90, 3, seller=THIEF), BadSignature),
    "the seller for both": (settlement(90, 3, payer=SELLER_KEY), BadSignature),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_voucher__has_no_credential(name: str) -> None:
    told, error = BAD[name]
    with pytest.raises(error) as caught:
        check(told, issuing(2))
    assert caught.value.who


def test_a54_two_vouchers_of_one_index__are_the_parties_fault_and_only_one_is_issued() -> None:
    due, _ = step(issuing(), at.HeardSettlement(settlement(30)))
    for desk in (due, issuing(1)):
        with pytest.raises(IndexTwice) as caught:
            check(settlement(31), desk)
        assert isinstance(caught.value, PeerFault)
        with pytest.raises(IllegalMove):
            step(desk, at.HeardSettlement(settlement(31)))
    with pytest.raises(IllegalMove):
        step(issuing(1), at.FoundIssued(credential(1, b"two")))


def test_t25_an_old_block__nothing_is_issued() -> None:
    with pytest.raises(BlocksStopped):
        check(settlement(), issuing(), Head(START + 99, START + 5))
    due, _ = step(issuing(), at.HeardSettlement(settlement()))
    stopped, _ = step(due, on.SawBlocksStop())
    assert stopped.owed() == ()


def test_while_one_is_issued__the_next_waits() -> None:
    due, _ = step(issuing(), at.HeardSettlement(settlement()))
    with pytest.raises(NotIssued, match="another is being issued"):
        check(settlement(60, 2), due)


def test_evidence__is_every_n_credentials_and_always_of_the_last() -> None:
    desk = issuing(2)
    assert do.SubmitEvidence(2) in desk.owed()
    desk, _ = step(desk, at.SawEvidence(2))
    assert do.SubmitEvidence(2) not in desk.owed()
    more, _ = step(desk, at.HeardSettlement(settlement(90, 3)))
    more, _ = step(more, at.FoundIssued(credential(3)))
    assert do.SubmitEvidence(3) not in more.owed()
    closed, owed = step(more, on.SawClosing(ChannelPhase.CLOSING_BY_PAYER, Tokens(0), Timestamp(9)))
    assert do.SubmitEvidence(3) in owed
    ended, _ = step(closed, on.SawEnded(ChannelEnding.SETTLED, Tokens(90)))
    assert not ended.is_finished
    recorded, _ = step(ended, at.SawEvidence(3))
    assert recorded.is_finished


def test_n__follows_the_queue_within_what_the_template_allows() -> None:
    desk, most = issuing(), AGREEMENT.conditions.most_cycles
    for waiting, least, cycles in ((10**4, 1, 4), (10**4, 1, most), (0, 1, 7), (0, 99, most)):
        desk, _ = step(desk, at.FoundQueue(waiting, least))
        assert desk.cycles == cycles


def test_credentials_that_somebody_lacks__are_handed_over_until_there_are_too_many() -> None:
    desk = issuing(MAX_OLDER + 4)
    assert len(desk.lacked) == MAX_OLDER + 1
    oldest = desk.lacked[0].voucher.index
    assert desk.credential(oldest) is not None
    for is_buyer in (True, False):
        desk, _ = step(desk, at.HeardCredentialTaken(oldest, is_buyer))
    assert desk.credential(oldest) is None
    assert do.SendCredential(oldest + 1, True) in desk.owed()


def test_t21_a_controller_that_was_dismissed__issues_nothing_and_gives_evidence() -> None:
    view = ChannelView(ChannelPhase.OPEN, Timestamp(START + 9), deposit=TERMS.deposit)
    moved = replace(TERMS.signers, controller=NEXT.address, epoch=1)
    due, _ = step(issuing(1), at.HeardSettlement(settlement(60, 2)))
    (dismissed,) = observe_desk(due, AGREEMENT, replace(view, signers=moved), CONTROLLER.address)
    closed, _ = step(due, dismissed)
    assert (closed.phase, closed.due) == (ControllerPhase.CLOSED, None)
    assert do.SubmitEvidence(1) in closed.owed()
    with pytest.raises(IllegalMove):
        step(closed, at.FoundIssued(credential(2)))
    (named,) = observe_desk(Desk(), AGREEMENT, replace(view, signers=moved), NEXT.address)
    assert named == at.SawNamed(AGREEMENT, moved, TERMS.deposit)
    assert observe_desk(Desk(), AGREEMENT, replace(view, signers=moved), THIEF.address) == []
    assert AGREEMENT.channel == CHANNEL


def test_t21_a_controller_that_is_named_again__issues_above_what_it_issued() -> None:
    view = ChannelView(ChannelPhase.OPEN, Timestamp(START + 9), deposit=TERMS.deposit)
    moved = replace(TERMS.signers, controller=NEXT.address, epoch=1)
    back = replace(TERMS.signers, epoch=2)
    me = CONTROLLER.address
    due, _ = step(issuing(1), at.HeardSettlement(settlement(60, 2)))
    desk, _ = step(due, at.SawDismissed())
    assert observe_desk(desk, AGREEMENT, replace(view, signers=moved), me) == []
    (named,) = observe_desk(desk, AGREEMENT, replace(view, signers=back), me)
    desk, _ = step(desk, named)
    assert (desk.phase, desk.in_force, desk.last) == (ControllerPhase.ISSUING, back, 1)
    with pytest.raises(NotIssued, match="controller"):
        check(settlement(90, 3), desk)
    told = check(settlement(90, 3, voucher={"epoch": 2}), desk)
    desk, owed = step(desk, told)
    assert do.Issue(3) in owed
    skipped, _ = step(due, on.SawAmended(back))  # both happened between two looks
    assert (skipped.in_force, skipped.due) == (back, None)


def test_a_desk_that_gave_its_place_up__owes_evidence_and_its_last_index_alone() -> None:
    due, _ = step(issuing(2), at.HeardSettlement(settlement(90, 3)))
    away, _ = step(due, at.FoundDisplaced())
    assert (away.phase, away.due) == (ControllerPhase.DISPLACED, None)
    assert away.owed() == (do.KeepFloor(2), do.SubmitEvidence(2))
    away, _ = step(away, at.SawEvidence(2))
    assert not away.is_finished
    away, owed = step(away, at.FoundFloorKept())
    assert (away.is_finished, owed) == (True, ())
    nothing, owed = step(issuing(), at.FoundDisplaced())
    assert (nothing.is_finished, owed) == (True, ())
    named = at.SawNamed(AGREEMENT, TERMS.signers, TERMS.deposit, floor=2)
    anew, owed = step(Desk(), named)
    assert (anew.last, anew.index, owed) == (2, 0, ())
    for index in (1, 2):
        with pytest.raises(NotIssued, match="goes back"):
            check(settlement(90, index), anew)
        with pytest.raises(IllegalMove):
            step(anew, at.HeardSettlement(settlement(90, index)))
    assert check(settlement(90, 3), anew) is not None
    view = ChannelView(ChannelPhase.OPEN, Timestamp(START + 9), deposit=TERMS.deposit)
    ended = replace(view, phase=ChannelPhase.ENDED, ending=ChannelEnding.CLAIMED)
    assert observe_desk(away, AGREEMENT, ended, CONTROLLER.address) == []


WORDS = at.HeardInitiation(b"p" * 65, b"s" * 65)


def test_both_parties_word__is_brought_to_the_chain_once_also_after_the_end() -> None:
    desk, owed = step(issuing(), WORDS)
    assert do.SubmitInitiation() in owed
    ended, _ = step(desk, on.SawEnded(ChannelEnding.CLAIMED, Tokens(0)))
    assert (ended.owed(), ended.is_finished) == ((do.SubmitInitiation(),), False)
    for begun in (desk, ended):
        done, _ = step(begun, at.SawInitiation())
        assert do.SubmitInitiation() not in done.owed()
        assert not done.wants_initiation
    assert step(ended, at.SawInitiation())[0].is_finished
    again, _ = step(step(desk, at.SawInitiation())[0], WORDS)
    assert (again.initiation, do.SubmitInitiation() in again.owed()) == (None, False)


def test_a_channel_of_which_nobody_gave_a_word__owes_nothing_for_it() -> None:
    ended, _ = step(issuing(), on.SawEnded(ChannelEnding.CLAIMED, Tokens(0)))
    assert (ended.owed(), ended.is_finished) == ((), True)
    assert not ended.wants_initiation


def test_bill_that_is_proposed_anew__has_a_credential_at_the_same_amount() -> None:
    """Its seller gave it the next index, as keys or controller had changed."""
    assert check(settlement(60, 3), issuing(2)) is not None
    assert check(settlement(TERMS.deposit, 3), issuing(2)) is not None, "all of it"
    with pytest.raises(NotIssued, match="index or amount goes back"):
        check(settlement(59, 3), issuing(2))


def test_word_for_the_first_evidence__is_wanted_once() -> None:
    desk, word = issuing(), at.HeardInitiation(bytes(65), bytes(65))
    assert desk.wants_initiation
    told, _ = step(desk, word)
    assert not told.wants_initiation
    done, _ = step(told, at.SawInitiation())
    assert (done.wants_initiation, done.initiation) == (False, None)
    assert not replace(desk, phase=ControllerPhase.ENDED).wants_initiation


def test_desk__is_taken_up_again_only_where_it_was_dismissed_and_is_named_in_a_later_epoch() -> (
    None
):
    me = CONTROLLER.address
    closed = replace(issuing(), phase=ControllerPhase.CLOSED)
    later = replace(TERMS.signers, epoch=1)
    view = ChannelView(ChannelPhase.OPEN, Timestamp(START), signers=later)
    assert is_back(closed, view, me)
    assert not is_back(issuing(), view, me)
    assert not is_back(closed, replace(view, phase=ChannelPhase.CLOSING_BY_PAYER), me)
    assert not is_back(closed, replace(view, signers=TERMS.signers), me)
    assert not is_back(closed, view, NEXT.address)


def test_credential_that_gave_way_to_newer_ones__is_owed_to_nobody() -> None:
    assert credential_of(issuing(2), 2) == credential(2)
    with pytest.raises(NotOwed, match="credential 7 gave way"):
        credential_of(issuing(2), 7)


def test_money_of_a_channel__is_seen_when_it_changed_and_while_it_is_this_controller_s() -> None:
    me, desk = CONTROLLER.address, issuing()
    view = ChannelView(
        ChannelPhase.OPEN, Timestamp(START), deposit=TERMS.deposit, signers=TERMS.signers
    )
    assert observe_desk(desk, AGREEMENT, view, me) == []
    for change in ({"deposit": Tokens(TERMS.deposit + 1)}, {"paid": Tokens(1)}):
        changed = replace(view, **change)
        seen = on.SawMoney(changed.deposit, changed.paid, 0)
        assert observe_desk(desk, AGREEMENT, changed, me) == [seen]
        others = replace(changed, signers=replace(TERMS.signers, controller=NEXT.address, epoch=1))
        assert observe_desk(desk, AGREEMENT, others, me) == [at.SawDismissed()]


def test_what_a_channel_locks__is_deposit_and_bond_less_what_is_paid() -> None:
    desk, _ = step(Desk(), at.SawNamed(AGREEMENT, TERMS.signers, TERMS.deposit, Tokens(40)))
    assert desk.locked == TERMS.deposit + TERMS.bond - 40


def test_word_for_evidence_that_is_recorded__breaks_a_law_of_the_desk() -> None:
    law, word = "what is recorded is owed no more", at.HeardInitiation(bytes(65), bytes(65))
    for changes, holds in (
        ({}, True),
        ({"initiation": word}, True),
        ({"is_initiated": True}, True),
        ({"initiation": word, "is_initiated": True}, False),
    ):
        assert replace(issuing(), **changes).laws()[law] == holds
