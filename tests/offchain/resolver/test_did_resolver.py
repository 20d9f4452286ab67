"""DIDs resolved from the index, on the chain that each of them names (T12, T13, A30)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

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

from edgemark.identifiers import Timestamp
from edgemark.identity.did.history import AtBlock, AtTime, build_document
from edgemark.identity.did.identifier import format_second, parse_did, parse_did_url
from edgemark.indexer.keeping import EventIndex
from edgemark.indexer.store import IndexStore
from edgemark.ledger.evm.reading.blocks import Block
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.resolver import resolver as under_test
from edgemark.resolver.resolver import DidResolver
from edgemark.resolver.results import DidNotFound, HistoryTooLong, as_result

pytestmark = [pytest.mark.chain, pytest.mark.lasts(4)]

Sides = tuple[Side, Side]
VALUE = b"https://files.example"


class TimesAlone:
    """A chain that is asked for the time of a block and for nothing else."""

    def __init__(self, chain: EvmChain) -> None:
        self.block: Callable[[int], Block] = chain.block


@pytest.fixture(scope="module")
def told(sides: Sides) -> Sides:  # noqa: F811
    """The owner's identity has a history here, and another one there."""
    here, there = sides
    me = OWNER.address
    for side in sides:
        registry = side.registry
        side.owner.send(registry.add_delegate(me, VERI_KEY, DELEGATE.address, YEAR_S))
        side.owner.send(registry.set_attribute(me, FILES, VALUE, 1 + YEAR_S * (side is here)))
    here.owner.send(here.registry.change_owner(me, HEIR.address))
    # What is no part of the owner's history: it stands in somebody else's.
    here.heir.send(here.registry.add_delegate(HEIR.address, VERI_KEY, me, YEAR_S))
    here.heir.send(here.registry.deactivate(me))
    there.owner.send(there.registry.revoke_delegate(me, VERI_KEY, DELEGATE.address))
    return sides


@contextmanager
def resolving(
    side: Side, folder: Path, clock: Callable[[], float] | None = None
) -> Iterator[DidResolver]:
    """A resolver over a fresh index of one chain, by chain time unless said otherwise."""
    with IndexStore.open_to_write(folder / "index.sqlite", side.deployment) as store:
        EventIndex(side.chain, side.deployment, store).sync()
        chain = cast(EvmChain, TimesAlone(side.chain))
        yield DidResolver(chain, side.deployment, store, clock or (lambda: 0.0))


def test_every_version__is_what_walking_the_events_says(told: Sides, tmp_path: Path) -> None:
    for number, side in enumerate(told):
        did = side.registry.did(OWNER.address)
        changes = side.changes(did.identity)
        assert len(changes) == 4 - number
        with resolving(side, tmp_path / str(number)) as resolver:
            for dated in changes:
                at_block = AtBlock(dated.block, dated.at)
                walked = as_result(build_document(did, changes, at_block))
                assert resolver.answer(f"{did}?versionId={dated.block}") == walked
                walked = as_result(build_document(did, changes, AtTime(dated.at)))
                asked = f"{did}?versionTime={format_second(dated.at)}"
                assert resolver.answer(asked) == walked


def test_identities_of_two_chains__are_apart_and_each_is_resolved_on_its_own(
    told: Sides, tmp_path: Path
) -> None:
    here, there = told
    with resolving(here, tmp_path / "here") as one, resolving(there, tmp_path / "there") as two:
        dids = [side.registry.did(OWNER.address) for side in told]
        ended = one.answer(dids[0].text)
        assert ended["didDocumentMetadata"]["deactivated"] is True
        assert ended["didDocument"]["verificationMethod"] == []
        alive = two.answer(dids[1].text)
        assert "deactivated" not in alive["didDocumentMetadata"]
        assert alive["didDocument"]["id"] == dids[1].text == f"did:ethr:0x7a6a:{OWNER.address}"
        for resolver, stranger in ((one, dids[1]), (two, dids[0])):
            with pytest.raises(DidNotFound) as refused:
                resolver.resolve(parse_did_url(stranger.text))
            assert refused.value.had == f"chain id {stranger.chain_id}"
            answer = resolver.answer(stranger.text)
            assert answer["didResolutionMetadata"]["error"] == "notFound"
            assert (answer["didDocument"], answer["didDocumentMetadata"]) == (None, {})


