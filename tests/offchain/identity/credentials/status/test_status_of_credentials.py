"""Revoked and suspended credentials, by the list that the issuer's identity names (T14, A56)."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.identity.credentials.jose.tokens import KEY, STRANGER
from tests.offchain.identity.credentials.samples import (
    HEIR,
    ISSUER,
    START,
    SUBJECT,
    History,
    facts_of,
)

from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.evidence import find_anchor
from edgemark.identity.credentials.keys import KeyUnusable
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.status.announced import Announcement, find_announced
from edgemark.identity.credentials.status.bitstring import (
    LEAST_ENTRIES,
    Bitstring,
    StatusListInvalid,
)
from edgemark.identity.credentials.status.entries import (
    ListName,
    NotGood,
    Purpose,
    StatusEntry,
    list_facts,
    parse_entry,
    parse_list_name,
)
from edgemark.identity.credentials.status.reading import ListMissing
from edgemark.identity.credentials.verification import Knowledge, Wanted, verify

NOW = Timestamp(START + 500)
SIGNER = CredentialSigner(KEY, ISSUER)
REVOKED, SUSPENDED = ListName(ISSUER, "revocation-1"), ListName(ISSUER, "suspension-1")
ENTRIES = (
    StatusEntry(REVOKED, Purpose.REVOCATION, 77),
    StatusEntry(SUSPENDED, Purpose.SUSPENSION, 131_071),
)


def name_text(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@dataclass
class Desk:
    """An issuer's identity, and texts of lists by name."""

    history: History = field(default_factory=History)
    texts: dict[str, bytes] = field(default_factory=dict)
    count: int = 0

    def announce(self, listed: ListName, token: str, *, is_kept: bool = True) -> None:
        raw = token.encode()
        self.count += 1
        if is_kept:
            self.texts[name_text(raw)] = raw
        told = Announcement(listed.name, self.count, name_text(raw))
        self.history.say("did/svc/StatusList", told.encode())

    def publish(
        self, entry: StatusEntry, *, is_set: bool = True, signer: CredentialSigner = SIGNER
    ) -> None:
        bits = Bitstring()
        bits[entry.index] = is_set
        facts = list_facts(entry.listed, entry.purpose, bits, START)
        self.announce(entry.listed, signer.sign(facts))

    def fetch(self, cid: str) -> bytes:
        try:
            return self.texts[cid]
        except KeyError:
            raise ListMissing("is not at hand", who=cid) from None

    def check(self, signed: SignedCredential, now: int = NOW) -> None:
        changes = self.history.changes
        evidence = find_anchor(signed.digest, changes)
        verify(signed, Knowledge(changes, Timestamp(now), evidence, self.fetch), Wanted())


def signed_of(*entries: StatusEntry, **changes: Any) -> SignedCredential:
    status = [entry.as_json() for entry in entries or ENTRIES]
    return read_signed(SIGNER.sign(facts_of(credentialStatus=status, **changes)))


def test_credential__holds_until_its_bit_is_set_and_no_other() -> None:
    desk, signed = Desk(), signed_of()
    desk.check(signed)  # nothing was ever announced, and the chain would know
    desk.publish(StatusEntry(REVOKED, Purpose.REVOCATION, 78))
    desk.check(signed)
    desk.publish(ENTRIES[0])
    with pytest.raises(NotGood) as refused:
        desk.check(signed)
    assert refused.value.what == "was revoked by its issuer"


def test_suspended_credential__holds_again_when_that_is_lifted() -> None:
    desk, signed = Desk(), signed_of()
    desk.publish(ENTRIES[1])
    with pytest.raises(NotGood) as refused:
        desk.check(signed)
    assert refused.value.what == "is suspended by its issuer"
    desk.publish(ENTRIES[1], is_set=False)
    desk.check(signed)


