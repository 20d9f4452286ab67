"""T2, T30, A54, A56: credentials of a trade, what each signature covers, and what is refused."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import KEYS, START
from tests.offchain.systems.trading.credentials.trade_cast import (
    AUDITOR,
    BUYER,
    CHANNEL,
    CONTROLLER,
    CONTROLLERS,
    DOMAIN,
    PARTIES,
    PERIOD,
    REGISTRY,
    SELLER,
    STRANGER,
    TEMPLATES,
    TERMS,
    TIC,
    TIT_SCHEMA,
    TST,
    VOUCHER,
    did_of,
    initiate,
    say,
    sign,
)
from tests.offchain.systems.trading.templates.template_forms import (
    claims_of_initiation,
    claims_of_settlement,
)

from edgemark.crypto.ethereum.secp256k1 import BadSignature, recover
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.jose.encryption import AgreementKey, Reader, SealBroken
from edgemark.identity.credentials.model import read_credential
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.identity.credentials.schema import SchemaMismatch
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.verification import Knowledge, Wanted, verify
from edgemark.systems.trading.credentials import initiation, qualification, settlement
from edgemark.systems.trading.credentials.initiation import Templates, check_initiation
from edgemark.systems.trading.credentials.payloads import (
    QUALIFICATION,
    SETTLEMENT,
    PayloadInvalid,
    Period,
    frame,
    schema_of,
)
from edgemark.systems.trading.credentials.qualification import Qualification, read_qualification
from edgemark.systems.trading.credentials.sealing import carry, claims_in, seal, unseal
from edgemark.systems.trading.credentials.settlement import (
    check_issuance,
    check_joint,
    check_said,
    draft_settlement,
    issue_settlement,
    read_settlement,
)
from edgemark.systems.trading.templates.settlement import bill
from edgemark.systems.trading.templates.template import TemplateSwapped

RANDOMNESS = Randomness()


def known(at: int) -> Knowledge:
    """Of identities that nothing ever happened to."""
    return Knowledge((), Timestamp(at), None, lambda _: b"")


def claims_of(signed: SignedCredential) -> Any:
    return claims_in(initiation.carried_in(signed))


def test_initiation__is_signed_by_the_seller_for_the_buyer_and_named_in_the_terms() -> None:
    wanted = Wanted(issuer=did_of(SELLER), subject=did_of(BUYER), holder=did_of(BUYER))
    verify(TIC, known(START + 5), wanted)
    agreed = check_initiation(TIC, claims_of(TIC), TEMPLATES, TERMS)
    assert (agreed.unit_price, str(agreed.buyer)) == (2000, PARTIES["buyer"])


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        (replace(TERMS, initiation=Hash32(bytes(32))), PayloadInvalid),
        (replace(TERMS, initiation_template=TST.version_id), TemplateSwapped),
        (replace(TERMS, settlement_template=Hash32(bytes(32))), TemplateSwapped),
    ],
)
def test_a56_terms_that_name_another_credential_or_template__are_refused(
    terms: Any, error: type[EdgemarkError]
) -> None:
    with pytest.raises(error):
        check_initiation(TIC, claims_of(TIC), TEMPLATES, terms)


def test_frame__has_end_template_and_status_where_there_are_any() -> None:
    told = QUALIFICATION, did_of(AUDITOR), {"id": str(did_of(SELLER))}
    bare = frame(*told, Period(START))
    assert {"validUntil", "credentialSchema", "credentialStatus"}.isdisjoint(bare)
    status = [{"type": "BitstringStatusListEntry"}]
    whole = frame(*told, Period(START, START + 5), template=TST, status=status)
    assert whole["credentialSchema"] == schema_of(TST).as_json()
    assert whole["credentialStatus"] == status
    assert whole["validFrom"] < whole["validUntil"]
    assert bare == {name: whole[name] for name in bare}


def test_initiation_whose_claims_are_of_others__is_refused() -> None:
    for changed in ({"buyer": str(did_of(STRANGER))}, {"unitPrice": "x"}, {"cycles": 101}):
        other = initiate(**changed)
        terms = replace(TERMS, initiation=other.digest)
        with pytest.raises(RefusedInput):
            check_initiation(other, claims_of(other), TEMPLATES, terms)


def test_a56_initiation_by_somebody_who_is_not_the_seller__is_refused() -> None:
    """The stranger signs claims of the seller, and has a digest put into the terms."""
    facts = dict(TIC.credential.facts) | {"issuer": str(did_of(STRANGER))}
    forged = read_signed(CredentialSigner(STRANGER, did_of(STRANGER)).sign(facts))
    with pytest.raises(PayloadInvalid, match="another issuer"):
        check_initiation(
            forged, claims_of(forged), TEMPLATES, replace(TERMS, initiation=forged.digest)
        )


def test_a56_templates_that_do_not_belong_together__make_no_trade() -> None:
    for pair in ((TST, TEMPLATES.initiation), (TEMPLATES.initiation, TEMPLATES.initiation)):
        with pytest.raises(TemplateSwapped):
            Templates(*pair)


def test_settlement__is_signed_by_both_issued_by_the_controller_and_checked_whole() -> None:
    said = say()
    signed = sign(said)
    verify(
        signed, known(START + 61), Wanted(did_of(CONTROLLER), holder=did_of(BUYER), kind=SETTLEMENT)
    )
    verify(signed, known(START + 61), Wanted(holder=did_of(SELLER)))
    found = read_settlement(signed)
    assert found == said
    check_joint(found, CHANNEL, TERMS.signers, TST, DOMAIN)
    claims = check_said(signed, found, claims_in(found.carried) or {}, TST)
    agreed = check_initiation(TIC, claims_of(TIC), TEMPLATES, TERMS)
    assert bill(agreed, claims.readings, is_first=True) == claims.fee == found.voucher.amount


def test_a54_joint_signature__is_by_both_keys_under_this_very_voucher() -> None:
    more = replace(VOUCHER, amount=Tokens(2751))
    other = say(more)
    thief = KEYS["a thief"].sign(DOMAIN.voucher(CHANNEL, VOUCHER))
    for planted in (
        say(payer_signature=thief),
        say(seller_signature=thief),
        say(payer_signature=other.payer_signature),
        say(voucher=more, payer_signature=say().payer_signature),
        say(payer_signature=say().seller_signature, seller_signature=say().payer_signature),
    ):
        found = read_settlement(sign(planted))  # a controller alone can write it, not make it good
        with pytest.raises(BadSignature):
            check_joint(found, CHANNEL, TERMS.signers, TST, DOMAIN)


@pytest.mark.parametrize(
    "voucher",
    [
        replace(VOUCHER, controller=STRANGER.address),
        replace(VOUCHER, epoch=1),
        replace(VOUCHER, template_hash=TEMPLATES.initiation.version_id),
        replace(VOUCHER, template_hash=TST.content_hash),
    ],
)
def test_a56_voucher_of_another_controller_epoch_or_template__is_refused(voucher: Any) -> None:
    with pytest.raises((PayloadInvalid, TemplateSwapped)):
        check_joint(say(voucher), CHANNEL, TERMS.signers, TST, DOMAIN)


def test_settlement_of_another_channel__is_refused() -> None:
    said = say(channel=bytes(32))
    with pytest.raises(PayloadInvalid, match="another channel"):
        check_joint(said, CHANNEL, TERMS.signers, TST, DOMAIN)


def test_settlement_with_claims_of_others_or_a_fee_above_all_that_is_owed__is_refused() -> None:
    signed = sign(say())
    for changed in ({"buyer": str(did_of(STRANGER))}, {"fee": "2751"}):
        claims = claims_of_settlement(**{**PARTIES, **changed})
        with pytest.raises(RefusedInput):
            check_said(signed, say(), claims, TST)


def test_a56_credential_that_names_another_template__is_refused() -> None:
    facts = deepcopy(dict(sign(say()).credential.facts))
    facts["credentialSchema"]["version"] = "2"
    signed = read_signed(CredentialSigner(CONTROLLER, did_of(CONTROLLER)).sign(facts))
    with pytest.raises(SchemaMismatch):
        check_said(signed, say(), claims_of_settlement(**PARTIES), TST)


def test_a54_issuance__covers_index_voucher_and_credential_and_is_the_controllers() -> None:
    said = say()
    facts = draft_settlement(said, TST, did_of(CONTROLLER), Period(START + 60))
    issuer = CredentialSigner(CONTROLLER, did_of(CONTROLLER))
    issued = issue_settlement(issuer, facts, said, DOMAIN, CONTROLLERS)
    check_issuance(issued, said, DOMAIN, CONTROLLERS)
    assert issued.claim.credential_hash == digest_of(issued.token)
    by_both = issued.signatures.payer, issued.signatures.seller
    assert by_both == (said.payer_signature, said.seller_signature)
    assert recover(issued.issuance, issued.signatures.controller) == CONTROLLER.address
    again = issue_settlement(issuer, facts, said, DOMAIN, CONTROLLERS)
    assert again == issued  # the same facts are no second credential of this index
    later = draft_settlement(said, TST, did_of(CONTROLLER), Period(START + 61))
    assert issue_settlement(issuer, later, said, DOMAIN, CONTROLLERS).issuance != issued.issuance


def test_a54_answer_of_a_controller_for_something_else__is_not_kept() -> None:
    said = say()
    facts = draft_settlement(said, TST, did_of(CONTROLLER), Period(START + 60))
    issued = issue_settlement(
        CredentialSigner(CONTROLLER, did_of(CONTROLLER)), facts, said, DOMAIN, CONTROLLERS
    )
    swapped = sign(say(), at=START + 99).token
    forged = replace(issued.signatures, controller=STRANGER.sign(issued.issuance))
    for planted in (
        replace(issued, token=swapped),
        replace(issued, issuance=Hash32(bytes(32))),
        replace(issued, signatures=forged),
    ):
        with pytest.raises((PayloadInvalid, BadSignature)):
            check_issuance(planted, said, DOMAIN, CONTROLLERS)


def test_a54_controller__signs_for_no_other_controllers_voucher() -> None:
    said = say(replace(VOUCHER, controller=STRANGER.address))
    facts = draft_settlement(said, TST, did_of(CONTROLLER), Period(START))
    with pytest.raises(PayloadInvalid, match="another controller"):
        issue_settlement(
            CredentialSigner(CONTROLLER, did_of(CONTROLLER)), facts, said, DOMAIN, CONTROLLERS
        )


PLANTED: list[tuple[tuple[str, ...], Any]] = [
    (("channel",), "0x00"),
    (("channel",), None),
    (("voucher", "amount"), 2750),
    (("voucher", "amount"), "-1"),
    (("voucher", "index"), "01"),
    (("voucher", "controller"), "0x" + "ab" * 20),  # without its capitals
    (("voucher", "note"), "more"),
    (("payerSignature",), "0x" + "00" * 64),
    (("sellerSignature",), "0X" + "00" * 65),
    (("claims",), "sealed"),
    (("sealed",), {"both": "ways"}),
    (("witness",), "0x"),
]


@pytest.mark.parametrize(("place", "value"), PLANTED, ids=str)
def test_part_of_another_form__is_refused_by_its_reader(place: tuple[str, ...], value: Any) -> None:
    facts = deepcopy(dict(sign(say()).credential.facts))
    part = facts["credentialSubject"][0]["settlement"]
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    signed = read_signed(CredentialSigner(CONTROLLER, did_of(CONTROLLER)).sign(facts))
    with pytest.raises(RefusedInput):
        read_settlement(signed)


def test_part_that_is_missing__is_refused_by_its_reader() -> None:
    for name in ("channel", "voucher", "payerSignature", "sellerSignature", "claims"):
        facts = deepcopy(dict(sign(say()).credential.facts))
        del facts["credentialSubject"][0]["settlement"][name]
        signed = read_signed(CredentialSigner(CONTROLLER, did_of(CONTROLLER)).sign(facts))
        with pytest.raises(RefusedInput):
            read_settlement(signed)


def test_credential_of_another_kind__is_none_of_these() -> None:
    for read in (read_settlement, read_qualification):
        with pytest.raises(PayloadInvalid, match="another kind"):
            read(TIC)
    with pytest.raises(PayloadInvalid, match="another kind"):
        initiation.carried_in(sign(say()))


def test_t2_sealed_claims__are_read_by_both_parties_and_by_no_controller() -> None:
    keys = {name: AgreementKey.generate(RANDOMNESS) for name in ("seller", "buyer", "other")}
    readers = [Reader(f"{PARTIES[n]}#agree", keys[n].public_key) for n in ("seller", "buyer")]
    claims = claims_of_settlement(**PARTIES, encryption="jwe")
    said = say(carried=seal(claims, readers, RANDOMNESS))
    signed = sign(said)
    found = read_settlement(signed)
    check_joint(found, CHANNEL, TERMS.signers, TST, DOMAIN)  # what a controller checks
    assert claims_in(found.carried) is None
    assert "1500" not in json.dumps(signed.credential.facts)
    for name in ("seller", "buyer"):
        opened = unseal(found.carried, f"{PARTIES[name]}#agree", keys[name])
        assert opened == claims
        assert check_said(signed, found, opened, TST).fee == 2750
    with pytest.raises(SealBroken):
        unseal(found.carried, readers[0].kid, keys["other"])


def test_sealed_initiation__is_checked_by_who_can_read_it() -> None:
    key = AgreementKey.generate(RANDOMNESS)
    claims = claims_of_initiation(TIT_SCHEMA, **PARTIES, encryption="jwe")
    reader = Reader(f"{PARTIES['buyer']}#agree", key.public_key)
    signed = initiate(seal(claims, [reader], RANDOMNESS))
    opened = unseal(initiation.carried_in(signed), reader.kid, key)
    terms = replace(TERMS, initiation=signed.digest)
    assert check_initiation(signed, opened, TEMPLATES, terms).first_price == 50


def test_t30_qualification__is_by_an_auditor_about_a_seller_with_evidence_for_a_chain() -> None:
    said = Qualification(did_of(AUDITOR), did_of(SELLER), ("products of polynomials",))
    facts = qualification.draft_qualification(said, PERIOD)
    token = CredentialSigner(AUDITOR, did_of(AUDITOR)).sign(facts)
    signed = read_signed(token)
    verify(signed, known(START + 1), Wanted(issuer=did_of(AUDITOR), kind=QUALIFICATION))
    assert read_qualification(signed) == said
    evidence = qualification.sign_evidence(AUDITOR, REGISTRY, said, token)
    digest = REGISTRY.qualification(SELLER.address, signed.digest)
    assert recover(digest, evidence) == AUDITOR.address


@pytest.mark.parametrize("services", [(), ("",), ("a", "a"), ("a\n",), ("x" * 129,), ("a",) * 17])
def test_t30_qualification_for_nothing__is_not_signed(services: tuple[str, ...]) -> None:
    said = Qualification(did_of(AUDITOR), did_of(SELLER), services)
    with pytest.raises(PayloadInvalid):
        qualification.draft_qualification(said, PERIOD)


def test_evidence_of_an_initiation__is_signed_by_a_party_for_its_channel() -> None:
    signature = initiation.sign_evidence(BUYER, REGISTRY, CHANNEL, TIC.token)
    assert recover(REGISTRY.initiation(CHANNEL, TIC.digest), signature) == BUYER.address


def test_credentials__are_so_by_the_data_model() -> None:
    for signed in (TIC, sign(say())):
        assert read_credential(signed.credential.facts).issuer == str(signed.issuer)
        assert settlement.PART != initiation.PART
        assert carry({"a": 1}) == {"claims": {"a": 1}}
