"""Threats A70 and A71: every forgery gets its code, and through a validator without its check.

Each planted validator lacks one check. What it lets through shows that the forgery is whole
otherwise, so that nothing else of ours stops it by chance.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fabric_protos.peer import transaction_pb2
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    orderer,
)
from tests.offchain.ledger.embedded.validation.forgeries import FORGERIES, Forgery
from tests.offchain.ledger.embedded.validation.large_forgeries import LARGE_FORGERIES

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.validation import conflicts, endorsements, headers
from edgemark.ledger.embedded.validation.blocks import Check, Validator
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.conflicts import BlockSoFar, Conflict
from edgemark.ledger.embedded.validation.ground import Ground
from edgemark.ledger.fabric.identities.members import Member, MemberRole
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet, parse_results

OURS = Validator()
ALL = (*FORGERIES, *LARGE_FORGERIES)


def without(*checks: Check) -> Validator:
    return replace(
        OURS,
        of_all=tuple(each for each in OURS.of_all if each not in checks),
        of_transactions=tuple(each for each in OURS.of_transactions if each not in checks),
    )


def with_policies(check: Check) -> Validator:
    kept = tuple(each for each in OURS.of_transactions if each is not endorsements.check_policies)
    return replace(OURS, of_transactions=(*kept, check))


def of_reads(change: Callable[[Conflict], Conflict | None]) -> Validator:
    kept = (change(each) for each in OURS.of_reads)
    return replace(OURS, of_reads=tuple(each for each in kept if each is not None))


def never(_: Candidate, __: Ground) -> Code | None:
    return None


def each_signature(candidate: Candidate, ground: Ground) -> list[Member]:
    """Peers, as often as they signed."""
    found = []
    for each in candidate.asked.action.endorsements:
        try:
            message = candidate.signed + each.endorser
            found.append(ground.members.check_signed(each.endorser, message, each.signature))
        except EdgemarkError:
            continue
    return [each for each in found if each.role is MemberRole.PEER]


def each_name(candidate: Candidate, ground: Ground) -> list[Member]:
    """Peers that are named, whether they signed or not."""
    known = [ground.members.find(each.endorser) for each in candidate.asked.action.endorsements]
    return [each[0] for each in known if each is not None]


def uncounted(candidate: Candidate, ground: Ground) -> Code | None:
    """As `check_parts`, of results that nobody counts."""
    candidate.__dict__["sets"] = parse_results(candidate.action.results)
    return endorsements.check_parts(candidate, ground)


def all_endorsed(candidate: Candidate, ground: Ground) -> Code | None:
    """As `check_one_action`, of endorsements that nobody counts."""
    raw = candidate.actions[0].payload
    candidate.__dict__["asked"] = transaction_pb2.ChaincodeActionPayload.FromString(raw)
    return headers.check_one_action(candidate, ground)


def instead(check: Check, other: Check) -> Validator:
    changed = (other if each is check else each for each in OURS.of_transactions)
    return replace(OURS, of_transactions=tuple(changed))


def blind_to_definitions(check: Conflict) -> Conflict:
    def checks(each: NamespaceSet, so_far: BlockSoFar) -> Code | None:
        return None if each.namespace == LIFECYCLE else check(each, so_far)

    return checks


PLANTED = {
    "proposal hash": without(headers.check_proposal_hash),
    "transaction id": without(headers.check_transaction_id),
    "policy of callee's namespace": with_policies(
        partial(
            endorsements.check_policies,
            namespaces=lambda candidate: [candidate.extension.chaincode_id.name],
        )
    ),
    "peer role": with_policies(
        partial(endorsements.check_policies, endorsers=endorsements.signatories_of)
    ),
    "identity once": with_policies(partial(endorsements.check_policies, endorsers=each_signature)),
    "endorsement signature": with_policies(
        partial(endorsements.check_policies, endorsers=each_name)
    ),
    "duplicate in block": replace(OURS, marks_duplicates=lambda _, __: None),
    "duplicate in chain": without(headers.check_is_new),
    "in-block version": of_reads(
        lambda each: None if each is conflicts.check_reads_in_block else each
    ),
    "version": of_reads(lambda each: None if each is conflicts.check_reads else each),
    "phantom": of_reads(lambda each: None if each is conflicts.check_ranges else each),
    "definition read": of_reads(blind_to_definitions),
    "order of fields": without(headers.check_order_of_fields),
    "action header": without(headers.check_action_header),
    "asked": without(headers.check_asked),
    "event": without(endorsements.check_event),
    "namespaces": without(endorsements.check_namespaces),
    "supported": without(endorsements.check_supported),
    "name": without(endorsements.check_chaincode),
    "channel": without(headers.check_channel),
    "counts": instead(endorsements.check_parts, uncounted),
    "endorsements": instead(headers.check_one_action, all_endorsed),
    "written": without(endorsements.check_written),
    "creator": without(headers.check_creator),
}


@pytest.fixture
def path(begun: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(begun, tmp_path / "trade.sqlite")


def play(path: Path, forgery: Forgery, validator: Validator) -> Code:
    with Channel(path, CHANNEL, orderer(), validator) as channel:
        block = None
        for envelopes in forgery.blocks(channel):
            block = channel.commit(envelopes)
        assert block is not None
        return block.flags[-1]


@pytest.mark.parametrize("forgery", ALL, ids=lambda each: each.name)
def test_a70_a71_forgery__gets_its_code(path: Path, forgery: Forgery) -> None:
    assert play(path, forgery, OURS) is forgery.code


@pytest.mark.parametrize(
    "forgery", [each for each in ALL if each.planted], ids=lambda each: each.name
)
def test_a70_a71_forgery__gets_through_a_validator_without_its_check(
    path: Path, forgery: Forgery
) -> None:
    assert play(path, forgery, PLANTED[forgery.planted]) is Code.VALID


def test_every_planted_validator__is_shown_by_a_forgery() -> None:
    assert {each.planted for each in ALL} - {""} == set(PLANTED)
