"""A deal is on the disk whole or not at all, and is what the terms of its channel name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW
from tests.offchain.systems.trading.credentials.trade_cast import (
    BUYER,
    CHANNEL,
    PARTIES,
    SELLER,
    TEMPLATES,
    TERMS,
    TIC,
    TIT_SCHEMA,
    did_of,
    initiate,
)
from tests.offchain.systems.trading.templates.template_forms import claims_of_initiation

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput
from edgemark.identity.credentials.jose.encryption import AgreementKey, Reader
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.sealing import TravelsOtherwise, seal
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Conditions
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.deals import (
    Deal,
    DealBook,
    DealDamaged,
    DealInvalid,
    DealSealed,
    DealUnknown,
)
from edgemark.systems.trading.station.papers.tidying import Tidying
from edgemark.systems.trading.templates.fields import Encryption

DEAL = Deal.of(TERMS, TIC.token, TEMPLATES)


def book_in(folder: Path) -> DealBook:
    return DealBook(folder / "deals", CHAIN_ID, ESCROW)


def test_deal__is_the_same_in_the_next_life(tmp_path: Path) -> None:
    assert book_in(tmp_path).channels() == []
    assert book_in(tmp_path).keep(DEAL) == CHANNEL
    again = book_in(tmp_path)
    assert again.channels() == [CHANNEL]
    assert again.get(CHANNEL) == DEAL
    agreement = again.agreement(CHANNEL)
    assert (agreement.channel, agreement.terms) == (CHANNEL, TERMS)
    assert agreement.conditions == Conditions.of(DEAL.agreed)
    assert again.pricing(CHANNEL).agreed == DEAL.agreed
    dids = again.dids(CHANNEL)
    assert {role: str(did) for role, did in dids.items()} == {
        Role.SELLER: str(did_of(SELLER)),
        Role.BUYER: str(did_of(BUYER)),
    }
    again.forget(CHANNEL)
    assert (again.find(CHANNEL), book_in(tmp_path).find(CHANNEL)) == (None, None)
    with pytest.raises(DealUnknown, match="not kept"):
        again.get(CHANNEL)


def test_file__is_for_its_owner_alone_and_without_unfinished_ones(tmp_path: Path) -> None:
    book_in(tmp_path).keep(DEAL)
    (path,) = (tmp_path / "deals").iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == (f"{CHANNEL.hex()}.json", 0o600)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(DEAL, terms=replace(TERMS, initiation=TERMS.initiation_template)),
        replace(DEAL, terms=replace(TERMS, settlement_template=TERMS.initiation)),
        replace(DEAL, token=initiate(intervalS=61).token),
        replace(DEAL, token=TIC.token[:-8]),
        replace(DEAL, initiation_text=DEAL.settlement_text),
        replace(DEAL, settlement_text=b"{}"),
    ],
)
def test_parts_that_do_not_belong_together__are_not_kept(tmp_path: Path, wrong: Deal) -> None:
    with pytest.raises(RefusedInput):
        book_in(tmp_path).keep(wrong)
    assert not (tmp_path / "deals").exists()


def test_file_that_was_changed__is_damage_and_not_a_deal(tmp_path: Path) -> None:
    book = book_in(tmp_path)
    book.keep(DEAL)
    (path,) = book.folder.iterdir()
    whole = path.read_bytes()
    for changed in (
        b"",
        whole[:-20],
        whole.replace(b'"deposit":"1001"', b'"deposit":"1002"'),
        whole.replace(b'"format":"edgemark-deal"', b'"format":"edgemark-dealt"'),
        whole.replace(b'"token":', b'"tokem":'),
        b"[" * 100_000,
    ):
        path.write_bytes(changed)
        with pytest.raises(DealDamaged, match="kept agreement"):
            book_in(tmp_path).find(CHANNEL)
    path.write_bytes(whole)
    assert book_in(tmp_path).find(CHANNEL) == DEAL


def test_deal_that_is_handed_over_again__takes_the_place_of_one_that_was_damaged(
    tmp_path: Path,
) -> None:
    book_in(tmp_path).keep(DEAL)
    (path,) = book_in(tmp_path).folder.iterdir()
    path.write_bytes(b"damaged")
    book = book_in(tmp_path)
    assert book.keep(DEAL) == CHANNEL
    assert book_in(tmp_path).find(CHANNEL) == DEAL
    assert path.with_suffix(".damaged").read_bytes() == b"damaged"
    book.forget(CHANNEL)
    assert list(book.folder.iterdir()) == []


def test_deals_of_channels_that_are_over__leave_when_no_dispute_can_need_them(
    tmp_path: Path,
) -> None:
    book, clock, stays_s = book_in(tmp_path), [0.0], 1000
    book.keep(DEAL)
    (book.folder / f"{bytes(32).hex()}.json").write_bytes(b"damaged")
    last = DEAL.terms.lock_expiry(stays_s)

    def look(now: int, *, is_open: bool = False, most: int = 9) -> list[ChannelId]:
        tidying = Tidying(
            book,
            stays_s,
            lambda _: is_open,
            lambda _: not is_open,
            most=most,
            clock=lambda: clock[0],
        )
        gone = list(tidying.look(now))
        assert tidying.look(now + 10**9) == (), "the last look was a moment ago"
        return gone

    strays = Tidying(book, stays_s, lambda _: True, lambda _: False)
    strays.forget_strays([CHANNEL], DEAL.terms.seller)
    strays.forget_strays([], DEAL.terms.payer)
    assert set(book.channels()) == {CHANNEL, bytes(32)}, "one is damaged, and stops nobody"
    assert look(last) == []
    assert look(last + 1, is_open=True) == []
    assert look(last + 1) == [CHANNEL]
    assert book.channels() == [bytes(32)], "an operator may have a copy of what is damaged"
    assert look(last, most=0) == [bytes(32)]


def test_file_of_another_channel_or_escrow__is_not_taken_for_this_one(tmp_path: Path) -> None:
    book = book_in(tmp_path)
    book.keep(DEAL)
    (path,) = book.folder.iterdir()
    other = path.with_name(f"{bytes(32).hex()}.json")
    other.write_bytes(path.read_bytes())
    with pytest.raises(DealDamaged, match="another channel"):
        book_in(tmp_path).find(type(CHANNEL)(bytes(32)))  # type: ignore[arg-type]
    with pytest.raises(DealDamaged, match="another channel"):
        DealBook(book.folder, CHAIN_ID + 1, ESCROW).find(CHANNEL)
    (book.folder / "notes.json").write_text("a user's own")
    assert set(book.channels()) == {CHANNEL, bytes(32)}


def seal_claims() -> tuple[Deal, dict[str, Any], list[Reader]]:
    """The deal with claims that only its parties can read, as a controller has it."""
    claims = claims_of_initiation(TIT_SCHEMA, **PARTIES, encryption="jwe")
    random = Randomness()
    readers = [
        Reader(f"{did}#key", AgreementKey.generate(random).public_key) for did in PARTIES.values()
    ]
    signed = initiate(seal(claims, readers, random))
    terms = replace(TERMS, initiation=signed.digest)
    return Deal.of(terms, signed.token, TEMPLATES), claims, readers


def test_sealed_deal__tells_a_controller_all_that_it_needs_and_no_more(tmp_path: Path) -> None:
    sealed, claims, readers = seal_claims()
    book = book_in(tmp_path)
    channel = book.keep(sealed)
    assert book_in(tmp_path).dids(channel) == DEAL.dids
    with pytest.raises(DealSealed, match="sealed"):
        book.pricing(channel)
    with pytest.raises(DealSealed):
        book.agreement(channel)
    most = TEMPLATES.initiation.constant("maxCycles")
    told = [book.agreement(channel, cycles).conditions for cycles in (0, 1, most, most + 1)]
    assert [(each.cycles, each.most_cycles) for each in told] == [
        (1, most),
        (1, most),
        (most, most),
        (most, most),
    ]

    opened = Deal.of(sealed.terms, sealed.token, TEMPLATES, claims, readers)
    assert book.keep(opened) == channel
    assert replace(book_in(tmp_path).pricing(channel).agreed, encryption=Encryption.NONE) == (
        DEAL.agreed
    )
    assert book_in(tmp_path).get(channel).readers == tuple(readers)
    book.keep(sealed)  # whoever knows less changes nothing
    assert book_in(tmp_path).get(channel) == opened
    with pytest.raises(RefusedInput):
        Deal.of(sealed.terms, sealed.token, TEMPLATES, {**claims, "intervalS": 0}, readers)
    other = Reader(readers[0].kid + "1", readers[0].key)
    for wrong in ((), readers[:1], [other, readers[1]]):
        with pytest.raises(DealInvalid, match="others"):
            Deal.of(sealed.terms, sealed.token, TEMPLATES, claims, wrong)
    with pytest.raises(TravelsOtherwise):
        clear = {**claims, "encryption": "none"}
        Deal.of(sealed.terms, sealed.token, TEMPLATES, clear, readers)


def test_templates_that_are_no_pair__make_no_deal() -> None:
    with pytest.raises(RefusedInput):
        Deal.of(TERMS, TIC.token, Templates(TEMPLATES.settlement, TEMPLATES.initiation))
