"""What a party signs of what both sign: the very words that the other, and the chain, look at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    CHANNEL,
    DOMAIN,
    HEAD,
    NEXT,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    TERMS,
    draft_proposal,
)

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.accords.checking import check_amending
from edgemark.systems.trading.protocol.accords.events import (
    FoundAmending,
    FoundClosing,
    FoundConsent,
)
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing
from edgemark.systems.trading.protocol.accords.signing import sign_accord
from edgemark.systems.trading.protocol.agreement import BlocksStopped, Head
from edgemark.systems.trading.protocol.life import SellerPhase
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.sale import Sale

SALE = Sale(
    phase=SellerPhase.SERVING,
    agreement=AGREEMENT,
    policy=POLICY,
    opened_at=Timestamp(START),
    deposit=TERMS.deposit,
    signers=TERMS.signers,
    voucher=Countersigned(draft_proposal(30).voucher, bytes(65), bytes(65)),
)


def check_amendment(said: Amending) -> None:
    told = (said.number, said.amount, said.signers, said.valid_until)
    check_signature(DOMAIN.amendment(CHANNEL, *told), said.signature, SELLER_KEY.address)


def test_closing__is_signed_at_all_that_is_signed_until_nobody_may_close() -> None:
    found = sign_accord(SALE, do.SignClosing(), DOMAIN, HEAD, SELLER_KEY)
    assert isinstance(found, FoundClosing)
    closing = found.closing
    assert (closing.amount, closing.valid_until) == (30, TERMS.close_by)
    digest = DOMAIN.closing(CHANNEL, Tokens(30), TERMS.close_by)
    check_signature(digest, closing.signature, SELLER_KEY.address)


def test_amendment__is_signed_for_the_next_epoch_at_what_is_signed() -> None:
    wanting = replace(SALE, next_controller=NEXT.address, agreements=3)
    found = sign_accord(wanting, do.SignAmending(), DOMAIN, HEAD, SELLER_KEY)
    assert isinstance(found, FoundAmending)
    said = found.amending
    assert (said.number, said.amount) == (3, 30)
    assert said.signers == replace(TERMS.signers, controller=NEXT.address, epoch=1)
    assert said.valid_until == HEAD.block + 2 * POLICY.patience_s
    check_amendment(said)


@pytest.mark.parametrize(
    ("until", "signed_until"),
    [(10, 10), (POLICY.patience_s + 1, POLICY.patience_s + 1), (10**6, POLICY.patience_s + 1)],
)
def test_consent__is_signed_to_what_was_offered_and_for_a_short_time(
    until: int, signed_until: int
) -> None:
    signers = replace(TERMS.signers, payer_key=NEXT.address)
    offered = Amending(2, Tokens(30), signers, Timestamp(START + until), bytes(65))
    asked = replace(SALE, offered=offered)
    found = sign_accord(asked, do.SignConsent(), DOMAIN, HEAD, SELLER_KEY)
    assert isinstance(found, FoundConsent)
    said = found.amending
    assert replace(said, signature=b"") == replace(
        offered, valid_until=Timestamp(START + signed_until), signature=b""
    )
    check_amendment(said)
    assert said.is_same(offered)


def test_closing__is_taken_from_what_is_paid_to_what_is_deposited() -> None:
    within = [Closing(Tokens(amount), TERMS.close_by).is_within(10, 20) for amount in range(9, 22)]
    assert within == [False, *[True] * 11, False]


def test_old_block__holds_up_another_key_and_no_other_controller() -> None:
    old = Head(START + 99, START + 5)
    for changes, is_held in (
        ({"controller": NEXT.address, "epoch": 1}, False),
        ({"payer_key": NEXT.address}, True),
    ):
        signers = replace(TERMS.signers, **changes)
        said = Amending(0, Tokens(30), signers, Timestamp(START + 50), b"")
        digest = DOMAIN.amendment(CHANNEL, 0, Tokens(30), signers, said.valid_until)
        signed = replace(said, signature=PAYER_KEY.sign(digest))
        told = (SALE, signed, PAYER_KEY.address, DOMAIN)
        if is_held:
            with pytest.raises(BlocksStopped):
                check_amending(*told, old, least=30, most=30)
        else:
            assert check_amending(*told, old, least=30, most=30) is not None
        assert check_amending(*told, HEAD, least=30, most=30) is not None
