"""Who a peer is, is asked of the chain of its identity, whichever that is, as it stands now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.offchain.identity.did.did_chains import (
    DELEGATE,
    HEIR,
    OWNER,
    YEAR_S,
    Side,
    sides,
)
from tests.waiting import wait_until

from edgemark.crypto.field.randomness import Randomness
from edgemark.deployment.settings import ChainSettings
from edgemark.errors import LedgerUnavailable, Overloaded
from edgemark.identity.credentials.jose.encryption import AgreementKey
from edgemark.identity.credentials.keys import KeyUnusable
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.identifier import Did, make_did
from edgemark.resolver.results import DidNotFound
from edgemark.resolver.settings import IdentitySettings, manifest_of_identities
from edgemark.settings.settings import Settings
from edgemark.systems.trading.station.documents import DidDeactivated, Documents

__all__ = ["sides"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(8)]

AGREEMENT = encode_name("did/pub/X25519/enc/base64")
SELLS = encode_name("did/svc/EdgemarkSeller")


@pytest.fixture
def documents(sides: tuple[Side, Side], tmp_path: Path) -> Iterator[Documents]:
    """Of a home whose own identity is on the second chain, and that knows the first as well."""
    here, there = sides
    for side in sides:
        path = manifest_of_identities(tmp_path, side.chain.chain_id)
        path.parent.mkdir(exist_ok=True)
        side.deployment.save(path)
    settings = Settings(tmp_path).having(
        ChainSettings(url=here.url, confirmations=0),
        IdentitySettings(url=there.url, more=here.url, poll_s=0.01),
    )
    with Documents(settings) as opened:
        yield opened


def test_t7_identities_of_two_chains__are_told_apart_and_as_they_are_now(
    sides: tuple[Side, Side], documents: Documents
) -> None:
    here, there = sides
    on_here, on_there = (make_did(side.chain.chain_id, OWNER.address) for side in sides)
    assert documents.chain_id == there.chain.chain_id
    assert documents.authentication(on_there) == {OWNER.address}

    call = there.registry.add_delegate(
        OWNER.address, encode_name("sigAuth"), DELEGATE.address, YEAR_S
    )
    there.owner.send(call)
    both = {OWNER.address, DELEGATE.address}
    wait_until("delegate", lambda: documents.authentication(on_there) == both)
    assert documents.authentication(on_here) == {OWNER.address}

    veri = here.registry.add_delegate(OWNER.address, encode_name("veriKey"), HEIR.address, YEAR_S)
    here.owner.send(veri)
    heirs = {OWNER.address, HEIR.address}
    wait_until("heir", lambda: documents.assertion(on_here) == heirs)
    assert documents.authentication(on_here) == {OWNER.address}

    there.owner.send(
        there.registry.revoke_delegate(OWNER.address, encode_name("sigAuth"), DELEGATE.address)
    )
    wait_until("revocation", lambda: documents.authentication(on_there) == {OWNER.address})


def test_t7_services_and_keys_to_agree__are_those_of_the_document(
    sides: tuple[Side, Side], documents: Documents
) -> None:
    side = sides[1]
    did, key = make_did(side.chain.chain_id, OWNER.address), AgreementKey.generate(Randomness())
    with pytest.raises(KeyUnusable, match="no key to encrypt"):
        documents.reader(did)
    endpoint = b'{"uri":"https://127.0.0.1:4443","pin":"00"}'
    for name, value in ((AGREEMENT, key.public_key), (SELLS, endpoint)):
        side.owner.send(side.registry.set_attribute(OWNER.address, name, value, YEAR_S))
    wait_until("service", lambda: documents.services(did, "EdgemarkSeller"))
    assert documents.reader(did).key == key.public_key
    (service,) = documents.services(did, "EdgemarkSeller")
    assert service.endpoint == {"uri": "https://127.0.0.1:4443", "pin": "00"}
    assert documents.services(did, "Files") == ()


def test_t7_deactivated_identity__has_no_key_that_counts(
    sides: tuple[Side, Side], documents: Documents
) -> None:
    side, did = sides[1], make_did(sides[1].chain.chain_id, HEIR.address)
    assert documents.assertion(did) == {HEIR.address}
    side.heir.send(side.registry.deactivate(HEIR.address))
    wait_until("end", lambda: documents.authentication(did) == frozenset())
    assert documents.assertion(did) == frozenset()
    with pytest.raises(DidDeactivated, match="was deactivated"):
        documents.document(did)


def test_identity_of_a_chain_that_is_not_named__is_not_found(documents: Documents) -> None:
    with pytest.raises(DidNotFound, match="not looked at"):
        documents.document(make_did(5, OWNER.address))


def test_identities__are_followed_by_threads_of_a_server(
    sides: tuple[Side, Side], documents: Documents
) -> None:
    documents.follow()
    did = make_did(sides[1].chain.chain_id, DELEGATE.address)
    wait_until("first look", lambda: is_told(documents, did))
    wait_until("the other chain's first look", lambda: not documents.faults())


def is_told(documents: Documents, did: Did) -> bool:
    try:
        return documents.authentication(did) == {did.identity}
    except Overloaded:  # the threads have not looked yet
        return False


def test_chain_of_identities_that_is_away__says_so_when_it_is_asked(tmp_path: Path) -> None:
    nowhere = IdentitySettings(url="http://127.0.0.1:9")
    settings = Settings(tmp_path).having(ChainSettings(url="http://127.0.0.1:9"), nowhere)
    with Documents(settings) as opened, pytest.raises(LedgerUnavailable):
        opened.document(make_did(31337, OWNER.address))
