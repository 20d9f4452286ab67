"""A party keeps a settlement credential that says what its bill says, and names what it refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace as Known
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, KEYS, START
from tests.offchain.systems.trading.credentials.trade_cast import (
    CONTROLLER,
    CONTROLLERS,
    STRANGER,
    TEMPLATES,
    TERMS,
    TIC,
    TST,
    VOUCHER,
    did_of,
    say,
)
from tests.offchain.systems.trading.parties_cast import POLICY

from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.identifiers import Timestamp, Tokens
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.systems.trading.buyer.outlook import describe
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.sealing import carry
from edgemark.systems.trading.credentials.settlement import (
    draft_claims,
    draft_settlement,
    issue_settlement,
)
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Agreement, Conditions, Readings
from edgemark.systems.trading.protocol.letters import ChannelDomain, Role
from edgemark.systems.trading.protocol.life import BuyerPhase, SellerPhase, step
from edgemark.systems.trading.protocol.messages import Credential, Proposal, Settlement
from edgemark.systems.trading.protocol.side import MAX_BILLS, MAX_WRONG
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.station.deals import Deal, DealBook
from edgemark.systems.trading.station.papers.issued import BillMissing, Issuances

DOMAIN = ChannelDomain(CHAIN_ID, ESCROW)
DEAL = Deal.of(TERMS, TIC.token, TEMPLATES)
CHANNEL = say().channel
AGREEMENT = Agreement(CHANNEL, TERMS, Conditions.of(DEAL.agreed))
BILL = Proposal(
    VOUCHER,
    Readings(Timestamp(START), Timestamp(START + 60), (0,), (1500,)),
    Tokens(2750),
    Timestamp(START + 600),
    is_last=False,
    signature=bytes(65),
)
RIGHT = draft_claims(DEAL.trade, BILL)
FALSE: dict[str, dict[str, Any]] = {
    "fee": {"fee": "7"},
    "start": {"start": START - 1000},
    "end": {"end": START + 59},
    "readings": {"readings": {"before": ["1"], "after": ["1500"]}},
    "buyer": {"buyer": str(did_of(STRANGER))},
    "more": {"fee": "2751"},  # than all that is owed
}


def side_of(role: Role, *bills: Proposal) -> Any:
    """A party that has these bills, of which no credential came."""
    told: Any = {"agreement": AGREEMENT, "policy": POLICY, "bills": bills, "opened_at": START}
    if role is Role.BUYER:
        return Purchase(phase=BuyerPhase.BUYING, deposit=TERMS.deposit, **told)
    asked = tuple(Settlement(each, bytes(65)) for each in bills)
    return Sale(phase=SellerPhase.SERVING, unissued=asked, **told)


@pytest.fixture(params=[Role.BUYER, Role.SELLER], ids=lambda role: role.value)
def role(request: pytest.FixtureRequest) -> Role:
    found: Role = request.param
    return found


@pytest.fixture
def issuances(tmp_path: Path, role: Role) -> Issuances:
    """Of a home with the deal; there is no chain, and nothing of one is asked."""
    deals = DealBook(tmp_path / "deals", CHAIN_ID, ESCROW)
    deals.keep(DEAL)
    domains = {"domain": DOMAIN, "controllers_domain": CONTROLLERS}
    return Issuances(Known(home=tmp_path, deals=deals, **domains), role)  # type: ignore[arg-type]


def issue(claims: dict[str, Any], voucher: Voucher = VOUCHER) -> Credential:
    """As its controller signs it, whatever the claims are."""
    said = say(voucher, carry(claims))
    if claims["buyer"] != RIGHT["buyer"]:
        said = replace(said, buyer=did_of(STRANGER))
    signer = CredentialSigner(CONTROLLER, did_of(CONTROLLER))
    facts = draft_settlement(said, TST, did_of(CONTROLLER), Period(START + 60))
    made = issue_settlement(signer, facts, said, DOMAIN, CONTROLLERS)
    return Credential(voucher, made.token.encode(), made.signatures.controller)


def test_credential_that_says_what_its_bill_says__is_kept_once(
    issuances: Issuances, role: Role
) -> None:
    side, credential = side_of(role, BILL), issue(RIGHT)
    told = issuances.hear(side, credential)
    assert told == on.HeardCredential(credential)
    side, _ = step(side, told)
    assert (side.bills, side.keeping) == ((), (credential,))
    assert issuances.hear(side, credential) is None


@pytest.mark.parametrize("name", FALSE)
def test_credential_that_says_something_else__is_named_and_not_kept(
    issuances: Issuances, role: Role, name: str
) -> None:
    side, credential = side_of(role, BILL), issue({**RIGHT, **FALSE[name]})
    told = issuances.hear(side, credential)
    assert isinstance(told, on.FoundCredentialWrong)
    assert told.index == 1
    named = {"more": "a fee that is not in its voucher"}
    assert named.get(name, f"another {name} than its bill") in told.why
    side, _ = step(side, told)
    assert (side.keeping, side.bills, side.wrong_credentials) == ((), (), (told,))
    assert getattr(side, "unissued", ()) == ()  # a seller asks for that of the next
    assert issuances.hear(side, credential) is None  # acknowledged, whatever comes
    if isinstance(side, Purchase):
        facts: Any = describe(side)
        assert facts["wrong_credentials"] == [f"1: {told.why}"]


def test_false_credential_of_an_older_bill__is_found_too(issuances: Issuances, role: Role) -> None:
    later = replace(BILL, voucher=replace(VOUCHER, index=2, amount=Tokens(5500)))
    told = issuances.hear(side_of(role, BILL, later), issue({**RIGHT, **FALSE["readings"]}))
    assert isinstance(told, on.FoundCredentialWrong)


def test_other_voucher_of_an_index__is_no_bill_of_it(issuances: Issuances, role: Role) -> None:
    other = replace(VOUCHER, amount=Tokens(2751))
    told = issuances.hear(side_of(role, BILL), issue(RIGHT, other))
    assert isinstance(told, on.FoundCredentialWrong)
    assert "another voucher than its bill" in told.why


def test_credential_without_a_bill__is_refused_but_by_who_lost_its_disk(
    issuances: Issuances, role: Role
) -> None:
    side, credential = side_of(role), issue(RIGHT)
    with pytest.raises(BillMissing, match="no bill that waits"):
        issuances.hear(side, credential)
    if isinstance(side, Purchase):
        lost = replace(side, is_lost=True)
        assert issuances.hear(lost, credential) == on.HeardCredential(credential)


def test_what_others_signed__is_no_credential_and_costs_no_bill(
    issuances: Issuances, role: Role
) -> None:
    side, credential = side_of(role, BILL), issue(RIGHT)
    with pytest.raises(BadSignature):
        issuances.hear(side, replace(credential, signature=KEYS["a thief"].sign(bytes(32))))
    assert issuances.hear(side, credential) == on.HeardCredential(credential)


def test_bills_and_refusals__are_bounded(role: Role) -> None:
    side = side_of(role)
    for index in range(1, 2 * MAX_BILLS):
        side = side.with_bill(replace(BILL, voucher=replace(VOUCHER, index=index)))
    assert [each.voucher.index for each in side.bills] == list(range(MAX_BILLS, 2 * MAX_BILLS))
    for index in range(1, 2 * MAX_WRONG):
        side, _ = step(side, on.FoundCredentialWrong(index, "why"))
    assert len(side.wrong_credentials) == MAX_WRONG
    others = replace(TERMS.signers, epoch=1)
    side, _ = step(side, on.SawAmended(others))
    assert side.bills == ()