def test_a56_revoked_credential__stays_revoked_whatever_its_issuer_does() -> None:
    """Its evidence keeps the signature good; the list that was announced last counts for ever."""
    desk, signed = Desk(), signed_of()
    desk.history.anchor(signed.digest)
    desk.publish(ENTRIES[0])
    (announced,) = [
        d for d in desk.history.changes if b"revocation" in getattr(d.change, "value", b"")
    ]
    desk.history.unsay("did/svc/StatusList", announced.change.value)  # type: ignore[union-attr]
    with pytest.raises(NotGood):
        desk.check(signed)
    desk.history.rotate(HEIR.address)
    with pytest.raises(NotGood):
        desk.check(signed)
    desk.history.deactivate()
    with pytest.raises(NotGood):
        desk.check(signed)


def test_t29_list__is_checked_with_the_key_of_its_announcement() -> None:
    desk, signed = Desk(), signed_of()
    desk.history.anchor(signed.digest)
    desk.publish(StatusEntry(REVOKED, Purpose.REVOCATION, 1))
    desk.history.rotate(HEIR.address)
    desk.check(signed)  # by the old key, before
    desk.publish(ENTRIES[0], is_set=False, signer=CredentialSigner(HEIR, ISSUER))
    desk.check(signed)  # by the new one, after
    desk.publish(ENTRIES[0], is_set=False)
    with pytest.raises(BadSignature):
        desk.check(signed)  # by the old one, after


def test_text_that_nobody_has__leaves_the_status_unknown() -> None:
    desk = Desk()
    bits = Bitstring()
    desk.announce(
        REVOKED, SIGNER.sign(list_facts(REVOKED, Purpose.REVOCATION, bits, START)), is_kept=False
    )
    with pytest.raises(ListMissing):
        desk.check(signed_of())


Make = Callable[[], str]


def list_of(**changes: Any) -> str:
    facts = list_facts(REVOKED, Purpose.REVOCATION, Bitstring(), START)
    return SIGNER.sign(facts | changes)


def subject_of(**changes: Any) -> dict[str, Any]:
    subject = list_facts(REVOKED, Purpose.REVOCATION, Bitstring(), START)["credentialSubject"]
    return {"credentialSubject": subject | changes}


@pytest.mark.parametrize(
    "make",
    [
        lambda: list_of(type=["VerifiableCredential"]),
        lambda: list_of(id="did:a:1"),
        lambda: list_of(validFrom="2099-01-01T00:00:00Z"),
        lambda: list_of(validUntil="2027-01-15T08:00:01Z"),
        lambda: list_of(**subject_of(type="StatusList2021")),
        lambda: list_of(**subject_of(statusPurpose="suspension")),
        lambda: list_of(**subject_of(statusPurpose=["suspension", "message"])),
        lambda: list_of(**subject_of(encodedList="u")),
        lambda: list_of(credentialSubject=[subject_of()["credentialSubject"]]),
        lambda: CredentialSigner(STRANGER, SUBJECT).sign(
            list_facts(REVOKED, Purpose.REVOCATION, Bitstring(), START) | {"issuer": SUBJECT.text}
        ),
        lambda: "é",
    ],
)
def test_a56_another_list_than_the_one_named__leaves_the_status_unknown(make: Make) -> None:
    desk = Desk()
    desk.announce(REVOKED, make())
    with pytest.raises(StatusListInvalid):
        desk.check(signed_of(ENTRIES[0]))


def test_list_for_several_purposes__is_read() -> None:
    desk = Desk()
    desk.announce(REVOKED, list_of(**subject_of(statusPurpose=["suspension", "revocation"])))
    desk.check(signed_of(ENTRIES[0]))


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 70_000])
def test_a56_text_that_is_no_credential__leaves_the_status_unknown(token: str) -> None:
    desk = Desk()
    desk.announce(REVOKED, token)
    with pytest.raises(RefusedInput):
        desk.check(signed_of())


def test_a56_list_signed_by_a_stranger__leaves_the_status_unknown() -> None:
    desk = Desk()
    desk.publish(ENTRIES[0], is_set=False, signer=CredentialSigner(STRANGER, ISSUER))
    with pytest.raises(BadSignature):
        desk.check(signed_of())
    other = Desk()
    other.publish(ENTRIES[0], is_set=False, signer=CredentialSigner(KEY, ISSUER, "delegate-1"))
    with pytest.raises(KeyUnusable):
        other.check(signed_of())


