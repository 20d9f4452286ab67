"""What Fabric 3.1 answers, row by row: the same on the development ledger and on Fabric itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2
from grpc import StatusCode
from tests.offchain.ledger.embedded.revoking import revoke
from tests.offchain.ledger.embedded.served import (
    CHANNEL,
    ORG1,
    ORG2,
    LedgerWorld,
    User,
    details_of,
)
from tests.offchain.ledger.embedded.stubborn_chaincode import Stubborn
from tests.waiting import wait_until

from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.wire.blocks import parse_block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import (
    MAX_ARGUMENTS,
    MAX_ARGUMENTS_BYTES,
    MAX_MESSAGE_BYTES,
)
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet, Write, make_results


@pytest.fixture
def user(world: LedgerWorld) -> User:
    return world.user()


def refused(call: Callable[[], Any]) -> tuple[StatusCode, str, list[tuple[str, str]]]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code(), error.details(), details_of(error)


def endorsed(user: User, *arguments: str, chaincode: str = "shelf") -> tuple[Any, str]:
    proposed = user.propose(chaincode, *arguments)
    return user.endorse(proposed), proposed.transaction_id


def ordered(user: User, payload: bytes, transaction_id: str) -> Code:
    """What becomes of a transaction that its creator signed anew."""
    user.submit(user.sign(common_pb2.Envelope(payload=payload)))
    return user.status(transaction_id)[0]


def code_in_block(user: User, payload: bytes) -> Code:
    """The flag of such a transaction in its block: an id that is another's tells nobody of it."""
    envelope = user.sign(common_pb2.Envelope(payload=payload))
    number = _height(user)
    user.submit(envelope)
    raw = envelope.SerializeToString()
    while True:
        wait_until("the next block", lambda below=number: _height(user) > below)
        asked = user.propose("qscc", "GetBlockByNumber", CHANNEL, str(number))
        block = parse_block(user.evaluate(asked).payload)
        if raw in block.envelopes:
            return block.flags[block.envelopes.index(raw)]
        number += 1


def _height(user: User) -> int:
    asked = user.propose("qscc", "GetChainInfo", CHANNEL)
    height: int = ledger_pb2.BlockchainInfo.FromString(user.evaluate(asked).payload).height
    return height


