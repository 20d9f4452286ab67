"""Credentials of a trade, verified by other libraries: what is forged, or recorded of another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from jwcrypto import jwk, jws
from tests.offchain.identity.credentials.jose.test_other_jose import jwk_of
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, KEYS, START
from tests.offchain.systems.trading.credentials.trade_cast import (
    CHANNEL,
    CONTROLLER,
    SELLER,
    STRANGER,
    TERMS,
    TIC,
    VOUCHER,
    say,
    sign,
)

from edgemark.chronicle.marks import Mark
from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.identity.did.identifier import parse_did
from edgemark.receipt import Receipt
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.demo.proof.papers import (
    check_evidence,
    check_papers,
    check_vouchers,
    recover_voucher,
    verify_elsewhere,
)
from edgemark.systems.trading.story.story import ChannelStory, Recorded

MARK = Mark(1, Timestamp(START), Hash32(bytes(32)))
NONE = Hash32(bytes(32))
SIGNERS = (*TERMS.signers.keys, TERMS.controller)


def keep(index: int, **changed: Any) -> KeptSettlement:
    said = say(replace(VOUCHER, index=index, amount=Tokens(1000 * index)), **changed)
    return KeptSettlement(sign(said), said, bytes(65))


def record(kept: KeptSettlement, digest: Hash32 | None = None) -> Recorded:
    index, known = kept.said.voucher.index, kept.credential.digest
    return Recorded(MARK, EvidenceKind.SETTLEMENT, index, digest or known, SIGNERS)


KEPT = [keep(index) for index in range(1, 6)]


def story_with(*evidence: Recorded) -> ChannelStory:
    place = (CHAIN_ID, ESCROW, CHANNEL, TERMS, MARK)
    return ChannelStory(*place, evidence, (), (), (), 1, Timestamp(START))


def test_a_credential__is_verified_by_joserfc_and_by_jwcrypto_with_its_issuers_key() -> None:
    for signed, key in ((TIC, SELLER), (KEPT[0].credential, CONTROLLER)):
        assert verify_elsewhere(signed.token, key.address) == signed.jws.payload
        found = jws.JWS()
        found.allowed_algs = ["ES256K"]
        found.deserialize(signed.token, jwk.JWK(**jwk_of(key)))
        assert found.payload == signed.jws.payload


def test_a_credential_that_was_altered__is_verified_by_no_key() -> None:
    head, body, signature = TIC.token.split(".")
    altered = ".".join((head, f"{body[:-6]}AAAA{body[-2:]}", signature))
    for token, account in ((altered, SELLER.address), (TIC.token, STRANGER.address)):
        with pytest.raises(BadSignature):
            verify_elsewhere(token, account)


def test_papers_of_another__fail_the_check_of_their_kind() -> None:
    receipt, owners = Receipt("trading"), {}
    owners[str(TIC.issuer)] = SELLER.address
    owners[str(KEPT[0].credential.issuer)] = STRANGER.address
    papers = {"TIC": [TIC.token], "TSC": [KEPT[0].credential.token, TIC.token], "none": []}
    check_papers(receipt, papers, lambda did: owners[did])
    told = [(check.passed, check.seen, check.expected) for check in receipt.checks]
    assert told == [(True, "1", "1"), (False, "1", "2"), (False, "0", "some")]
    assert parse_did(next(iter(owners))).identity == SELLER.address


def test_a_voucher__is_recovered_from_its_typed_data_as_json() -> None:
    assert recover_voucher(KEPT[0], CHAIN_ID, ESCROW) == (TERMS.payer_key, TERMS.seller_key)
    assert recover_voucher(KEPT[0], CHAIN_ID + 1, ESCROW) != (TERMS.payer_key, TERMS.seller_key)


def test_a_voucher_with_a_strange_signature__is_counted_out() -> None:
    receipt, forged = Receipt("trading"), keep(1, payer_signature=KEYS["a thief"].sign(NONE))
    check_vouchers(receipt, "run 1", [*KEPT, forged], story_with())
    (check,) = receipt.checks
    assert (check.passed, check.seen, check.expected) == (False, "5", "6")


@pytest.mark.parametrize(
    ("recorded", "failed"),
    [
        ([record(KEPT[1]), record(KEPT[3]), record(KEPT[4])], []),
        ([record(KEPT[1]), record(KEPT[3])], ["newest evidence"]),
        ([record(KEPT[4])], ["credentials for one evidence"]),
        ([], ["newest evidence", "credentials for one evidence"]),
        (
            [record(KEPT[1]), record(KEPT[3], NONE), record(KEPT[4])],
            ["evidence on chain = credentials held"],
        ),
    ],
)
def test_evidence__is_of_credentials_held_often_enough_and_of_the_last(
    recorded: list[Recorded], failed: list[str]
) -> None:
    receipt = Receipt("trading")
    check_evidence(receipt, "run 1", KEPT, story_with(*recorded), most_cycles=2)
    told = [check.name.partition(": ")[2] for check in receipt.checks if not check.passed]
    assert told == failed
