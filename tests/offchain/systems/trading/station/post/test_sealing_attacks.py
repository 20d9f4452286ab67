"""What both parties sealed is read by both, whole or not at all, and by no controller."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, START
from tests.offchain.systems.trading.credentials.trade_cast import (
    BUYER,
    CONTROLLER,
    CONTROLLERS,
    PARTIES,
    SELLER,
    STRANGER,
    TEMPLATES,
    TERMS,
    TIT_SCHEMA,
    TST,
    did_of,
    initiate,
    say,
    sign,
)
from tests.offchain.systems.trading.templates.template_forms import claims_of_initiation

from edgemark.crypto.field.randomness import Randomness
from edgemark.encoding import MalformedMessage
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Timestamp, Tokens
from edgemark.identity.credentials.agreement import AgreementKeys, SealedForOthers
from edgemark.identity.credentials.jose.base64url import TokenInvalid, encode_base64url
from edgemark.identity.credentials.jose.encryption import Reader, SealBroken
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.controller.checking import NotIssued
from edgemark.systems.trading.controller.issuance.issuing import Issuer, carry_bill
from edgemark.systems.trading.credentials.payloads import PayloadInvalid
from edgemark.systems.trading.credentials.sealing import SEALED, TravelsOtherwise, carry, seal
from edgemark.systems.trading.credentials.settlement import (
    BilledOtherwise,
    check_billed,
    draft_claims,
)
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Readings
from edgemark.systems.trading.protocol.letters import ChannelDomain, Role
from edgemark.systems.trading.protocol.messages import (
    MAX_SEALED_BILL_BYTES,
    Credential,
    Proposal,
    Settlement,
)
from edgemark.systems.trading.station.deals import Deal, DealBook
from edgemark.systems.trading.station.post.seals import Seals
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.untrusted.jcs import encode_jcs

RANDOM = Randomness()
DOMAIN = ChannelDomain(CHAIN_ID, ESCROW)
ISSUER = Issuer(CONTROLLER, did_of(CONTROLLER), DOMAIN, CONTROLLERS)


@dataclass
class Pair:
    """Both homes of one sealed channel, and what its controller knows of it."""

    channel: ChannelId
    deal: Deal
    seals: dict[Role, Seals]

    def hide(self, proposal: Proposal) -> Settlement:
        return self.seals[Role.SELLER].hide(self.channel, Settlement(proposal, bytes(65)))

    def issue(self, proposal: Proposal, carried: dict[str, Any]) -> Credential:
        """A credential with these claims, whoever wrote them."""
        said = replace(say(proposal.voucher, carried), channel=self.channel)
        return Credential(proposal.voucher, sign(said).token.encode(), bytes(65))

    def read(self, proposal: Proposal, sealed: bytes, role: Role) -> Any:
        credential = self.issue(proposal, {SEALED: json.loads(sealed)})
        return self.seals[role].read_issued(self.channel, role, credential)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    homes = {role: tmp_path_factory.mktemp(role.value) for role in (Role.SELLER, Role.BUYER)}
    dids = {Role.SELLER: did_of(SELLER), Role.BUYER: did_of(BUYER)}
    readers = [
        Reader(f"{dids[role]}#delegate-3", AgreementKeys.make(home).public_key)
        for role, home in homes.items()
    ]
    claims = claims_of_initiation(TIT_SCHEMA, **PARTIES, encryption="jwe")
    signed = initiate(seal(claims, readers, RANDOM))
    terms = replace(TERMS, initiation=signed.digest)
    deal = Deal.of(terms, signed.token, TEMPLATES, claims, readers)
    books = {role: DealBook(home / "deals", CHAIN_ID, ESCROW) for role, home in homes.items()}
    (channel,) = {book.keep(deal) for book in books.values()}
    return Pair(channel, deal, {r: Seals(books[r], home, RANDOM) for r, home in homes.items()})


def bill(fee: int = 2750, used: int = 1500, seconds: int = 60) -> Proposal:
    voucher = Voucher(1, Tokens(fee), TST.version_id, CONTROLLER.address)
    readings = Readings(Timestamp(START), Timestamp(START + seconds), (0,), (used,))
    return Proposal(voucher, readings, Tokens(fee), Timestamp(START + 600), False, bytes(65))


@given(fee=st.integers(1, 10**9), used=st.integers(0, 10**12), seconds=st.integers(1, 60))
def test_any_bill__is_issued_unread_and_read_by_both(
    pair: Pair, fee: int, used: int, seconds: int
) -> None:
    proposal = bill(fee, used, seconds)
    hidden = Settlement.from_wire(pair.hide(proposal).to_wire())
    assert (hidden.proposal.fee, hidden.proposal.readings.after) == (0, ())
    ISSUER.check(pair.deal.trade, hidden)
    carried = carry_bill(pair.deal.trade, hidden)
    credential = pair.issue(proposal, carried)
    assert str(START + seconds).encode() not in credential.content
    for role, seals in pair.seals.items():
        found = seals.read_issued(pair.channel, role, credential)
        assert (found.fee, found.end, found.readings.after) == (fee, START + seconds, (used,))


def flip(text: str) -> str:
    """One digit more or less, of another value."""
    return ("B" if text[0] != "B" else "C") + text[1:]


CHANGES: dict[str, Any] = {
    "protected": lambda w: w.update(protected=flip(w["protected"])),
    "iv": lambda w: w.update(iv=flip(w["iv"])),
    "ciphertext": lambda w: w.update(ciphertext=flip(w["ciphertext"])),
    "tag": lambda w: w.update(tag=flip(w["tag"])),
    "wrapped key": lambda w: _each(w, lambda r: r.update(encrypted_key=flip(r["encrypted_key"]))),
    "fresh key": lambda w: _each(w, lambda r: r["header"]["epk"].update(x="CQ" + "A" * 41)),
    "name": lambda w: _each(w, lambda r: r["header"].update(kid="did:x#y")),
    "other party's name": lambda w: w["recipients"][0]["header"].update(
        kid=w["recipients"][1]["header"]["kid"]
    ),
    "curve": lambda w: _each(w, lambda r: r["header"]["epk"].update(crv="P-256")),
    "small order": lambda w: _each(w, lambda r: r["header"]["epk"].update(x="A" * 43)),
    "algorithm": lambda w: w.update(
        protected=encode_base64url(b'{"alg":"dir","enc":"A256GCM"}').decode()
    ),
    "no reader": lambda w: w.update(recipients=[]),
    "more": lambda w: w.update(aad="AAAA"),
}
SEEN = {"protected", "name", "other party's name", "curve", "small order", "algorithm", "no reader"}


def _each(whole: Any, change: Any) -> None:
    for reader in whole["recipients"]:
        change(reader)


@pytest.mark.parametrize("name", CHANGES)
def test_a56_sealed_claims_with_a_part_changed__are_read_by_nobody(pair: Pair, name: str) -> None:
    proposal = bill()
    hidden = pair.hide(proposal)
    whole = json.loads(hidden.sealed)
    CHANGES[name](whole)
    changed = encode_jcs(whole)
    assert changed != hidden.sealed
    for role in pair.seals:
        with pytest.raises((SealBroken, TokenInvalid, SealedForOthers)):
            pair.read(proposal, changed, role)
    if name in SEEN | {"more"}:
        with pytest.raises(NotIssued):
            ISSUER.check(pair.deal.trade, replace(hidden, sealed=changed))
    assert pair.read(proposal, hidden.sealed, Role.BUYER).fee == 2750


def test_a56_claims_in_the_clear__are_none_where_they_have_to_be_sealed(pair: Pair) -> None:
    proposal = bill()
    with pytest.raises(NotIssued, match="otherwise"):
        ISSUER.check(pair.deal.trade, Settlement(proposal, bytes(65)))
    for encryption in Encryption:  # also those that say that they are sealed
        claims = draft_claims(replace(pair.deal.trade, encryption=encryption), proposal)
        with pytest.raises(TravelsOtherwise):
            pair.seals[Role.BUYER].read_issued(
                pair.channel, Role.BUYER, pair.issue(proposal, carry(claims))
            )
    says_none = draft_claims(replace(pair.deal.trade, encryption=Encryption.NONE), proposal)
    sealed = seal(says_none, pair.deal.readers, RANDOM)
    with pytest.raises(TravelsOtherwise):
        pair.read(proposal, encode_jcs(sealed[SEALED]), Role.BUYER)
    clear = replace(pair.deal.trade, encryption=Encryption.NONE)
    with pytest.raises(NotIssued, match="otherwise"):
        ISSUER.check(clear, pair.hide(proposal))


def test_a54_what_the_seller_sealed_otherwise_than_its_bill__is_found_by_the_buyer(
    pair: Pair,
) -> None:
    proposal, other, trade = bill(), bill(used=1499), pair.deal.trade
    told = pair.read(proposal, pair.hide(proposal).sealed, Role.BUYER)
    credential = pair.issue(proposal, carry_bill(pair.deal.trade, pair.hide(proposal)))
    check_billed(told, trade, proposal, credential.voucher)
    lie = pair.read(proposal, pair.hide(other).sealed, Role.BUYER)
    with pytest.raises(BilledOtherwise):
        check_billed(lie, trade, proposal, credential.voucher)
    for changed in ({"fee": "2751"}, {"buyer": str(did_of(STRANGER))}, {"start": -1}, {}):
        claims = {**draft_claims(pair.deal.trade, proposal), **changed}
        if not changed:
            del claims["readings"]
        sealed = encode_jcs(seal(claims, pair.deal.readers, RANDOM)[SEALED])
        with pytest.raises(EdgemarkError):
            pair.read(proposal, sealed, Role.BUYER)


def test_a56_claims_sealed_for_one_party__are_not_issued(pair: Pair) -> None:
    proposal, mine = bill(), pair.deal.readers
    hidden, stranger = pair.hide(proposal), Reader(f"{did_of(STRANGER)}#k", mine[0].key)
    for readers in (mine[:1], [mine[0], stranger], [*mine, stranger], [mine[0]]):
        sealed = seal(draft_claims(pair.deal.trade, proposal), readers, RANDOM)
        with pytest.raises(NotIssued, match="others"):
            ISSUER.check(pair.deal.trade, replace(hidden, sealed=encode_jcs(sealed[SEALED])))


def test_a58_bill_that_is_too_long__is_neither_sent_nor_taken(pair: Pair) -> None:
    hidden = pair.hide(bill())
    most = replace(hidden, sealed=bytes(MAX_SEALED_BILL_BYTES))
    assert Settlement.from_wire(most.to_wire()) == most
    with pytest.raises(MalformedMessage):
        Settlement.from_wire(replace(hidden, sealed=bytes(MAX_SEALED_BILL_BYTES + 1)).to_wire())
    with pytest.raises(MalformedMessage, match="says what it has sealed"):
        Settlement.from_wire(Settlement(bill(), bytes(65), hidden.sealed).to_wire())
    with pytest.raises(NotIssued):
        ISSUER.check(pair.deal.trade, most)


def test_home_that_lost_its_keys__says_so_and_opens_all_once_they_are_back(
    pair: Pair, tmp_path: Path
) -> None:
    hidden = pair.hide(bill())
    book = DealBook(tmp_path / "deals", CHAIN_ID, ESCROW)
    book.keep(pair.deal)
    lost = Seals(book, tmp_path, RANDOM)
    credential = pair.issue(bill(), carry_bill(pair.deal.trade, hidden))
    with pytest.raises(EdgemarkError, match="edgemark identity agreement"):
        lost.read_issued(pair.channel, Role.BUYER, credential)
    AgreementKeys.make(tmp_path)  # another one does not help
    with pytest.raises(SealBroken):
        lost.read_issued(pair.channel, Role.BUYER, credential)
    whole = pair.seals[Role.BUYER]._home / "keys" / "agreement" / "1.key"
    target = tmp_path / "keys" / "agreement" / "2.key"
    target.write_bytes(whole.read_bytes())
    target.chmod(0o600)
    assert lost.read_issued(pair.channel, Role.BUYER, credential).fee == 2750


@given(st.binary(max_size=200))
def test_door__whatever_a_seller_seals__is_refused_by_name(pair: Pair, raw: bytes) -> None:
    if raw:
        with pytest.raises(NotIssued):
            ISSUER.check(pair.deal.trade, replace(pair.hide(bill()), sealed=raw))


PARTS = ["protected", "recipients", "iv", "tag"]
VALUES = st.one_of(st.none(), st.integers(0, 9), st.text(max_size=9), st.lists(st.text(max_size=3)))


@given(part=st.sampled_from(PARTS), value=VALUES)
def test_door__initiation_sealed_in_any_other_form__makes_no_deal(
    pair: Pair, part: str, value: Any
) -> None:
    whole = json.loads(pair.hide(bill()).sealed) | {part: value}
    signed = initiate({SEALED: whole})
    with pytest.raises(EdgemarkError):
        Deal.of(replace(TERMS, initiation=signed.digest), signed.token, TEMPLATES)


@given(st.text(max_size=40).map(lambda text: {"x": text}) | st.just({}))
def test_door__whatever_is_sealed_for_both__is_no_bill(pair: Pair, claims: Any) -> None:
    sealed = encode_jcs(seal(claims, pair.deal.readers, RANDOM)[SEALED])
    with pytest.raises((PayloadInvalid, EdgemarkError)):
        pair.read(bill(), sealed, Role.SELLER)
