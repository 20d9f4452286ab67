"""Whether a credential holds, by the key of its time (T29, A56)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.identity.credentials.jose.tokens import HEADER, KEY, STRANGER, make
from tests.offchain.identity.credentials.samples import (
    CHAIN_ID,
    DELEGATE,
    HEIR,
    ISSUER,
    KIND,
    START,
    SUBJECT,
    History,
    facts_of,
)

from edgemark.crypto.ethereum.secp256k1 import BadSignature, SecretKey
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.evidence import Evidence, digest_of, find_anchor
from edgemark.identity.credentials.jose.base64url import TokenInvalid
from edgemark.identity.credentials.keys import KeyUnusable, find_agreement_key
from edgemark.identity.credentials.model import CredentialInvalid, SchemaRef
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.identity.credentials.schema import (
    SchemaInvalid,
    SchemaMismatch,
    compute_digest,
    read_schema,
)
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.verification import (
    CHECKS,
    Knowledge,
    OfAnother,
    OutOfTime,
    Wanted,
    examine,
    verify,
)
from edgemark.identity.did.history import Latest, build_document
from edgemark.identity.did.identifier import make_did, parse_did

SIGNER = CredentialSigner(KEY, ISSUER)
NOW = Timestamp(START + 500)
TEMPLATE = b'{"title":"of the template","type":"object"}'
SCHEMA = SchemaRef("https://example.org/t/1", "JsonSchema", "1", compute_digest(TEMPLATE))


def fetch_nothing(cid: str) -> bytes:
    raise AssertionError(f"nobody asked for {cid}")


def known_of(
    history: History | None = None, evidence: Evidence | None = None, now: int = NOW
) -> Knowledge:
    changes = [] if history is None else history.changes
    return Knowledge(changes, Timestamp(now), evidence, fetch_nothing)


def signed_of(signer: CredentialSigner = SIGNER, **changes: Any) -> SignedCredential:
    return read_signed(signer.sign(facts_of(**changes)))


def check(
    signed: SignedCredential, history: History | None = None, evidence: Evidence | None = None
) -> None:
    verify(signed, known_of(history, evidence), Wanted())


def test_credential__of_an_identity_that_nothing_happened_to__holds() -> None:
    signed = signed_of(credentialSchema=SCHEMA.as_json())
    wanted = Wanted(ISSUER, SUBJECT, SUBJECT, KIND, SCHEMA)
    verify(signed, known_of(), wanted)
    outcomes = list(examine(signed, known_of(), wanted))
    assert [outcome.name for outcome in outcomes] == list(CHECKS)
    assert [outcome.error for outcome in outcomes] == [None] * len(CHECKS)
    assert all(outcome.told for outcome in outcomes)


def test_a56_stranger_who_signs_in_the_issuers_name__is_found() -> None:
    forged = signed_of(CredentialSigner(STRANGER, ISSUER))
    with pytest.raises(BadSignature):
        check(forged)
    outcomes = {outcome.name: outcome.error for outcome in examine(forged, known_of(), Wanted())}
    assert isinstance(outcomes.pop("signature"), BadSignature)
    assert set(outcomes.values()) == {None}


@pytest.mark.parametrize(
    "kid",
    [
        None,
        "",
        "controller",
        "#controller",
        ISSUER.text,
        f"{SUBJECT}#controller",
        f"{ISSUER}#delegate-1",
        f"{ISSUER}#controller#controller",
        f"{ISSUER}?versionId=1#controller",
        f"did:web:example.org#{ISSUER}#controller",
        f"{make_did(CHAIN_ID + 1, ISSUER.identity)}#controller",
    ],
)
def test_a56_key_that_is_not_the_issuers__is_refused(kid: str | None) -> None:
    header = {name: value for name, value in HEADER.items() if name != "kid"}
    token = make(header if kid is None else {**header, "kid": kid}, facts_of())
    with pytest.raises(KeyUnusable):
        check(read_signed(token))


def test_other_capitals__name_the_same_issuer() -> None:
    did = parse_did(ISSUER.text.lower())
    check(signed_of(CredentialSigner(KEY, did)))
    verify(signed_of(issuer=did.text), known_of(), Wanted(issuer=ISSUER))


def test_a56_key_of_another_curve_or_use__signs_nothing() -> None:
    history = History()
    history.say("did/pub/Ed25519/veriKey/base64", bytes(32))
    history.say("did/pub/Secp256k1/enc/hex", DELEGATE.public_key)
    for number, error in ((1, KeyUnusable), (2, KeyUnusable)):
        with pytest.raises(error):
            check(signed_of(CredentialSigner(DELEGATE, ISSUER, f"delegate-{number}")), history)


@pytest.mark.parametrize("encoding", ["hex", "base64", "base58", ""])
def test_key_that_is_said_as_an_attribute__signs_in_every_form(encoding: str) -> None:
    history = History()
    name = f"did/pub/Secp256k1/veriKey/{encoding}".removesuffix("/")
    history.say(name, DELEGATE.public_key)
    check(signed_of(CredentialSigner(DELEGATE, ISSUER, "delegate-1")), history)
    with pytest.raises(BadSignature):
        check(signed_of(CredentialSigner(STRANGER, ISSUER, "delegate-1")), history)


def test_attribute_that_is_no_point__signs_nothing() -> None:
    history = History()
    history.say("did/pub/Secp256k1/veriKey/hex", b"\x02" + bytes(32))
    with pytest.raises(KeyUnusable):
        check(signed_of(CredentialSigner(DELEGATE, ISSUER, "delegate-1")), history)


Then = Callable[[History], object]
AFTER: dict[str, Then] = {
    "rotated": lambda history: history.rotate(HEIR.address),
    "deactivated": lambda history: history.deactivate(),
}


@pytest.mark.parametrize("what", AFTER)
def test_t29_what_happens_after_the_evidence__voids_nothing(what: str) -> None:
    signed, history = signed_of(), History()
    history.anchor(signed.digest)
    AFTER[what](history)
    evidence = find_anchor(signed.digest, history.changes)
    assert evidence is not None
    check(signed, history, evidence)
    check(signed, history, Evidence(evidence.at))  # a record of another chain
    with pytest.raises((KeyUnusable, BadSignature)):
        check(signed, history)  # without evidence it may have been signed today


@pytest.mark.parametrize("what", AFTER)
def test_a56_what_happened_before_the_evidence__voids_it(what: str) -> None:
    signed, history = signed_of(), History()
    AFTER[what](history)
    at = history.anchor(signed.digest)
    evidence = find_anchor(signed.digest, history.changes)
    for found in (evidence, Evidence(at), None):
        with pytest.raises((KeyUnusable, BadSignature)):
            check(signed, history, found)


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("what", AFTER)
def test_t29_within_one_block__the_place_of_the_anchor_decides(what: str, is_before: bool) -> None:
    signed, history = signed_of(), History()
    if is_before:
        history.anchor(signed.digest, log=0)
        history.rotate(HEIR.address, log=1, blocks=0)
        check(signed, history, find_anchor(signed.digest, history.changes))
        return
    history.rotate(HEIR.address, log=0)
    history.anchor(signed.digest, log=1, blocks=0)
    with pytest.raises(BadSignature):
        check(signed, history, find_anchor(signed.digest, history.changes))


def test_t29_new_owners_key__signs_after_the_rotation_and_not_before() -> None:
    signed, history = signed_of(CredentialSigner(HEIR, ISSUER)), History()
    early = history.say("other", b"1")
    history.rotate(HEIR.address)
    late = history.say("other", b"2")
    check(signed, history)
    check(signed, history, Evidence(late))
    with pytest.raises(BadSignature):
        check(signed, history, Evidence(early))


def test_t29_delegate__signs_within_its_time_and_its_evidence_outlives_it() -> None:
    signed = signed_of(CredentialSigner(DELEGATE, ISSUER, "delegate-1"))
    history = History()
    history.delegate(DELEGATE.address, START + 100)
    at = history.anchor(signed.digest)
    check(signed, history, Evidence(at))
    check(signed, history, find_anchor(signed.digest, history.changes))
    with pytest.raises(KeyUnusable):
        check(signed, history)  # by now its time is over
    with pytest.raises(KeyUnusable):
        check(signed, history, Evidence(Timestamp(START + 101)))


def test_anchor__of_another_digest_or_one_that_was_taken_back_alone__is_no_evidence() -> None:
    signed, history = signed_of(), History()
    history.anchor(digest_of("another text"))
    history.unsay("vc/anchor", signed.digest)
    history.say("vc/another", signed.digest)
    assert find_anchor(signed.digest, history.changes) is None
    first = history.anchor(signed.digest)
    history.unsay("vc/anchor", signed.digest)
    history.anchor(signed.digest)
    found = find_anchor(signed.digest, history.changes)
    assert found is not None
    assert found.at == first


def test_anchor__in_the_subjects_identity__is_evidence_as_well() -> None:
    signed = signed_of()
    subject, issuer = History(SUBJECT.identity), History()
    subject.anchor(signed.digest)
    issuer.rotate(HEIR.address, blocks=2)
    evidence = find_anchor(signed.digest, [*issuer.changes, *subject.changes])
    check(signed, issuer, evidence)


@pytest.mark.parametrize(
    ("now", "holds"),
    [(START - 1, False), (START, True), (START + 1000, True), (START + 1001, False)],
)
def test_a56_period__counts_with_both_its_seconds(now: int, holds: bool) -> None:
    if holds:
        verify(signed_of(), known_of(now=now), Wanted())
        return
    with pytest.raises(OutOfTime):
        verify(signed_of(), known_of(now=now), Wanted())


WANTED: dict[str, tuple[Wanted, type[RefusedInput]]] = {
    "issuer": (Wanted(issuer=SUBJECT), OfAnother),
    "subject": (Wanted(subject=ISSUER), OfAnother),
    "holder": (Wanted(holder=ISSUER), OfAnother),
    "kind": (Wanted(kind="AnotherCredential"), OfAnother),
    "schema": (Wanted(schema=replace(SCHEMA, id="https://example.org/t/2")), SchemaMismatch),
    "version": (Wanted(schema=replace(SCHEMA, version="2")), SchemaMismatch),
    "digest": (Wanted(schema=replace(SCHEMA, digest=compute_digest(b"{}"))), SchemaMismatch),
    "no digest": (Wanted(schema=replace(SCHEMA, digest="")), SchemaMismatch),
}


@pytest.mark.parametrize("what", WANTED)
def test_a56_credential_that_is_not_the_one_wanted__is_refused(what: str) -> None:
    wanted, error = WANTED[what]
    signed = signed_of(credentialSchema=SCHEMA.as_json())
    check(signed)
    with pytest.raises(error):
        verify(signed, known_of(), wanted)


@pytest.mark.parametrize("schemas", [None, [SCHEMA.as_json()] * 2])
def test_a56_no_template_or_several__is_not_the_one_wanted(schemas: Any) -> None:
    with pytest.raises(SchemaMismatch):
        verify(signed_of(credentialSchema=schemas), known_of(), Wanted(schema=SCHEMA))


def test_digest_of_a_template__is_of_what_it_says_and_not_of_how_it_is_written() -> None:
    spaced = b'{ "type": "object",\n "title": "\\u006ff the template" }'
    assert compute_digest(spaced) == SCHEMA.digest
    assert compute_digest(b'{"title":"Of the template","type":"object"}') != SCHEMA.digest
    for raw in (b"", b"[]", b'{"a":1,"a":1}', b'{"a":NaN}', b'{"a":9007199254740993}'):
        with pytest.raises(SchemaInvalid):
            compute_digest(raw)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "vp+jwt"},
        {"typ": "VC+JWT"},
        {"cty": "vp"},
        {"cty": "JWT"},
        {"iss": SUBJECT.text},
        {"iss": 7},
    ],
)
def test_a56_text_that_was_signed_for_something_else__is_no_credential(
    header: dict[str, Any],
) -> None:
    with pytest.raises(TokenInvalid):
        read_signed(make({**HEADER, **header}, facts_of()))


def test_issuer_of_another_method__is_refused() -> None:
    with pytest.raises(CredentialInvalid):
        read_signed(make(HEADER, facts_of(issuer="did:web:example.org")))


def test_status_of_another_kind__is_not_known_and_so_it_does_not_hold() -> None:
    with pytest.raises(RefusedInput):
        check(signed_of(credentialStatus={"type": "AnotherStatusList"}))


def test_facts_that_json_has_no_form_for__are_refused() -> None:
    for value in (2**70, {1: 2}, object()):
        with pytest.raises(CredentialInvalid):
            SIGNER.sign(facts_of(credentialSubject={"a": value}))


def test_key_to_encrypt_for__is_the_newest_of_the_document() -> None:
    history = History()
    document = build_document(ISSUER, history.changes, Latest(NOW)).document
    with pytest.raises(KeyUnusable):
        find_agreement_key(document)
    for value in (bytes(31), bytes([1]) * 32, bytes([2]) * 32):
        history.say("did/pub/X25519/enc/base64", value)
    document = build_document(ISSUER, history.changes, Latest(NOW)).document
    assert find_agreement_key(document) == (f"{ISSUER}#delegate-3", bytes([2]) * 32)


@given(st.data())
def test_door__a_credential_with_a_few_octets_changed__does_not_hold(data: st.DataObject) -> None:
    token = bytearray(SIGNER.sign(facts_of()).encode())
    place = data.draw(st.integers(0, len(token) - 1))
    token[place] = data.draw(st.integers(0, 127).filter(lambda octet: octet != token[place]))
    with pytest.raises(EdgemarkError):
        check(read_signed(token.decode()))


@given(st.text(max_size=60))
def test_door__key_name_that_is_anything__is_refused(name: str) -> None:
    header = {**HEADER, "kid": f"{ISSUER}#{name}" if len(name) % 2 else name}
    if name == "controller":
        return
    with pytest.raises(RefusedInput):
        check(read_signed(make(header, facts_of())))


@given(st.binary(max_size=60))
def test_door__template_that_is_anything__has_a_digest_or_is_refused(raw: bytes) -> None:
    try:
        found = read_schema(raw, lambda canonical: f"urn:x:{len(canonical)}")
    except SchemaInvalid:
        return
    assert found.digest == compute_digest(raw)


@given(st.integers(1, 5), st.lists(st.sampled_from(["rotate", "anchor", "delegate"]), max_size=6))
def test_t29_evidence__is_judged_by_what_stood_before_it_alone(
    number: int, then: list[str]
) -> None:
    """Whatever follows the evidence, the same credential holds or does not hold as before."""
    owner = SecretKey(bytes([number]) * 32)
    history = History()
    history.rotate(owner.address)
    signed = signed_of()
    history.anchor(signed.digest)
    evidence = find_anchor(signed.digest, history.changes)
    holds = owner.address == KEY.address
    for what in then:
        assert is_taken(signed, history, evidence) is holds
        match what:
            case "rotate":
                history.rotate(HEIR.address)
            case "delegate":
                history.delegate(KEY.address)
            case _:
                history.anchor(signed.digest)
    history.deactivate()
    assert is_taken(signed, history, evidence) is holds


def is_taken(signed: SignedCredential, history: History, evidence: Evidence | None) -> bool:
    try:
        check(signed, history, evidence)
    except (KeyUnusable, BadSignature):
        return False
    return True
