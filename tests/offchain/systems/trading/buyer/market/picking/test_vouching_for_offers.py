"""Which of many offers stay when auditors are asked for: with checks that the test decides on."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgemark.errors import LedgerUnavailable, PeerFault
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.buyer.market.choosing import NotQualified, SellerUnreachable
from edgemark.systems.trading.buyer.market.picking import vouching
from edgemark.systems.trading.buyer.market.picking.passing import OfferStrange
from edgemark.systems.trading.buyer.market.picking.vouching import Vouching
from edgemark.systems.trading.identifiers import OfferId

DIGEST = Hash32(b"\1" * 32)
AUDITORS = cast(Any, ("one", "two"))
MANY = 40


def make_offers(many: int) -> Any:
    return [
        SimpleNamespace(id=OfferId(n.to_bytes(32, "big")), seller=Address(f"0x{n + 1:040x}"))
        for n in range(many)
    ]


def make_home(*, is_there: bool = False) -> Any:
    def find(did: Any, _: str) -> list[Any]:
        place = {"uri": f"https://127.0.0.1:{int(did.identity, 16)}", "pin": "11" * 32}
        return [SimpleNamespace(endpoint=place)] if is_there else []

    return SimpleNamespace(documents=SimpleNamespace(chain_id=31337, services=find))


def keep(offers: Any, check: Any, monkeypatch: pytest.MonkeyPatch, **wanted: Any) -> Any:
    monkeypatch.setattr(vouching, "check_qualified", check)
    chosen = {"home": make_home(), "at_hand": {}, "seconds": 60.0, **wanted}
    asking = Vouching(auditors=AUDITORS, **chosen)
    return [each.id[-1] for each in asking.keep_vouched(offers)], asking.passed_over


def test_offers_for_whose_sellers_all_auditors_vouch__stay_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors = (NotQualified("no"), PeerFault("no"), KeyError("strange"), None)

    def check(_: object, offer: Any, auditor: str, __: object) -> None:
        time.sleep(0.001 * (offer.id[-1] * 7 % 5))
        error = errors[offer.id[-1] % 4]
        if error is not None and auditor == "two":
            raise error

    kept, passed = keep(make_offers(MANY), check, monkeypatch)
    assert kept == list(range(3, MANY, 4))
    assert [each.offer[-1] for each in passed] == [n for n in range(MANY) if n % 4 != 3]
    assert {type(each.why) for each in passed} == {NotQualified, PeerFault, OfferStrange}


def test_a_credential_at_hand__is_shown_without_its_seller(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_: object, __: object, ___: object, show: Any) -> None:
        assert show(DIGEST) == b"signed"

    assert keep(make_offers(2), check, monkeypatch, at_hand={DIGEST: b"signed"}) == ([0, 1], [])
    kept, passed = keep(make_offers(2), check, monkeypatch)
    assert (kept, {type(each.why) for each in passed}) == ([], {SellerUnreachable})


def test_sellers_that_stall__are_told_so_when_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(_: object, offer: Any, __: object, ___: object) -> None:
        if offer.id[-1] < MANY - 1:
            time.sleep(5)

    told = keep(make_offers(MANY), check, monkeypatch, seconds=1.0)
    assert (told[0], len(told[1])) == ([], MANY)
    assert all("in time" in str(each.why) for each in told[1])


def test_a_chain_that_is_away__is_no_fault_of_an_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(*_: object) -> None:
        raise LedgerUnavailable("does not answer", who="chain")

    with pytest.raises(LedgerUnavailable):
        keep(make_offers(3), check, monkeypatch)
