"""In which order a seller looks at a request: what costs nothing first, and for whom it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS, START
from tests.offchain.systems.trading.credentials.asking_cast import (
    REQUEST,
    SELLER_KEY,
    draft_request,
)
from tests.offchain.systems.trading.credentials.trade_cast import (
    BUYER,
    DOMAIN,
    KEYS,
    SELLER,
    TEMPLATES,
    TERMS,
    did_of,
)

from edgemark.errors import Overloaded
from edgemark.identifiers import Address, Tokens
from edgemark.systems.trading.protocol.agreement import Opening
from edgemark.systems.trading.seller.market.promising import Journal, Quoter
from edgemark.systems.trading.seller.market.quoting import NotSold, Wares
from edgemark.systems.trading.settings import SellerSettings

WARES = Wares(
    seller=did_of(SELLER),
    account=SELLER.address,
    key=SELLER_KEY,
    initiation=TEMPLATES.initiation,
    settlement=TEMPLATES.settlement,
    price=Tokens(2000),
    first_price=Tokens(50),
    specification={"cores": 4, "region": "eu-1"},
)
TAKEN = SellerSettings(min_window_s=50, min_deposit=Tokens(1), min_bond=Tokens(1))
ASKED = draft_request(cap=Tokens(1000))
FLOOD = 200  # far above every rate


class Reached(Exception):
    """The chain is asked, which only who passed all before has it be."""


def quoter(*sales: Any, keys: Iterable[Address] = (BUYER.address,), bringing_s: int = 0) -> Quoter:
    """A seller without a chain: a fake, for it is about what is not asked."""

    def reach(_: object) -> None:
        raise Reached

    documents = SimpleNamespace(
        document=lambda _: None, assertion=lambda _: set(keys), authentication=lambda _: set()
    )
    station = SimpleNamespace(
        domain=DOMAIN,
        decided=SimpleNamespace(limits=LIMITS),
        documents=documents,
        deals=SimpleNamespace(get=reach),
        controllers=SimpleNamespace(is_in_standing=reach),
        head=lambda: SimpleNamespace(block=START, clock=START),
        may_answer=lambda window: window > bringing_s,
        bringing_s=lambda: bringing_s,
    )
    journal = Journal(lambda: dict(enumerate(sales)), cast(Any, None))  # type: ignore[arg-type]
    return Quoter(cast(Any, station), WARES, TAKEN, (), journal)


def promised() -> Any:
    """What the same payer was promised under the same nonce."""
    known = SimpleNamespace(terms=TERMS, channel=b"channel")
    return SimpleNamespace(agreement=known, known=known, opening=Opening(ASKED.valid_until, b""))


def test_requests_for_what_is_not_sold__take_nothing_from_those_for_what_is() -> None:
    seller = quoter()
    for _ in range(FLOOD):
        with pytest.raises(NotSold, match="below the price"):
            seller.answer(replace(ASKED, most_price=Tokens(1)), "one peer")
    with pytest.raises(Reached):
        seller.answer(ASKED, "one peer")


def test_a_window__in_which_no_close_could_be_answered_as_blocks_come__is_not_sold() -> None:
    with pytest.raises(Reached):
        quoter(bringing_s=ASKED.window - 1).answer(ASKED, "one peer")
    with pytest.raises(NotSold, match="request, window"):
        quoter(bringing_s=ASKED.window).answer(ASKED, "one peer")


def test_requests_that_are_known__count_as_all_others() -> None:
    seller = quoter(promised())
    told = []
    for _ in range(FLOOD):
        with pytest.raises((Reached, Overloaded)) as caught:
            seller.answer(ASKED, "one peer")
        told.append(caught.type)
    assert told[0] is Reached and told[-1] is Overloaded


def test_an_answer__is_told_again_to_a_key_of_its_buyer_alone() -> None:
    thief = draft_request(cap=Tokens(1000), key=KEYS["a thief"])
    assert (thief.payer, thief.nonce) == (TERMS.payer, TERMS.nonce) == (REQUEST.payer, ASKED.nonce)
    with pytest.raises(NotSold, match="by no key of its buyer"):
        quoter(promised()).answer(thief, "a peer")
    with pytest.raises(Reached):
        quoter(promised()).answer(ASKED, "a peer")


@pytest.mark.parametrize("sales", [(), (promised(),)])
def test_payer__is_who_signed_and_nobody_that_a_document_lists(sales: tuple[Any, ...]) -> None:
    """A document names delegates without their word: their tokens back no promise of another's."""
    thief = KEYS["a thief"]
    seller = quoter(*sales, keys={thief.address, TERMS.payer})
    asked = draft_request(cap=Tokens(1000), key=thief)
    assert asked.payer == TERMS.payer
    with pytest.raises(NotSold, match="did not sign the request"):
        seller.answer(asked, "a peer")