def test_a30_identity_that_nothing_happened_to__is_its_accounts_whoever_names_it(
    told: Sides, tmp_path: Path
) -> None:
    """Others made it their delegate; that says nothing about it."""
    here, _ = told
    did = here.registry.did(DELEGATE.address)
    with resolving(here, tmp_path) as resolver:
        answer = resolver.answer(did.text)
    assert answer["didDocumentMetadata"] == {}
    (method,) = answer["didDocument"]["verificationMethod"]
    assert method["blockchainAccountId"] == f"eip155:31337:{DELEGATE.address}"


@pytest.mark.parametrize("is_late", [False, True])
def test_service__is_out_when_its_time_is_over_by_the_clock_too(
    told: Sides, tmp_path: Path, is_late: bool
) -> None:
    """On a chain that rests the newest block may be hours old."""
    _, there = told
    did = there.registry.did(OWNER.address)
    (said,) = [
        dated.change.valid_to
        for dated in there.changes(did.identity)
        if hasattr(dated.change, "value")
    ]
    newest = there.chain.block("latest").timestamp
    with resolving(there, tmp_path, lambda: said + is_late) as resolver:
        document = resolver.answer(did.text)["didDocument"]
    assert ("service" in document) is (newest <= said and not is_late)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("did:ethr:0x1", "invalidDid"),
        ("", "invalidDid"),
        ("did:web:example.org", "methodNotSupported"),
        (f"did:ethr:rinkeby:{OWNER.address}", "notFound"),
        (f"did:ethr:{OWNER.address}", "notFound"),
        (f"did:ethr:0x7a69:{OWNER.address}#controller", "invalidDidUrl"),
        (f"did:ethr:0x7a69:{OWNER.address}?versionId=x", "invalidDidUrl"),
        (f"did:ethr:0x7a69:{OWNER.address}?versionId=1000000", "notFound"),
        (f"did:ethr:0x7a69:{OWNER.address}?versionTime=2999-01-01T00:00:00Z", "notFound"),
    ],
)
def test_what_cannot_be_resolved__has_the_code_of_the_specification(
    told: Sides, tmp_path: Path, text: str, code: str
) -> None:
    with resolving(told[0], tmp_path) as resolver:
        metadata = resolver.answer(text)["didResolutionMetadata"]
    assert metadata["error"] == code
    assert metadata["message"]


def test_history__as_long_as_is_read_or_longer__is_refused(
    told: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = told
    did = here.registry.did(OWNER.address)
    with resolving(here, tmp_path) as resolver:
        monkeypatch.setattr(under_test, "MAX_CHANGES", 5)
        assert resolver.resolve(parse_did_url(did.text)).metadata.is_deactivated
        monkeypatch.setattr(under_test, "MAX_CHANGES", 4)
        with pytest.raises(HistoryTooLong):
            resolver.resolve(parse_did_url(did.text))
        assert resolver.answer(did.text)["didResolutionMetadata"]["error"] == "internalError"


def test_index_that_lags__answers_what_it_holds_and_no_later_version(
    told: Sides, tmp_path: Path
) -> None:
    here, _ = told
    did = here.registry.did(HEIR.address)
    with resolving(here, tmp_path) as resolver:
        before = resolver.answer(did.text)
        here.heir.send(here.registry.set_attribute(did.identity, FILES, VALUE, YEAR_S))
        block = here.changes(did.identity)[-1].block
        assert resolver.answer(did.text) == before
        later: dict[str, Any] = resolver.answer(f"{did}?versionId={block}")
    assert later["didResolutionMetadata"]["error"] == "notFound"
    with resolving(here, tmp_path / "again") as resolver:
        found = resolver.answer(f"{did}?versionId={block}")
    assert found["didDocument"]["service"][0]["serviceEndpoint"] == VALUE.decode()
    assert parse_did(found["didDocument"]["id"]).identity == did.identity
    assert Timestamp(here.chain.block(block).timestamp) > 0
