"""Whose signatures counted in a channel at which time, and up to which amount."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, KEYS, key_of
from tests.offchain.systems.trading.credentials.trade_cast import CHANNEL, TERMS, VOUCHER

from edgemark.chronicle.marks import Mark
from edgemark.crypto.ethereum import secp256k1
from edgemark.crypto.ethereum.secp256k1 import BadSignature, SecretKey
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import LogPlace
from edgemark.systems.trading.contract.events import AmountPaid, ChannelAmended
from edgemark.systems.trading.contract.records import Signers, Voucher
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.story import eras as module
from edgemark.systems.trading.story.eras import Era, Eras, KeyOutlived, NeverInForce, list_eras
from edgemark.systems.trading.story.folding import StoryFold
from edgemark.systems.trading.story.story import ChannelStory

DOMAIN = EscrowDomain(CHAIN_ID, ESCROW)
FIRST = TERMS.signers
PAYER, SELLER = KEYS["payer's key"], KEYS["seller's key"]
NEW, NEWER = key_of("new"), key_of("newer")
PAYER_NEW = replace(FIRST, payer_key=NEW.address)
SELLER_NEW = replace(FIRST, seller_key=NEW.address)
NEXT = replace(FIRST, controller=key_of("next").address, epoch=1)
MANY = 2000
Told = tuple[int, Signers | None, int]  # transaction, who signs next, what is paid by then


def amended(tx: int, signers: Signers, paid: int = 0) -> list[Told]:
    """As the escrow tells it: the payment of an amendment comes behind it."""
    return [(tx, signers, 0), *([(tx, None, paid)] if paid else [])]


def paid(tx: int, amount: int) -> list[Told]:
    return [(tx, None, -amount)]


def story_of(*told: list[Told]) -> ChannelStory:
    """Folded from events, in the order of the chain; a payment below zero is a checkpoint's."""
    begun = Mark(1, Timestamp(1), Hash32(bytes(32)))
    made = StoryFold(
        ChannelStory(CHAIN_ID, ESCROW, CHANNEL, TERMS, begun, (), (), (), (), 1, Timestamp(1))
    )
    events = [each for deeds in told for each in deeds]
    for tx in sorted({each[0] for each in events}):
        at = Hash32(tx.to_bytes(32, "big"))
        said: list[Any] = []
        for number, (_, signers, amount) in enumerate(e for e in events if e[0] == tx):
            place = LogPlace(ESCROW, tx, at, at, number)
            if signers is not None:
                said.append(ChannelAmended(CHANNEL, tx, signers.as_abi(), at=place))
            else:
                index = 7 if amount < 0 else 0
                said.append(AmountPaid(CHANNEL, index, Tokens(abs(amount)), at=place))
        made.take(Mark(tx, Timestamp(tx), at), said)
    return made.finish()


CASES = {
    "nothing changed": ((), [None]),
    "payer's key, at all that was signed": ([amended(2, PAYER_NEW, 300)], [300, None]),
    "payer's key, at what was paid": ([paid(2, 200), amended(3, PAYER_NEW)], [200, None]),
    "payer's key, paid on later": ([amended(2, PAYER_NEW, 300), paid(3, 500)], [300, None]),
    "payer's key, paid on at once": ([amended(2, PAYER_NEW, 300), paid(2, 500)], [300, None]),
    "payer's key at nothing, paid on at once": ([amended(2, PAYER_NEW), paid(2, 500)], [0, None]),
    "seller's key, at nothing": ([amended(2, SELLER_NEW)], [None, None]),
    "next controller": ([amended(2, NEXT, 100)], [None, None]),
    "payer's key after its seller's": (
        [amended(2, SELLER_NEW), amended(3, replace(SELLER_NEW, payer_key=NEWER.address), 90)],
        [90, 90, None],
    ),
    "payer's key, and put back": (
        [amended(2, PAYER_NEW, 300), amended(3, FIRST, 400)],
        [None, 400, None],
    ),
    "two of one transaction": (
        [amended(2, PAYER_NEW), amended(2, replace(FIRST, payer_key=NEWER.address), 50)],
        [0, 50, None],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_amounts_of_a_key__are_bounded_by_what_was_paid_with_its_replacement(name: str) -> None:
    told, bounds = CASES[name]
    eras = list_eras(story_of(*told))
    assert [era.most for era in eras] == bounds
    assert eras[0].signers == FIRST


def find(story: ChannelStory, voucher: Voucher, payer: SecretKey, seller: SecretKey) -> Signers:
    digest = DOMAIN.voucher(CHANNEL, voucher)
    return Eras(story).find(voucher, digest, payer.sign(digest), seller.sign(digest))


def test_voucher_of_a_key_that_was_replaced__counts_up_to_what_was_paid_then() -> None:
    story = story_of(amended(2, PAYER_NEW, 300))
    assert find(story, replace(VOUCHER, amount=Tokens(300)), PAYER, SELLER) == FIRST
    assert find(story, replace(VOUCHER, amount=Tokens(301)), NEW, SELLER) == PAYER_NEW
    with pytest.raises(KeyOutlived) as caught:
        find(story, replace(VOUCHER, amount=Tokens(301)), PAYER, SELLER)
    assert (caught.value.had, caught.value.needed) == (301, "<= 300")


def test_seller_that_takes_another_key__voids_no_voucher_of_its_payer() -> None:
    story = story_of(amended(2, SELLER_NEW))
    for seller, signers in ((SELLER, FIRST), (NEW, SELLER_NEW)):
        assert find(story, VOUCHER, PAYER, seller) == signers


def test_voucher_of_keys_that_were_never_named_together__is_refused_by_name() -> None:
    both = replace(FIRST, payer_key=NEW.address, seller_key=NEWER.address)
    story = story_of(amended(2, both, 300))
    for payer, seller in ((PAYER, NEWER), (NEW, SELLER), (SELLER, PAYER)):
        with pytest.raises(NeverInForce, match="keys that were not in force") as caught:
            find(story, VOUCHER, payer, seller)
        assert FIRST.payer_key in str(caught.value.needed)
    with pytest.raises(NeverInForce, match="controller or epoch"):
        find(story, replace(VOUCHER, epoch=1), PAYER, SELLER)
    with pytest.raises(BadSignature):
        Eras(story).find(VOUCHER, DOMAIN.voucher(CHANNEL, VOUCHER), bytes(65), bytes(65))


def test_many_amendments__cost_a_voucher_two_keys_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = [key_of(str(n)).address for n in range(9)]
    turns = (replace(FIRST, seller_key=keys[n % 9]) for n in range(MANY))
    story = story_of(*(amended(n + 2, signers) for n, signers in enumerate(turns)))
    asked = []

    def recover(digest: bytes, signature: bytes) -> object:
        asked.append(signature)
        return secp256k1.recover(digest, signature)

    monkeypatch.setattr(module, "recover", recover)
    with pytest.raises(NeverInForce):
        find(story, VOUCHER, NEWER, NEW)
    assert len(list_eras(story)) == MANY + 1
    assert len(asked) == 2
    assert Era(FIRST) in list_eras(story)
