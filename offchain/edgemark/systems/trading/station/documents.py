"""Who a DID is: its keys and services, from this home's own index of the chains of identities.

Law 1: nothing is believed of an index that is not in step with its chain (`Overloaded`): a key that
       was taken away, or an identity that was deactivated, is none.
Law 2: a chain is looked at again when somebody asks and the last look is older than the pause of
       `identity.poll_s`; nobody asks, nothing is read. A server follows all the time (`follow`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp
from edgemark.identity.credentials.jose.encryption import Reader
from edgemark.identity.credentials.keys import accounts_of, find_agreement_key
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.status.reading import FetchList
from edgemark.identity.credentials.verification import Knowledge
from edgemark.identity.did.document import DidDocument, Service
from edgemark.identity.did.identifier import Did, DidUrl
from edgemark.party.evm.contracts import DidContracts
from edgemark.resolver.following import FollowedChain
from edgemark.resolver.knowledge import gather_knowledge
from edgemark.resolver.opening import open_all_identities
from edgemark.resolver.resolver import DidResolver
from edgemark.resolver.results import DidNotFound
from edgemark.resolver.settings import IdentitySettings
from edgemark.settings.settings import Settings

SELLER_SERVICE = "EdgemarkSeller"  # where a seller serves: {"uri": "https://HOST:PORT", "pin": hex}


class DidDeactivated(RefusedInput):
    """The identity has ended, for good: it begins and signs nothing new."""


@dataclass
class _Place:
    """One chain of identities, and when it was looked at last, monotonic seconds."""

    chain: FollowedChain
    looked_at: float | None = None


class Documents(Closing):
    """DIDs of all chains of identities that the settings name; safe for many threads.

    They are opened when they are asked for: a party whose chain of identities is away can do all
    that needs none of them.

    Args:
        settings: say where, and in which home the indices are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._poll_s = settings.of(IdentitySettings).poll_s
        self._guard = threading.RLock()
        self._places: dict[int, _Place] = {}
        self._is_following = False

    @property
    def chain_id(self) -> int:
        """Of the chain on which this home's own identity is.

        Raises:
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: it cannot be opened.
        """
        return next(iter(self._opened()))

    def follow(self) -> None:
        """Keep the indices in step from now on, in threads; raises as `chain_id`."""
        with self._guard:
            places = self._opened()
            if not self._is_following:
                self._is_following = True
                for place in places.values():
                    place.chain.__enter__()

    def close(self) -> None:
        """Look no more."""
        with self._guard:
            for place in self._places.values():
                place.chain.close()
            self._places, self._is_following = {}, False

    def faults(self) -> list[str]:
        """What keeps identities from being resolved as they are, of chains that are open."""
        now = time.monotonic()
        with self._guard:
            return [fault for each in self._places.values() for fault in each.chain.faults(now)]

    @contextmanager
    def resolving(self, did: Did) -> Iterator[DidResolver]:
        """A resolver of the chain of a DID, as that is now.

        Raises:
            DidNotFound: it is on a chain that the settings do not name.
            Overloaded: the index is not in step with it.
            IndexMissing, IndexBusy, IndexDamaged, LedgerUnavailable: it cannot be read.
        """
        chain = self._looked_at(did).chain
        chain.check_current()
        with chain.resolving() as resolver:
            yield resolver

    def document(self, did: Did) -> DidDocument:
        """What an identity says of itself now.

        Raises:
            DidDeactivated: it has ended.
            EdgemarkError: as `resolving`.
        """
        with self.resolving(did) as resolver:
            found = resolver.resolve(DidUrl(did))
        if found.metadata.is_deactivated:
            raise DidDeactivated(
                "was deactivated", who=did, had="no keys", needed="an identity that goes on"
            )
        return found.document

    def authentication(self, did: Did) -> frozenset[Address]:
        """Accounts whose keys log in for it; none when it was deactivated; else as `document`."""
        try:
            document = self.document(did)
        except DidDeactivated:
            return frozenset()
        return accounts_of(document, document.authentication)

    def assertion(self, did: Did) -> frozenset[Address]:
        """Accounts whose keys sign credentials for it; as `authentication`."""
        try:
            document = self.document(did)
        except DidDeactivated:
            return frozenset()
        return accounts_of(document, document.assertion_method)

    def reader(self, did: Did) -> Reader:
        """The key for which it can be sent what is encrypted.

        Raises:
            KeyUnusable: it has none.
            EdgemarkError: as `document`.
        """
        return Reader(*find_agreement_key(self.document(did)))

    def services(self, did: Did, kind: str) -> tuple[Service, ...]:
        """Its services of one type, in the order in which they were said; raises as `document`."""
        return tuple(each for each in self.document(did).services if each.type == kind)

    def knowledge(
        self,
        signed: SignedCredential,
        fetch_list: FetchList,
        recorded_at: Timestamp | None = None,
    ) -> Knowledge:
        """What is needed to check a credential; arguments and errors as of `gather_knowledge`.

        Raises:
            EdgemarkError: as `resolving`, of the issuer's chain.
        """
        with self.resolving(signed.issuer) as resolver:
            return gather_knowledge(resolver, signed, fetch_list, recorded_at)

    def _opened(self) -> Mapping[int, _Place]:
        with self._guard:
            if not self._places:
                home = self._settings.home
                for chain, deployment in open_all_identities(self._settings, (DidContracts,)):
                    followed = FollowedChain(chain, deployment, home, self._poll_s)
                    self._places[chain.chain_id] = _Place(followed)
            return self._places

    def _looked_at(self, did: Did) -> _Place:
        with self._guard:
            places = self._opened()
            place = places.get(did.chain_id)
            if place is None:
                raise DidNotFound(
                    "is on a chain that is not looked at",
                    who=did,
                    had=f"chain id {did.chain_id}",
                    needed=f"one of: {', '.join(map(str, places))}",
                    remedy="Name it in identity.url or identity.more.",
                )
            now = time.monotonic()
            is_due = place.looked_at is None or now - place.looked_at >= self._poll_s
            if is_due and not self._is_following:
                place.chain.look()
                place.looked_at = time.monotonic()
            return place