def test_a56_list_of_another_issuer__says_nothing_of_this_one() -> None:
    """Else an issuer's customer would name a list of its own and never be revoked."""
    other = StatusEntry(ListName(SUBJECT, "revocation-1"), Purpose.REVOCATION, 1)
    with pytest.raises(StatusListInvalid):
        Desk().check(signed_of(other))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "StatusList2021Entry"},
        {"type": ["BitstringStatusListEntry"]},
        {"statusPurpose": "message"},
        {"statusPurpose": None},
        {"statusPurpose": ["revocation"]},
        {"statusSize": 2},
        {"statusListIndex": 77},
        {"statusListIndex": "-1"},
        {"statusListIndex": "077"},
        {"statusListIndex": "7" * 9},
        {"statusListIndex": "\u0667"},
        {"statusListIndex": None},
        {"statusListCredential": "https://example.org/lists/1"},
        {"statusListCredential": REVOKED.url + "#list"},
        {"statusListCredential": REVOKED.url.replace("revocation-1", "../revocation-1")},
        {"statusListCredential": "did:web:a" + REVOKED.url.partition("did:ethr")[2]},
        {"statusListCredential": None},
    ],
)
def test_a56_entry_of_another_form__is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(StatusListInvalid):
        parse_entry(ENTRIES[0].as_json() | change)


def test_entry__is_read_as_it_is_written() -> None:
    for entry in ENTRIES:
        assert parse_entry(entry.as_json()) == entry
        assert parse_list_name(entry.listed.url) == entry.listed
        assert parse_entry(entry.as_json() | {"statusSize": 1}) == entry


def test_index_beyond_the_list__leaves_the_status_unknown() -> None:
    for index in (LEAST_ENTRIES, 2 * LEAST_ENTRIES):
        with pytest.raises(StatusListInvalid):
            Desk().check(signed_of(StatusEntry(REVOKED, Purpose.REVOCATION, index)))


@pytest.mark.parametrize(
    "value",
    [
        b"https://files.example",
        b"{}",
        b'{"cid":"a","list":"revocation-1","number":0}',
        b'{"cid":"a","list":"revocation-1","number":"1"}',
        b'{"cid":"a","list":"revocation-1","number":1,"number":2}',
        b'{"cid":1,"list":"revocation-1","number":1}',
        b'{"cid":"' + b"a" * 300 + b'","list":"revocation-1","number":1}',
    ],
)
def test_announcement_that_nobody_can_read__says_nothing(value: bytes) -> None:
    history = History()
    told = Announcement("revocation-1", 3, "cid")
    history.say("did/svc/StatusList", told.encode())
    history.say("did/svc/StatusList", value)
    found = find_announced("revocation-1", history.changes)
    assert found is not None
    assert found.what == told
    assert find_announced("revocation-2", history.changes) is None


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.text(max_size=8)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(ENTRIES[0].as_json())), JSON, max_size=3))
def test_door__entry_whose_parts_are_anything__is_read_or_refused(parts: dict[str, Any]) -> None:
    with contextlib.suppress(StatusListInvalid):
        parse_entry(ENTRIES[0].as_json() | parts)


@given(st.one_of(st.binary(min_size=1, max_size=60), JSON.map(lambda v: json.dumps(v).encode())))
def test_door__announcement_that_is_anything__is_read_or_says_nothing(value: bytes) -> None:
    history = History()
    history.say("did/svc/StatusList", value)
    assert find_announced("revocation-1", history.changes) is None


@given(
    st.dictionaries(
        st.sampled_from(["type", "id", "issuer", "validFrom", "credentialSubject"]),
        JSON,
        max_size=3,
    )
)
def test_door__list_whose_parts_are_anything__is_read_or_refused(parts: dict[str, Any]) -> None:
    desk = Desk()
    desk.announce(REVOKED, list_of(**parts))
    with contextlib.suppress(EdgemarkError):
        desk.check(signed_of(ENTRIES[0]))
