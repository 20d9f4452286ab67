"""What the index of identities knows about a signed credential."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, format_time
from edgemark.identity.credentials.evidence import Evidence, find_anchor
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.status.reading import FetchList
from edgemark.identity.credentials.verification import Knowledge
from edgemark.identity.did.history import DatedChange
from edgemark.identity.did.identifier import is_same, parse_did
from edgemark.resolver.resolver import DidResolver
from edgemark.resolver.results import HistoryTooLong


class RecordAhead(RefusedInput):
    """A record is said to be of a second that is still to come."""


def gather_knowledge(
    resolver: DidResolver,
    signed: SignedCredential,
    fetch_list: FetchList,
    recorded_at: Timestamp | None = None,
) -> Knowledge:
    """All that is needed to check a credential, of one state of the index.

    Args:
        resolver: of the chain with the issuer's identity.
        signed: the credential.
        fetch_list: the text of a list of status by its CID.
        recorded_at: when another chain or contract recorded its digest, where one did: Unix
            seconds. Else an anchor in the identity of the issuer or a subject is looked for.

    Raises:
        RecordAhead: that second is still to come.
        DidNotFound: the issuer is on another chain.
        HistoryTooLong, IndexMissing, IndexBusy, IndexDamaged: as `DidResolver.history`.
    """
    changes, now = resolver.history(signed.issuer)
    if recorded_at is not None and recorded_at > now:
        raise RecordAhead(
            "is still to come",
            who="record of the credential",
            had=format_time(recorded_at),
            needed=f"{format_time(now)} or before",
        )
    if recorded_at is not None:
        evidence: Evidence | None = Evidence(recorded_at)
    else:
        evidence = find_anchor(signed.digest, [*changes, *_of_subjects(resolver, signed)])
    return Knowledge(changes, now, evidence, fetch_list)


def _of_subjects(resolver: DidResolver, signed: SignedCredential) -> Iterator[DatedChange]:
    """Changes of the subjects whose identities are on the issuer's chain."""
    for text in signed.credential.subjects:
        try:
            did = parse_did(text)
        except RefusedInput:
            continue  # a URL of another kind is nobody's identity here
        if did.chain_id != signed.issuer.chain_id or is_same(did, signed.issuer):
            continue
        # A subject with too long a history has no anchor for this: that must not stop a check.
        with contextlib.suppress(HistoryTooLong):
            yield from resolver.history(did)[0]