def changed(envelope: Any, change: Callable[[Any, Any], None]) -> bytes:
    """A payload in which `change` did something to what was asked and to the endorsed action."""
    payload = common_pb2.Payload.FromString(envelope.payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    held = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
    change(payload, held)
    transaction.actions[0].payload = held.SerializeToString()
    if payload.header.signature_header != transaction.actions[0].header:
        transaction.actions[0].header = payload.header.signature_header
    payload.data = transaction.SerializeToString()
    made: bytes = payload.SerializeToString()
    return made


def test_evaluate__chaincode_says_no__unknown_with_its_words(user: User) -> None:
    code, words, details = refused(lambda: user.evaluate(user.propose("shelf", "refuse", "k")))
    assert code is StatusCode.UNKNOWN
    assert words == (
        "evaluate call to endorser returned error: chaincode response 500, no such thing"
    )
    assert details == [(ORG1, "chaincode response 500, no such thing")]


def test_endorse__chaincode_says_no__aborted_with_its_words(user: User) -> None:
    code, words, details = refused(lambda: endorsed(user, "refuse", "k"))
    assert code is StatusCode.ABORTED
    assert words == "failed to endorse transaction, see attached details for more info"
    assert details == [(ORG1, "chaincode response 500, no such thing")]


def test_chaincode_that_never_answers__is_given_up(user: User) -> None:
    said = "timeout expired while executing transaction"
    # Without a target the other organisation's peer is asked too, and waited for no longer.
    for targets, expected in (([ORG1], StatusCode.ABORTED), ([], StatusCode.UNAVAILABLE)):
        proposed = user.propose("shelf", "hang")
        code, _, details = refused(lambda p=proposed, t=targets: user.evaluate(p, t))
        assert code is expected
        assert said in details[0][1]
        assert [msp_id for msp_id, _ in details] == (targets or [ORG1, ORG2])
    code, _, details = refused(lambda: endorsed(user, "hang"))
    assert (code, len(details)) == (StatusCode.ABORTED, 1)
    assert said in details[0][1]


def test_unknown_chaincode__no_peers(user: User) -> None:
    code, words, _ = refused(lambda: user.evaluate(user.propose("nobody", "get", "k")))
    assert code is StatusCode.FAILED_PRECONDITION
    assert words.startswith("no peers available to evaluate chaincode")
    code, words, _ = refused(lambda: endorsed(user, "get", "k", chaincode="nobody"))
    assert code is StatusCode.FAILED_PRECONDITION
    assert words.startswith("no combination of peers can be derived")


def test_unknown_channel__is_refused(user: User) -> None:
    proposed = user.propose("shelf", "get", "k", channel="elsewhere")
    assert refused(lambda: user.evaluate(proposed))[0] is StatusCode.UNAVAILABLE
    assert refused(lambda: user.endorse(proposed))[0] is StatusCode.FAILED_PRECONDITION
    envelope, _ = endorsed(user, "put", "k", "v")
    code, _, _ = refused(lambda: user.submit(user.sign(envelope), channel="elsewhere"))
    assert code is StatusCode.FAILED_PRECONDITION
    code, _, _ = refused(lambda: user.status("0" * 64, 5, channel="elsewhere"))
    assert code is StatusCode.PERMISSION_DENIED


def test_one_of_two_that_are_needed__is_ordered_and_does_not_count(user: User) -> None:
    code, _ = user.do("shelf", "put", "k", "v", organisations=[ORG1])
    assert code is Code.ENDORSEMENT_POLICY_FAILURE


def test_organisation_that_nobody_knows__unavailable(user: User) -> None:
    proposed = user.propose("shelf", "put", "k", "v")
    code, words, _ = refused(lambda: user.endorse(proposed, ["NobodyMSP"]))
    assert code is StatusCode.UNAVAILABLE
    assert words == "failed to find any endorsing peers for org(s): NobodyMSP"


def test_wrong_signature_of_a_proposal__access_denied(user: User) -> None:
    words = f"access denied: channel [{CHANNEL}] creator org [{ORG1}]"
    proposed = user.propose("shelf", "get", "k", signature=user.signer.sign(b"another"))
    code, said, details = refused(lambda: user.evaluate(proposed))
    assert code is StatusCode.FAILED_PRECONDITION
    assert words in said
    assert words in details[0][1]
    code, _, details = refused(lambda: user.endorse(proposed))
    assert code is StatusCode.ABORTED
    assert words in details[0][1]


@pytest.mark.parametrize("ahead_s", [-3600, 3600])
def test_proposal_of_another_hour__incorrect_timestamp(user: User, ahead_s: int) -> None:
    proposed = user.propose("shelf", "get", "k", ahead_s=ahead_s)
    code, _, details = refused(lambda: user.evaluate(proposed))
    assert code is StatusCode.UNAVAILABLE
    assert "incorrect timestamp" in details[0][1]
    assert "timewindow 15m0s" in details[0][1]
    code, _, details = refused(lambda: user.endorse(proposed))
    assert code is StatusCode.ABORTED
    assert "incorrect timestamp" in details[0][1]


def test_two_writers_who_read_the_same__the_second_conflicts(user: User) -> None:
    user.do("shelf", "put", "counter", "0")
    pair = [endorsed(user, "put_and_get", "counter", str(each)) for each in range(2)]
    for envelope, _ in pair:
        user.submit(user.sign(envelope))
    codes = [user.status(transaction_id)[0] for _, transaction_id in pair]
    assert codes == [Code.VALID, Code.MVCC_READ_CONFLICT]


def test_same_envelope_twice__counts_once(world: LedgerWorld, user: User) -> None:
    envelope, transaction_id = endorsed(user, "put", "twice", "v")
    for _ in range(2):
        user.submit(user.sign(envelope))
    code, block = user.status(transaction_id)
    assert code is Code.VALID
    user.do("shelf", "put", "later", "v")
    assert user.status(transaction_id) == (Code.VALID, block)


def test_committed_id__is_not_endorsed_again(user: User) -> None:
    proposed = user.propose("shelf", "put", "k", "v")
    user.submit(user.sign(user.endorse(proposed)))
    user.status(proposed.transaction_id)
    code, _, details = refused(lambda: user.endorse(proposed))
    assert code is StatusCode.ABORTED
    assert "duplicate transaction found" in details[0][1]


def test_changed_writes__fail_the_policy(user: User) -> None:
    envelope, transaction_id = endorsed(user, "put", "k", "v")

    def change(_: Any, held: Any) -> None:
        response = proposal_response_pb2.ProposalResponsePayload.FromString(
            held.action.proposal_response_payload
        )
        action = proposal_pb2.ChaincodeAction.FromString(response.extension)
        action.results = make_results([NamespaceSet("shelf", writes=(Write("k", b"w"),))])
        response.extension = action.SerializeToString()
        held.action.proposal_response_payload = response.SerializeToString()

    code = ordered(user, changed(envelope, change), transaction_id)
    assert code is Code.ENDORSEMENT_POLICY_FAILURE


def test_wrong_signature_of_an_envelope__is_not_ordered(user: User) -> None:
    envelope, _ = endorsed(user, "put", "k", "v")
    envelope.signature = user.signer.sign(b"another")
    code, words, _ = refused(lambda: user.submit(envelope))
    assert code is StatusCode.ABORTED
    assert words.startswith("received unsuccessful response from orderer: status=FORBIDDEN")


def test_endorsement_of_other_arguments__does_not_count(user: User) -> None:
    envelope, transaction_id = endorsed(user, "put", "k", "v")
    other = user.propose("shelf", "put", "k", "w")
    proposal = proposal_pb2.Proposal.FromString(other.signed.proposal_bytes)

    def change(_: Any, held: Any) -> None:
        held.chaincode_proposal_payload = proposal.payload

    code = ordered(user, changed(envelope, change), transaction_id)
    assert code is Code.INVALID_ENDORSER_TRANSACTION


def test_endorsement_under_another_nonce__does_not_count(user: User) -> None:
    envelope, _ = endorsed(user, "put", "k", "v")

    def change(payload: Any, _: Any) -> None:
        header = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
        header.nonce = os.urandom(24)
        payload.header.signature_header = header.SerializeToString()

    assert code_in_block(user, changed(envelope, change)) is Code.BAD_PROPOSAL_TXID


def test_endorsement_for_another_creator__does_not_count(world: LedgerWorld, user: User) -> None:
    envelope, _ = endorsed(user, "put", "k", "v")
    thief = world.user(name="Admin")

    def change(payload: Any, _: Any) -> None:
        header = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
        header.creator = thief.signer.identity
        payload.header.signature_header = header.SerializeToString()

    assert code_in_block(thief, changed(envelope, change)) is Code.BAD_PROPOSAL_TXID


@pytest.mark.parametrize("who", ["client", "twice"])
def test_endorsement_by_no_second_peer__fails_the_policy(
    world: LedgerWorld, user: User, who: str
) -> None:
    proposed = user.propose("shelf", "put", "k", "v")
    envelope = user.endorse(proposed, [ORG1])
    other = world.signer(ORG2)

    def change(_: Any, held: Any) -> None:
        signed = held.action.proposal_response_payload
        if who == "twice":
            held.action.endorsements.append(held.action.endorsements[0])
            return
        signature = other.sign(signed + other.identity)
        held.action.endorsements.add(endorser=other.identity, signature=signature)

    code = ordered(user, changed(envelope, change), proposed.transaction_id)
    assert code is Code.ENDORSEMENT_POLICY_FAILURE


def test_write_through_another_chaincode__needs_its_policy_too(user: User) -> None:
    call = ("lone", "call", "shelf", "", "put", "through", "v")
    code, _ = user.do(*call, organisations=[ORG1])
    assert code is Code.ENDORSEMENT_POLICY_FAILURE
    code, _ = user.do(*call)
    assert code is Code.VALID


@pytest.mark.parametrize("order", ["put_and_page", "page_and_put"])
def test_paged_range_where_something_is_written__is_an_error(user: User, order: str) -> None:
    arguments = () if order == "put_and_page" else ("2", "")
    code, _, details = refused(lambda: endorsed(user, order, *arguments))
    assert code is StatusCode.ABORTED
    assert details[0][0] == ORG1


def test_endorsed_before_an_upgrade__conflicts_after_it(world: LedgerWorld, user: User) -> None:
    processes = {each: Stubborn(each) for each in (ORG1, ORG2)}
    world.deploy("growing", processes)
    envelope, transaction_id = endorsed(user, "put", "k", "v", chaincode="growing")
    world.deploy("growing", processes, sequence=2)
    user.submit(user.sign(envelope))
    assert user.status(transaction_id)[0] is Code.MVCC_READ_CONFLICT


def test_expired_client__is_refused_at_the_door(world: LedgerWorld, user: User) -> None:
    second = timedelta(seconds=1)  # which was five minutes ago: see `CLOCKS_DIFFER`
    world.folders[ORG1].issue("Past", MemberRole.CLIENT, datetime.now(UTC), lasts=second)
    past = world.user(name="Past")
    code, _, details = refused(lambda: past.evaluate(past.propose("shelf", "get", "k")))
    assert code is StatusCode.UNAVAILABLE
    assert "identity expired" in details[0][1]
    code, _, details = refused(lambda: endorsed(past, "put", "k", "v"))
    assert code is StatusCode.ABORTED
    assert "identity expired" in details[0][1]


def test_revoked_client__is_refused_at_the_door_and_what_it_did_stays(
    world: LedgerWorld, user: User
) -> None:
    world.folders[ORG1].issue("Gone", MemberRole.CLIENT, datetime.now(UTC))
    gone = world.user(name="Gone")
    _, transaction_id = gone.do("shelf", "put", "of_gone", "v")
    envelope = gone.sign(endorsed(gone, "put", "held", "v")[0])
    revoke(world, ORG1, "Gone")
    code, said, _ = refused(lambda: gone.evaluate(gone.propose("shelf", "get", "k")))
    assert code is StatusCode.FAILED_PRECONDITION
    assert f"access denied: channel [{CHANNEL}] creator org [{ORG1}]" in said
    code, _, details = refused(lambda: endorsed(gone, "put", "k", "v"))
    assert code is StatusCode.ABORTED
    assert "access denied" in details[0][1]
    code, words, _ = refused(lambda: gone.submit(envelope))
    assert code is StatusCode.ABORTED
    assert words.startswith("received unsuccessful response from orderer: status=FORBIDDEN")
    assert refused(lambda: gone.status(transaction_id))[0] is StatusCode.PERMISSION_DENIED
    assert user.status(transaction_id)[0] is Code.VALID
    assert user.evaluate(user.propose("shelf", "get", "of_gone")).payload == b"v"


def test_status_of_an_unknown_id__waits_until_the_deadline(user: User) -> None:
    code, _, _ = refused(lambda: user.status("ab" * 32, 0.5))
    assert code is StatusCode.DEADLINE_EXCEEDED


def test_message_above_the_limit__is_refused(user: User) -> None:
    request = common_pb2.Envelope(payload=bytes(MAX_MESSAGE_BYTES + 1))
    code, _, _ = refused(lambda: user.call("Submit", request, common_pb2.Envelope))
    assert code is StatusCode.RESOURCE_EXHAUSTED


def test_arguments_above_4_mib__refused_here__count_on_fabric(
    world: LedgerWorld, user: User
) -> None:
    long, many = ("a" * (MAX_ARGUMENTS_BYTES + 1),), ("a",) * (MAX_ARGUMENTS + 1)
    if world.thread is not None:
        for words, told in ((long, "size of the arguments"), (many, "number of arguments")):
            for ask in (user.evaluate, user.endorse):
                asked = user.propose("shelf", "measure", *words)
                code, text, _ = refused(lambda asked=asked, ask=ask: ask(asked))
                assert (code, told in text) == (StatusCode.INVALID_ARGUMENT, True)
        return
    assert user.do("shelf", "measure", *long)[0] is Code.VALID
    asked = user.propose("shelf", "measure", *many)
    _, _, details = refused(lambda: user.evaluate(asked))
    assert "too many arguments" in details[0][1]  # says this shim
