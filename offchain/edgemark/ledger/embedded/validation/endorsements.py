"""Checks of what was endorsed: which chaincode, what it tells, what it writes, and who says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.definitions import approver_of
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.ground import Ground
from edgemark.ledger.fabric.faults import MessageMalformed, PolicyRefused
from edgemark.ledger.fabric.identities.members import Member, MemberRole
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import (
    MAX_EVENT_BYTES,
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
)
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import (
    LIFECYCLE_ENDORSEMENT,
    Role,
    Rule,
    SignedBy,
    is_satisfied,
    resolve,
)
from edgemark.ledger.fabric.wire.raw.counting import TooManyParts
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet


def check_parts(candidate: Candidate, _: Ground) -> Code | None:
    """Header extension, response and read-write sets are messages, and these not too large."""
    for part, code in (
        ("extension", Code.BAD_HEADER_EXTENSION),
        ("action", Code.BAD_RESPONSE_PAYLOAD),
        ("sets", Code.BAD_RWSET),
    ):
        try:
            getattr(candidate, part)
        except TooManyParts:
            return Code.ILLEGAL_WRITESET
        except MessageMalformed:
            return code
    return None


def check_chaincode(candidate: Candidate, _: Ground) -> Code | None:
    """Header and response name one chaincode, and the response its version."""
    if not (
        candidate.extension.HasField("chaincode_id") and candidate.action.HasField("chaincode_id")
    ):
        return Code.INVALID_OTHER_REASON
    asked, ran = candidate.extension.chaincode_id, candidate.action.chaincode_id
    is_same = asked.name and asked.name == ran.name and ran.version
    return None if is_same else Code.INVALID_CHAINCODE


def check_event(candidate: Candidate, _: Ground) -> Code | None:
    """The event is told by the chaincode that was asked, in this transaction.

    Fabric asks for the chaincode alone, so two transactions of one block may tell events of one id,
    among which no listener can say where it is. Nor is it longer than an endorser of ours takes.
    """
    try:
        event = candidate.event
    except MessageMalformed:
        return Code.INVALID_OTHER_REASON
    named = candidate.extension.chaincode_id.name, candidate.transaction_id
    if event is None:
        return None
    is_own = (event.chaincode, event.transaction_id) == named
    is_short = len(event.name.encode()) + len(event.payload) <= MAX_EVENT_BYTES
    return None if is_own and is_short else Code.INVALID_OTHER_REASON


def check_namespaces(candidate: Candidate, _: Ground) -> Code | None:
    """No namespace stands there twice: of two sets, a check might look at one alone."""
    names = [each.namespace for each in candidate.sets]
    return Code.ILLEGAL_WRITESET if len(set(names)) < len(names) else None


def check_supported(candidate: Candidate, _: Ground) -> Code | None:
    """Nothing stands there that this ledger does not do: private data, metadata, long keys."""
    is_good = all(not each.has_more and _has_short_keys(each) for each in candidate.sets)
    return None if is_good else Code.ILLEGAL_WRITESET


def _has_short_keys(each: NamespaceSet) -> bool:
    """Whether all that was read is what an endorser of ours may read."""
    spans = (key for span in each.ranges for key in (span.start, span.end))
    rows = (read.key for span in each.ranges for read in span.reads)
    keys = chain((read.key for read in each.reads), spans, rows)
    return all(len(key.encode()) <= MAX_KEY_BYTES for key in keys)


def check_written(candidate: Candidate, _: Ground) -> Code | None:
    """Every key and value that is written is one: no key is empty or too long, no value too long.

    Fabric asks its state's database, which may refuse some.
    """
    is_good = all(
        0 < len(write.key.encode()) <= MAX_KEY_BYTES and len(write.value or b"") <= MAX_VALUE_BYTES
        for each in candidate.sets
        for write in each.writes
    )
    return None if is_good else Code.INVALID_WRITESET


def written_namespaces(candidate: Candidate) -> list[str]:
    """The chaincode that was asked, and every other into whose namespace something is written."""
    asked: str = candidate.extension.chaincode_id.name
    others = {each.namespace for each in candidate.sets if each.writes} - {asked}
    return [asked, *sorted(others)]


def signatories_of(candidate: Candidate, ground: Ground) -> list[Member]:
    """Members whose signature over the response is right, each once."""
    found: dict[tuple[str, bytes], Member] = {}
    for each in candidate.asked.action.endorsements:
        known = ground.members.find(each.endorser)
        if known is None:
            continue
        # What the CA signed, not the whole certificate: of a CA's signature there are two forms,
        # and one peer with both would be two.
        name = (known[0].msp_id, known[1].tbs_certificate_bytes)
        if name in found:
            continue
        message = candidate.signed + each.endorser
        try:
            found[name] = ground.members.check_signed(each.endorser, message, each.signature)
        except EdgemarkError:
            continue
    return list(found.values())


def peers_of(candidate: Candidate, ground: Ground) -> list[Member]:
    """Those of `signatories_of` that are peers: nobody else endorses."""
    return [each for each in signatories_of(candidate, ground) if each.role is MemberRole.PEER]


def check_policies(
    candidate: Candidate,
    ground: Ground,
    *,
    namespaces: Callable[[Candidate], Sequence[str]] = written_namespaces,
    endorsers: Callable[[Candidate, Ground], Sequence[Member]] = peers_of,
) -> Code | None:
    """The endorsers satisfy the policy of every namespace that is written."""
    signed_by = endorsers(candidate, ground)
    for name in namespaces(candidate):
        try:
            rules = _rules_of(name, candidate, ground)
        except (MessageMalformed, PolicyRefused):
            return Code.ENDORSEMENT_POLICY_FAILURE
        if not rules:
            return Code.INVALID_CHAINCODE
        if not all(is_satisfied(rule, signed_by) for rule in rules):
            return Code.ENDORSEMENT_POLICY_FAILURE
    return None


def _rules_of(name: str, candidate: Candidate, ground: Ground) -> list[Rule]:
    """All that have to be satisfied for a namespace; none when there is no such chaincode."""
    if name != LIFECYCLE:
        rule = ground.rule_of(name)
        return [] if rule is None else [rule]
    written = [
        write.key for each in candidate.sets if each.namespace == LIFECYCLE for write in each.writes
    ]
    approvers = {approver_of(key) for key in written} or {None}
    majority = resolve(LIFECYCLE_ENDORSEMENT, ground.configuration.organisations)
    return [majority if each is None else SignedBy(each, Role.PEER) for each in approvers]
