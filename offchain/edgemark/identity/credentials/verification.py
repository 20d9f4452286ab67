"""Whether a credential holds: one check after the other, each against what a chain recorded. Pure.

Law 1: `verify` raises at the first check that fails; `examine` tells of each.
Law 2: the key is the one that the issuer had at the time of the evidence (`evidence`).
Law 3: what cannot be found out does not hold: a status of another kind, a list that is not at hand.
Law 4: who shows a credential is its subject; that it is the one who shows it, its login has proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import Timestamp, format_time
from edgemark.identity.credentials.evidence import Evidence, build_document_then
from edgemark.identity.credentials.instants import SECOND_NS, instant_of
from edgemark.identity.credentials.jose.compact import check_compact
from edgemark.identity.credentials.keys import find_signer
from edgemark.identity.credentials.model import SchemaRef
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.schema import check_schema
from edgemark.identity.credentials.status.reading import FetchList, check_status
from edgemark.identity.did.history import DatedChange
from edgemark.identity.did.identifier import Did, is_same, parse_did


class OutOfTime(RefusedInput):
    """A credential does not count yet, or no longer."""


class OfAnother(RefusedInput):
    """A credential is by, about or shown by somebody else, or of another kind."""


@dataclass(frozen=True)
class Wanted:
    """What a credential has to be for who checks it; None where anything will do.

    Attributes:
        issuer: who said it.
        subject: whom it is about.
        holder: who shows it, and has proved who it is.
        kind: one of its types.
        schema: the template that its claims follow.
    """

    issuer: Did | None = None
    subject: Did | None = None
    holder: Did | None = None
    kind: str | None = None
    schema: SchemaRef | None = None


@dataclass(frozen=True)
class Knowledge:
    """What is known beside the credential.

    Attributes:
        changes: of the issuer's identity, all up to now, in the order of the chain.
        now: Unix seconds.
        evidence: a record of the credential's digest; None when there is none.
        fetch_list: the text of a list of status by its CID.
    """

    changes: Sequence[DatedChange]
    now: Timestamp
    evidence: Evidence | None
    fetch_list: FetchList


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes:
        name: of the check.
        told: what was seen; of a check that failed, why.
        error: None when it passed.
    """

    name: str
    told: str
    error: EdgemarkError | None = None


Check = Callable[[SignedCredential, Knowledge, Wanted], str]


def verify(signed: SignedCredential, known: Knowledge, wanted: Wanted) -> None:
    """Check a credential.

    Raises:
        KeyUnusable: the issuer had no such key then.
        BadSignature: that key did not sign it.
        OutOfTime: it does not count at this second.
        OfAnother, SchemaMismatch: it is not what is wanted.
        NotGood: it was revoked, or is suspended.
        StatusListInvalid, ListMissing: whether it was is not known.
    """
    for check in CHECKS.values():
        check(signed, known, wanted)


def examine(signed: SignedCredential, known: Knowledge, wanted: Wanted) -> Iterator[Outcome]:
    """What comes of each check, in order.

    Raises:
        LedgerUnavailable: the chain does not answer, so that nobody knows.
    """
    for name, check in CHECKS.items():
        try:
            yield Outcome(name, check(signed, known, wanted))
        except LedgerUnavailable:
            raise
        except (RefusedInput, PeerFault) as error:
            yield Outcome(name, str(error), error)


def _check_signature(signed: SignedCredential, known: Knowledge, _: Wanted) -> str:
    then = build_document_then(signed.issuer, known.changes, known.evidence, known.now)
    signer = find_signer(signed.jws.header, signed.issuer, then.document)
    check_compact(signed.jws, signer)
    when = "now, without evidence" if known.evidence is None else format_time(known.evidence.at)
    return f"by {signer}, which was {signed.jws.header['kid']} ({when})"


def _check_period(signed: SignedCredential, known: Knowledge, _: Wanted) -> str:
    since, until = signed.credential.valid_from, signed.credential.valid_until
    now = instant_of(known.now)
    if since is not None and now < since:
        raise _out_of_time("does not count yet", known.now, f"{_second(since)} or later")
    if until is not None and now > until:
        raise _out_of_time("does not count any more", known.now, f"{_second(until)} or before")
    begins = "always" if since is None else _second(since)
    return f"{begins} until {'further notice' if until is None else _second(until)}"


def _check_issuer(signed: SignedCredential, _: Knowledge, wanted: Wanted) -> str:
    if wanted.issuer is not None and not is_same(signed.issuer, wanted.issuer):
        raise _of_another("is by another issuer", str(signed.issuer), str(wanted.issuer))
    return str(signed.issuer)


def _check_subject(signed: SignedCredential, _: Knowledge, wanted: Wanted) -> str:
    subjects = signed.credential.subjects
    told = ", ".join(subjects) or "nobody by a DID"
    if wanted.subject is not None and not _is_among(wanted.subject, subjects):
        raise _of_another("is about somebody else", told, str(wanted.subject))
    if wanted.holder is not None and not _is_among(wanted.holder, subjects):
        raise _of_another("is shown by somebody else", str(wanted.holder), told)
    return told


def _check_kind(signed: SignedCredential, _: Knowledge, wanted: Wanted) -> str:
    told = ", ".join(signed.credential.types)
    if wanted.kind is not None and wanted.kind not in signed.credential.types:
        raise _of_another("is of another kind", told, wanted.kind)
    return told


def _check_template(signed: SignedCredential, _: Knowledge, wanted: Wanted) -> str:
    if wanted.schema is not None:
        check_schema(signed.credential, wanted.schema)
        return f"{wanted.schema.id} {wanted.schema.version} {wanted.schema.digest}"
    named = ", ".join(schema.id for schema in signed.credential.schemas)
    return f"{named or 'none'}; none was asked for"


def _check_good(signed: SignedCredential, known: Knowledge, _: Wanted) -> str:
    return check_status(
        signed.credential, signed.issuer, known.changes, known.fetch_list, known.now
    )


CHECKS: dict[str, Check] = {
    "signature": _check_signature,
    "period": _check_period,
    "issuer": _check_issuer,
    "subject": _check_subject,
    "type": _check_kind,
    "schema": _check_template,
    "status": _check_good,
}


def _is_among(wanted: Did, ids: Sequence[str]) -> bool:
    return any(did is not None and is_same(did, wanted) for did in map(_did_of, ids))


def _did_of(text: str) -> Did | None:
    try:
        return parse_did(text)
    except RefusedInput:
        return None


def _second(instant: int) -> str:
    return format_time(instant // SECOND_NS)


def _out_of_time(what: str, now: int, needed: str) -> OutOfTime:
    return OutOfTime(what, who="credential", had=format_time(now), needed=needed)


def _of_another(what: str, had: str, needed: str) -> OfAnother:
    return OfAnother(what, who="credential", had=had, needed=needed)
