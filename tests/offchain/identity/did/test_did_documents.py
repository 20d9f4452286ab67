"""Documents of identities are those that ethr-did-resolver makes of the same events (T12, T13)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests.offchain.identity.did import did_vectors
from tests.offchain.identity.did.did_vectors import (
    DELEGATE,
    LONG,
    NOW,
    OTHER,
    OWNER,
    POINT,
    SHORT,
    START,
    History,
    Step,
    let,
    own,
    say,
    time_of,
)

from edgemark.identifiers import NOBODY, Timestamp
from edgemark.identity.did.history import AtBlock, AtTime, Latest, Resolution, View, build_document
from edgemark.identity.did.identifier import parse_did_url

HISTORIES = did_vectors.histories()
VECTORS: dict[str, Any] = json.loads(did_vectors.PATH.read_text())
RANDOM_HISTORIES, MOST_STEPS = 60, 12


def view_of(version: int | None) -> View:
    """The newest version as of `NOW`, or that of a block."""
    return Latest(Timestamp(NOW)) if version is None else AtBlock(version, time_of(version))


def resolve(history: History, question: str) -> Resolution:
    url = parse_did_url(question)
    return build_document(url.did, history.changes(), view_of(url.version_id))


def answer(history: History, question: str) -> dict[str, Any]:
    """As the other resolver answers."""
    found = resolve(history, question)
    return {
        "didDocumentMetadata": found.metadata.as_json(),
        "didResolutionMetadata": {"contentType": "application/did+ld+json"},
        "didDocument": found.document.as_json(),
    }


def latest(*steps: Step) -> dict[str, Any]:
    """The document after these steps."""
    untouched = HISTORIES["untouched"]
    history = History(untouched.did, untouched.identity, steps)
    return resolve(history, history.did).document.as_json()


@pytest.mark.parametrize("name", HISTORIES)
def test_document__of_every_version_of_an_example__is_what_the_other_resolver_answers(
    name: str,
) -> None:
    history, answers = HISTORIES[name], VECTORS["answers"][name]
    assert list(answers) == history.questions()
    for question, told in answers.items():
        assert answer(history, question) == told, question


def test_vectors__are_what_the_other_resolver_answers_now() -> None:
    assert did_vectors.compute() == VECTORS


def draw_step(draw: random.Random, block: int) -> Step:
    """Anything but what the two resolvers see differently, which has tests of its own."""
    until = draw.choice([0, SHORT, START + draw.randrange(150), LONG, LONG + 1])
    key = draw.choice([POINT, b"\0\1", b"key"])
    match draw.randrange(6):
        case 0:
            return own(block, draw.choice([OWNER, OTHER, did_vectors.ITSELF]))
        case 1 | 2:
            kind = draw.choice(["veriKey", "sigAuth", "enc", b"\xff"])
            return let(block, kind, draw.choice([DELEGATE, OTHER]), until)
        case 3:
            return say(block, draw.choice(["did/svc/Files", "did/svc/"]), draw.choice(URLS), until)
    algorithm = draw.choice(["Secp256k1", "Ed25519", "RSA", "Own"])
    purpose = draw.choice(["veriKey", "sigAuth", "other"])
    encoding = draw.choice(["hex", "base64", "base58", "pem", "jwk"])
    name = draw.choice([f"did/pub/{algorithm}", f"did/pub/{algorithm[:5]}/{purpose}/{encoding}"])
    return say(block, name[:32], key, until)


URLS = ("https://files.example", '{"uri": "https://files.example"}', b"\xff")


def test_document__of_any_history__is_what_the_other_resolver_makes_of_it() -> None:
    draw = random.Random(1056)
    histories = []
    for number in range(RANDOM_HISTORIES):
        key = did_vectors.key_of(f"random {number}")
        blocks = sorted(draw.randrange(1, 10) for _ in range(draw.randrange(MOST_STEPS)))
        steps = [draw_step(draw, block) for block in blocks]
        if steps and draw.randrange(5) == 0:
            steps.append(own(blocks[-1], NOBODY))
        named = key.address if draw.randrange(3) else f"0x{key.public_key.hex()}"
        did = f"did:ethr:{did_vectors.CHAIN_ID:#x}:{named}"
        histories.append(History(did, key.address, steps))
    elsewhere = did_vectors.answers_elsewhere(histories)
    for history, answers in zip(histories, elsewhere, strict=True):
        for question, told in answers.items():
            assert answer(history, question) == told, (question, history.steps)


def test_document__at_a_time__is_the_version_that_counted_then() -> None:
    history = HISTORIES["delegates"]
    did, changes = parse_did_url(history.did).did, history.changes()
    for block in history.versions():
        at_time = build_document(did, changes, AtTime(time_of(block)))
        assert at_time == build_document(did, changes, AtBlock(block, time_of(block)))
        before = build_document(did, changes, AtTime(Timestamp(time_of(block) - 1)))
        assert before.metadata.version != at_time.metadata.version or block not in {
            step.block for step in history.steps
        }


def test_metadata__of_a_version__names_it_and_the_one_after_it() -> None:
    history = HISTORIES["another owner, and back"]
    metadata = resolve(history, f"{history.did}?versionId=3").metadata.as_json()
    assert metadata == {
        "versionId": "2",
        "updated": "2027-01-15T08:00:24Z",
        "nextVersionId": "5",
        "nextUpdate": "2027-01-15T08:01:00Z",
    }


@pytest.mark.parametrize("late", [0, 1])
def test_key__is_valid_in_its_last_second_and_not_after_it(late: int) -> None:
    history = History(
        HISTORIES["untouched"].did,
        HISTORIES["untouched"].identity,
        [let(1, "veriKey", DELEGATE, NOW - late)],
    )
    methods = resolve(history, history.did).document.methods
    assert len(methods) == 2 - late


def test_deactivated__nothing_that_comes_after_it_counts() -> None:
    after = latest(own(1, NOBODY), let(2, "veriKey", DELEGATE, LONG), own(3, OWNER))
    assert after["verificationMethod"] == after["authentication"] == after["assertionMethod"] == []


def test_deactivated__the_version_before_it_is_still_told() -> None:
    history = HISTORIES["deactivated"]
    before = resolve(history, f"{history.did}?versionId=3")
    assert not before.metadata.is_deactivated
    assert [method.key[-40:] for method in before.document.methods] == [OWNER[2:], DELEGATE[2:]]


def test_key_for_agreement__that_ended__is_referred_to_no_more() -> None:
    """The other resolver goes on referring to a key that is not in the document any more."""
    name = "did/pub/X25519/enc/base64"
    assert latest(say(1, name, POINT))["keyAgreement"] == [
        f"{HISTORIES['untouched'].did}#delegate-1"
    ]
    assert "keyAgreement" not in latest(say(1, name, POINT), say(2, name, POINT, 0))
    assert "keyAgreement" not in latest(say(1, name, POINT), say(2, name, POINT, SHORT))


@pytest.mark.parametrize("text", ["5", "1e400", "true", "null", "[" * 17 + "]" * 17, "[" * 3000])
def test_endpoint__that_is_no_text_list_or_object__stays_the_text(text: str) -> None:
    (service,) = latest(say(1, "did/svc/Files", text))["service"]
    assert service["serviceEndpoint"] == text
    json.dumps(service, allow_nan=False)
