"""The resolver over HTTP, for two chains at once, as the Universal Resolver asks it (T12, T13)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from tests.offchain.identity.did.did_chains import (
    DELEGATE,
    FILES,
    HEIR,
    OWNER,
    VERI_KEY,
    YEAR_S,
    Side,
    sides,  # noqa: F401 - a fixture
)

from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.resolver.following import MOST_BEHIND, FollowedChain
from edgemark.resolver.web import ResolverFace
from edgemark.transport.limits import ServerLimits
from edgemark.transport.serving.server import HttpServer

pytestmark = [pytest.mark.chain, pytest.mark.lasts(3)]

Sides = tuple[Side, Side]
SLOW = 3600.0  # nothing is looked at but when a test does it


class Answer(NamedTuple):
    """What came back."""

    status: int
    content_type: str
    body: bytes

    @property
    def facts(self) -> Any:
        return json.loads(self.body)


class Asker:
    """A resolver over both chains, and who asks it."""

    def __init__(self, chains: list[FollowedChain], port: int) -> None:
        self.chains = chains
        self._port = port

    def ask(self, path: str, accept: str = "", method: str = "GET") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, headers={"Accept": accept} if accept else {})
            got = connection.getresponse()
            return Answer(got.status, got.getheader("Content-Type", ""), got.read())
        finally:
            connection.close()

    def resolve(self, did: str, accept: str = "", method: str = "GET") -> Answer:
        return self.ask(f"/1.0/identifiers/{did}", accept, method)


@pytest.fixture(scope="module")
def asker(sides: Sides, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:  # noqa: F811
    """The owner has a service on one chain and a delegate on the other; the heir ended there."""
    here, there = sides
    me = OWNER.address
    here.owner.send(here.registry.set_attribute(me, FILES, b"https://files.example", YEAR_S))
    there.owner.send(there.registry.add_delegate(me, VERI_KEY, DELEGATE.address, YEAR_S))
    there.heir.send(there.registry.deactivate(HEIR.address))
    home = tmp_path_factory.mktemp("resolver")
    with ExitStack() as stack:
        chains = [FollowedChain(side.chain, side.deployment, home, SLOW) for side in sides]
        for each in chains:  # no thread of theirs has begun: two would look at once
            each.look()
        limits = ServerLimits(per_s=1000, per_s_of_peer=1000)
        routes = ResolverFace(chains).routes()
        server = stack.enter_context(HttpServer(routes, None, limits=limits))
        assert server.url.startswith("http://127.0.0.1:")
        yield Asker(chains, server.port)


def test_get__of_either_chain__answers_the_result_of_that_chain(asker: Asker, sides: Sides) -> None:  # noqa: F811
    here, there = (side.registry.did(OWNER.address).text for side in sides)
    answer = asker.resolve(here)
    assert (answer.status, answer.content_type) == (200, "application/did-resolution")
    assert answer.facts["didDocument"]["id"] == here
    assert len(answer.facts["didDocument"]["service"]) == 1
    document = asker.resolve(quote(there, safe=""), "application/did+json")
    assert (document.status, document.content_type) == (200, "application/did+json")
    assert len(document.facts["verificationMethod"]) == 2
    assert "@context" not in document.facts


def test_get__of_a_version__is_the_document_as_it_was(asker: Asker, sides: Sides) -> None:  # noqa: F811
    did = sides[1].registry.did(OWNER.address).text
    change = sides[1].changes(OWNER.address)[-1]
    for query, methods in ((f"versionId={change.block}", 2), (f"versionId={change.block - 1}", 1)):
        answer = asker.resolve(f"{did}?{query}")
        assert answer.status == 200
        assert len(answer.facts["didDocument"]["verificationMethod"]) == methods
    answer = asker.resolve(f"{did}?versionTime=2001-01-01T00%3A00%3A00Z")
    assert len(answer.facts["didDocument"]["verificationMethod"]) == 1
    assert asker.resolve(f"{did}?versionId=999999").status == 404


def test_get__of_what_was_deactivated__is_gone_in_every_form(asker: Asker, sides: Sides) -> None:  # noqa: F811
    did = sides[1].registry.did(HEIR.address).text
    answer = asker.resolve(did)
    assert answer.status == 410
    assert answer.facts["didDocumentMetadata"]["deactivated"] is True
    document = asker.resolve(did, "application/did+ld+json")
    assert (document.status, document.facts["verificationMethod"]) == (410, [])


@pytest.mark.parametrize(
    ("did", "accept", "status", "code"),
    [
        ("did:ethr:0x7a69:0x12", "", 400, "invalidDid"),
        ("nonsense", "", 400, "invalidDid"),
        ("did:ethr:0x7a69:%1b[2J", "", 400, "invalidDid"),
        (f"did:ethr:0x7a69:{OWNER.address}/path", "", 400, "invalidDidUrl"),
        (f"did:ethr:0x7a69:{OWNER.address}?service=x", "", 400, "invalidDidUrl"),
        (f"did:ethr:0x5:{OWNER.address}", "", 404, "notFound"),
        (f"did:ethr:0x7a69:{OWNER.address}", "text/html", 406, "representationNotSupported"),
        ("did:web:example.org", "application/did+json", 501, "methodNotSupported"),
    ],
)
def test_get__of_what_is_not_resolved__says_why(
    asker: Asker, did: str, accept: str, status: int, code: str
) -> None:
    answer = asker.resolve(did, accept)
    assert (answer.status, answer.content_type) == (status, "application/did-resolution")
    assert answer.facts["didResolutionMetadata"]["error"] == code
    assert answer.facts["didDocument"] is None


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("versionTime=9999-12-31T23:59:59Z", 404),
        ("versionTime=0001-01-01T00:00:00Z", 200),  # every account owns itself, at any time
        ("versionTime=0000-01-01T00:00:00Z", 400),
        ("versionTime=2027-02-30T00:00:00Z", 400),
        ("versionTime=2027-01-01T24:00:00Z", 400),
        ("versionTime=2027-01-01", 400),
        ("versionTime=%F0%9F%92%A3", 400),
        ("versionTime=", 400),
        ("versionId=9223372036854775807", 404),
        ("versionId=9223372036854775808", 400),
        ("versionId=-1", 400),
        ("versionId=1_0", 400),
        ("versionId=%D9%A1", 400),  # a digit of another script
        ("versionId=0&versionTime=2001-01-01T00:00:00Z", 400),
        ("versionId=0&versionId=0", 400),
        ("versionid=0", 400),
        ("versionId=" + "9" * 2_000, 400),
        ("&" * 2_000, 400),
    ],
)
def test_query__that_asks_for_no_version_there_can_be__is_refused(
    asker: Asker,
    sides: Sides,  # noqa: F811
    query: str,
    status: int,
) -> None:
    answer = asker.resolve(f"{sides[0].registry.did(OWNER.address).text}?{query}")
    assert answer.status == status
    code = {400: "invalidDidUrl", 404: "notFound", 200: None}[status]
    assert answer.facts["didResolutionMetadata"].get("error") == code


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("did%3Aethr%3A0x7a69%3A0x12", "invalidDid"),
        ("did:ethr:%30x7a69:" + OWNER.address.lower() + "%00", "invalidDid"),
        ("did:ethr:0x7a69:" + OWNER.address.swapcase(), "invalidDid"),
        ("did:ethr:0x07a69:" + OWNER.address, "invalidDid"),
        ("did:ethr:0x7A69:" + OWNER.address, "invalidDid"),
        ("did:ethr:0x7a69:" + "0x02" + "ff" * 32, "invalidDid"),  # no point of the curve
        ("did:ethr:nowhere:" + OWNER.address, "notFound"),
        ("did:ethr::" + OWNER.address, "invalidDid"),
        ("did:ETHR:0x7a69:" + OWNER.address, "invalidDid"),
        ("DID:ethr:0x7a69:" + OWNER.address, "invalidDid"),
        (f"did:ethr:0x7a69:{OWNER.address}%2Fpath", "invalidDidUrl"),
        (f"did:ethr:0x7a69:{OWNER.address}%23controller", "invalidDidUrl"),
        (f"did:ethr:0x7a69:{OWNER.address}%3FversionId=0?versionId=0", "invalidDidUrl"),
        ("%E2%80%AE%F0%9F%92%A3%ff", "invalidDid"),
        ("%", "invalidDid"),
    ],
)
def test_path__that_names_no_identity__is_refused(asker: Asker, path: str, code: str) -> None:
    answer = asker.resolve(path)
    assert answer.content_type == "application/did-resolution"
    assert answer.facts["didResolutionMetadata"]["error"] == code
    assert answer.status == (404 if code == "notFound" else 400)
    assert answer.body.isascii()  # whatever it was, nothing of it acts on a terminal


def test_place_that_is_none__is_not_found(asker: Asker) -> None:
    for path in ("/", "/1.0/identifiers/", "/1.0/identifiers", "/1.0/identifiers/../x", "/1.1/x"):
        assert asker.ask(path).status in (400, 404)
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
        assert asker.resolve("did:web:x", method=method).status == 405


def test_accept__that_is_odd__gets_an_answer_all_the_same(asker: Asker, sides: Sides) -> None:  # noqa: F811
    did = sides[0].registry.did(OWNER.address).text
    assert asker.resolve(did, ",".join(["a/b"] * 500)).status == 406
    assert asker.resolve(did, ";" * 2_000).status == 406
    assert asker.resolve(did, "application/did+json;q=1;q=0").status == 406
    assert asker.resolve(did, "x" * 5_000).status == 400  # a line that long is no head


def test_head__is_the_head_of_get(asker: Asker, sides: Sides) -> None:  # noqa: F811
    did = sides[0].registry.did(OWNER.address).text
    answer = asker.resolve(did, "application/did+json", "HEAD")
    assert answer == (200, "application/did+json", b"")
    assert asker.resolve("nonsense", method="HEAD").status == 400
    assert asker.resolve(did, method="POST").status == 405


def test_body_or_head_that_is_too_long__is_refused(asker: Asker) -> None:
    assert asker.resolve("did:ethr:" + "0" * 10_000).status == 400
    assert asker.resolve("did:ethr:" + "0" * 3_000).facts["didDocument"] is None


def test_healthz__looks_at_every_chain_and_how_far_its_index_is(
    asker: Asker,
    sides: Sides,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for each in asker.chains:
        each.look()
    answer = asker.ask("/healthz")
    assert answer.status == 200
    head = sides[1].chain.head()
    told = answer.facts["chains"]["0x7a6a"]
    assert (told["head"], told["indexed"], told["lag_blocks"]) == (head, head, 0)
    behind = asker.chains[1]
    assert behind.faults(1e12) != []  # no look for so long
    monkeypatch.setattr("edgemark.resolver.following.keep_in_step", lambda *_: None)
    sides[1].chain.rpc("anvil_mine", hex(MOST_BEHIND + 1))
    behind.look()
    answer = asker.ask("/healthz")
    assert answer.status == 503
    late = f"index of chain 0x7a6a is {MOST_BEHIND + 1} blocks behind"
    assert answer.facts["faults"] == [late]
    # A key that was taken away in these blocks would still be told: nothing is, but elsewhere.
    there, here = (side.registry.did(OWNER.address).text for side in reversed(sides))
    refused = asker.resolve(there)
    assert (refused.status, refused.facts["what"]) == (503, late)
    assert asker.resolve(here).status == 200
    monkeypatch.undo()
    behind.look()
    assert asker.resolve(there).status == 200


def test_chain_that_does_not_answer__is_a_fault_without_its_address(
    sides: Sides,  # noqa: F811
    tmp_path: Path,
) -> None:
    away = EvmChain("http://127.0.0.1:9/secret-key", chain_id=31337, attempts=1)
    followed = FollowedChain(away, sides[0].deployment, tmp_path, SLOW)
    assert followed.faults(0.0) == ["index of chain 0x7a69 has not begun"]
    followed.look()
    begun, fault = followed.faults(0.0)
    assert begun.endswith("has not begun")
    assert "secret-key" not in fault
    assert "127.0.0.1" not in fault
    with HttpServer(ResolverFace([followed]).routes(), None) as server:
        answer = Asker([followed], server.port).resolve(f"did:ethr:0x7a69:{OWNER.address}")
    assert answer.status == 503
    assert b"secret-key" not in answer.body
