"""Which identities of a chain were changed, and whose they are: from the index, nothing else.

Law: an account that nobody changed anything of stands in no event. It owns itself, and is in no
     list; every other identity is, also after its owner has lost everything but its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge

from edgemark.identifiers import NOBODY, Address, Timestamp
from edgemark.identity.did.events import (
    CHANGES,
    DIDAttributeChanged,
    DIDDelegateChanged,
    DIDOwnerChanged,
    DIDSignaturesRevoked,
)
from edgemark.indexer.store import DatedEvent, IndexStore

KINDS = (*CHANGES, DIDSignaturesRevoked)  # each has an `identity`
Said = DIDOwnerChanged | DIDDelegateChanged | DIDAttributeChanged | DIDSignaturesRevoked


@dataclass(frozen=True)
class ChangedIdentity:
    """An identity that something happened to.

    Attributes:
        identity: the account that it is.
        owner: whose it is; nobody's when it was deactivated.
        changes: how often anything of it was changed.
        changed: time of the last one, Unix seconds.
    """

    identity: Address
    owner: Address
    changes: int
    changed: Timestamp

    @property
    def is_deactivated(self) -> bool:
        """Whether it has ended, for good."""
        return self.owner == NOBODY


def list_identities(store: IndexStore, owner: Address | None = None) -> Iterator[ChangedIdentity]:
    """Identities that were changed, the one that was changed last first, one at a time.

    Args:
        store: index of their registry, in one state.
        owner: only those that belong to this account now; of its own identity too, if it was
            changed.
    """
    events: Iterable[DatedEvent]
    if owner is None:
        events = merge(*map(store.of_kind, KINDS), key=_place_of, reverse=True)
    else:
        given = store.about(_key(owner), (DIDOwnerChanged,), field="owner")
        own = store.about(_key(owner), KINDS, field="identity")
        events = sorted([*given, *own], key=_place_of, reverse=True)
    seen: set[Address] = set()
    for dated in events:
        identity = said_in(dated).identity
        if identity in seen:
            continue
        seen.add(identity)
        found = sum_up(identity, read_events(store, identity))
        if owner in (None, found.owner):
            yield found


def read_events(store: IndexStore, identity: Address) -> list[DatedEvent]:
    """What happened to an identity, in order; nothing of what it did to others."""
    return store.about(_key(identity), KINDS, field="identity")


def sum_up(identity: Address, events: Sequence[DatedEvent]) -> ChangedIdentity:
    """What all that happened to an identity came to; it is its own where nothing did."""
    owner, changed = identity, Timestamp(0)
    for dated in events:
        changed = dated.at
        if isinstance(dated.event, DIDOwnerChanged):
            owner = dated.event.owner
    return ChangedIdentity(identity, owner, len(events), changed)


def said_in(dated: DatedEvent) -> Said:
    """The event of an identity that it is.

    Raises:
        TypeError: it is of something else.
    """
    if not isinstance(dated.event, KINDS):
        raise TypeError(type(dated.event).__name__)
    return dated.event


def _place_of(dated: DatedEvent) -> tuple[int, int]:
    return dated.event.at.block_number, dated.event.at.log_index


def _key(account: Address) -> bytes:
    return bytes.fromhex(account[2:])
