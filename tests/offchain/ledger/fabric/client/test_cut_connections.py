"""A connection that is cut at any step, over real gRPC: what is sent again is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from tests.offchain.ledger.fabric.client.interrupted_listener import InterruptedListener
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    ScriptedGateway,
    events_of,
    height_is,
    refuse,
)

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.events import Checkpoint
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.submissions import Submissions
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient
from edgemark.ledger.fabric.faults import (
    ChaincodeRefused,
    ChainTakenBack,
    EndorsementsDiffer,
    EndorserWords,
    IdentityRefused,
    LedgerBusy,
    LedgerSilent,
    NotEndorsed,
    PeersMissing,
    SubmissionDiffers,
    SubmitRefused,
    TransactionInvalid,
)
from edgemark.ledger.fabric.wire.codes import Code

STEPS = (Asking.ENDORSE, Asking.SUBMIT, Asking.STATUS)


def _cut(gateway: ScriptedGateway) -> Callable[[], None]:
    """The answer that is on its way is lost, with the connection; the next one is taken."""

    def cut() -> None:
        gateway.proxy.cut()
        gateway.proxy.restore()

    return cut


@pytest.mark.parametrize("step", STEPS)
def test_an_answer_lost_at_a_step__counts_once(
    gateway: ScriptedGateway, client: GatewayClient, step: Asking
) -> None:
    gateway.after[step] = [_cut(gateway)]
    outcome = client.submit("code", "put", "k", "1")
    assert outcome.code is Code.VALID
    assert len(set(gateway.taken)) == 1
    assert client.desk.journal().open_ones() == []


@pytest.mark.parametrize("step", STEPS)
def test_awaited__an_answer_lost_at_a_step__counts_once(
    gateway: ScriptedGateway, tmp_path: Path, step: Asking
) -> None:
    gateway.after[step] = [_cut(gateway)]

    async def play() -> Code:
        desk = gateway.desk(tmp_path / "submissions")
        with desk.journal():
            async with AsyncGatewayClient([gateway.address], desk) as client:
                return (await client.submit("code", "put", "k", "1")).code

    assert asyncio.run(play()) is Code.VALID
    assert len(set(gateway.taken)) == 1


def test_a_request_lost_before_it_came__is_sent_again(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.acts[Asking.SUBMIT] = [refuse(grpc.StatusCode.UNAVAILABLE, "lost")] * 2
    assert client.submit("code", "put", "k", "1").code is Code.VALID
    assert gateway.calls.count(Asking.ENDORSE) == 1
    assert len(gateway.taken) == 1


def test_refused_after_a_lost_answer__hears_that_it_counts(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """An orderer that took a copy may say no to the next: its client's certificate has expired."""
    gateway.after[Asking.SUBMIT] = [_cut(gateway)]
    silent = refuse(grpc.StatusCode.UNAVAILABLE, "lost")
    no = refuse(grpc.StatusCode.ABORTED, "received unsuccessful response from orderer")
    gateway.acts[Asking.STATUS] = [silent]
    honest = gateway.acts.setdefault(Asking.SUBMIT, [])
    honest.extend([gateway._submit, no])
    assert client.submit("code", "put", "k", "1").code is Code.VALID
    assert len(set(gateway.taken)) == 1


def test_no_answer_at_all__stays_open__and_its_name_goes_on_with_it(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.acts[Asking.SUBMIT] = [refuse(grpc.StatusCode.UNAVAILABLE, "lost")] * 50
    with pytest.raises(LedgerSilent, match="may still count"):
        client.submit("code", "put", "k", "1", name="mine", wait_s=1)
    gateway.acts.clear()
    with pytest.raises(SubmissionDiffers):
        client.submit("code", "put", "k", "2", name="mine")
    assert client.submit("code", "put", "k", "1", name="mine").code is Code.VALID
    assert client.submit("code", "put", "k", "1", name="mine").response == b"answer"
    assert gateway.calls.count(Asking.ENDORSE) == 1
    assert len(set(gateway.taken)) == 1


def test_another_process__finishes_what_was_left_open(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    folder = tmp_path / "submissions"
    desk = gateway.desk(folder)
    gateway.acts[Asking.SUBMIT] = [refuse(grpc.StatusCode.UNAVAILABLE, "lost")] * 50
    first = GatewayClient([gateway.address], desk)
    with desk.journal(), first, pytest.raises(LedgerSilent):
        first.submit("code", "put", "k", "1", name="mine", wait_s=0.5)
    gateway.acts.clear()
    desk = gateway.desk(folder)
    with desk.journal(), GatewayClient([gateway.address], desk) as second:
        ends = list(second.finish_open())
        assert [each for each in ends if isinstance(each, EdgemarkError)] == []
        assert second.desk.journal().open_ones() == []
    assert gateway.calls.count(Asking.ENDORSE) == 1
    identity = gateway.cast.client.identity
    with Submissions.open(folder, identity) as again:
        found = again.find("mine")
        assert found is not None
        assert found.code is Code.VALID


@pytest.mark.parametrize("retries", [0, 2])
def test_a_conflict__is_proposed_anew_as_often_as_allowed(
    gateway: ScriptedGateway, client: GatewayClient, retries: int
) -> None:
    gateway.code = Code.MVCC_READ_CONFLICT
    with pytest.raises(TransactionInvalid) as caught:
        client.submit("code", "put", "k", "1", retries=retries)
    assert caught.value.is_conflict
    assert len(set(gateway.taken)) == 1 + retries


def test_another_invalid_code__is_never_proposed_anew(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.code = Code.ENDORSEMENT_POLICY_FAILURE
    with pytest.raises(TransactionInvalid):
        client.submit("code", "put", "k", "1", retries=5)
    assert len(gateway.taken) == 1


ORG1_SAYS = EndorserWords("127.0.0.1:7051", "Org1MSP", "chaincode response 500, no: reason")
ORG2_SAYS = EndorserWords("127.0.0.1:8051", "Org2MSP", "ProposalResponsePayloads do not match")
REFUSALS = {  # as Fabric 3.1.5 answered
    "chaincode": (grpc.StatusCode.ABORTED, "failed to endorse", [ORG1_SAYS], ChaincodeRefused),
    "differ": (grpc.StatusCode.ABORTED, "failed to collect", [ORG2_SAYS], EndorsementsDiffer),
    "nobody": (
        grpc.StatusCode.FAILED_PRECONDITION,
        "no combination of peers can be derived",
        [],
        NotEndorsed,
    ),
    "denied": (
        grpc.StatusCode.ABORTED,
        "failed to endorse",
        [EndorserWords("a:1", "Org1MSP", "error validating proposal: access denied: channel")],
        IdentityRefused,
    ),
    "expired": (
        grpc.StatusCode.ABORTED,
        "failed to endorse",
        [EndorserWords("a:1", "Org1MSP", "proposal client identity expired")],
        IdentityRefused,
    ),
    "late": (
        grpc.StatusCode.ABORTED,
        "failed to endorse",
        [EndorserWords("a:1", "Org1MSP", "timeout expired while executing transaction")],
        LedgerSilent,
    ),
    "another text": (
        grpc.StatusCode.ABORTED,
        "what nobody knows",
        [EndorserWords("a:1", "Org1MSP", "neither")],
        NotEndorsed,
    ),
    "permission": (grpc.StatusCode.PERMISSION_DENIED, "no", [], IdentityRefused),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal__is_typed_and_has_each_endorsers_words(
    gateway: ScriptedGateway, client: GatewayClient, name: str
) -> None:
    code, text, words, kind = REFUSALS[name]
    gateway.acts[Asking.ENDORSE] = [refuse(code, text, *words)]
    with pytest.raises(kind) as caught:
        client.submit("code", "put", "k", "1", wait_s=5)
    for each in words:
        assert each.message.removeprefix("chaincode response 500, ") in str(caught.value)
    assert gateway.taken == []


def test_long_words_of_many_endorsers__arrive_and_are_shown_in_part(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    words = [EndorserWords(f"a:{each}", "Org1MSP", "no " * 1_000) for each in range(1, 33)]
    gateway.acts[Asking.ENDORSE] = [refuse(grpc.StatusCode.ABORTED, "failed to endorse", *words)]
    with pytest.raises(NotEndorsed) as caught:
        client.endorse("code", "put", wait_s=5)
    assert len(caught.value.endorsers) == len(words)
    assert len(str(caught.value)) < 32 * 400


def test_a_ledger_that_is_busy__is_asked_again(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    busy = refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many requests")
    gateway.acts[Asking.EVALUATE] = [busy]
    assert client.evaluate("code", "get") == b"answer"
    gateway.acts[Asking.EVALUATE] = [busy] * 50
    with pytest.raises(LedgerBusy):
        client.evaluate("code", "get", wait_s=0.5)


COMBINATION = "no combination of peers can be derived which satisfy the endorsement policy: "
MISSING = (  # as Fabric says it while peers have not heard of each other
    f"{COMBINATION}no peer combination can satisfy the endorsement policy",
    f"{COMBINATION}required chaincodes are not installed on sufficient peers",
    "failed to select a set of endorsers that satisfy the endorsement policy due to "
    "unavailability of peers: [peer0.org2.example.com:9051]",
)


@pytest.mark.parametrize("text", MISSING)
def test_peers_that_are_missing_for_a_moment__are_asked_again(
    gateway: ScriptedGateway, client: GatewayClient, text: str
) -> None:
    missing = refuse(grpc.StatusCode.FAILED_PRECONDITION, text)
    gateway.acts[Asking.ENDORSE] = [missing] * 2
    assert client.submit("code", "put", "k", "1").code is Code.VALID
    assert gateway.calls.count(Asking.ENDORSE) == 3
    gateway.acts[Asking.ENDORSE] = [missing] * 50
    with pytest.raises(PeersMissing, match="too few peers"):
        client.submit("code", "put", "k", "1", wait_s=0.5)
    assert len(gateway.taken) == 1


def test_a_peer_that_dies_under_a_call__is_asked_again(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """What Fabric's Gateway says when another organisation's peer is killed meanwhile."""
    text = "failed to collect enough transaction endorsements, see attached details for more info"
    said = "rpc error: code = Unavailable desc = error reading from server: EOF"
    died = refuse(grpc.StatusCode.ABORTED, text, EndorserWords("127.0.0.1:1", "Org2MSP", said))
    gateway.acts[Asking.ENDORSE] = [died] * 2
    assert client.submit("code", "put", "k", "1").code is Code.VALID
    assert gateway.calls.count(Asking.ENDORSE) == 3
    assert len(gateway.taken) == 1


def test_a_chaincode_that_nobody_knows__is_told_at_once(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    text = f"{COMBINATION}No metadata was found for chaincode code in channel mychannel"
    gateway.acts[Asking.ENDORSE] = [refuse(grpc.StatusCode.FAILED_PRECONDITION, text)]
    with pytest.raises(NotEndorsed, match="nobody can endorse this"):
        client.endorse("code", "put", "k", "1")
    assert gateway.calls.count(Asking.ENDORSE) == 1


def test_an_orderer_that_says_no__is_told_at_once(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    text = "received unsuccessful response from orderer: status=FORBIDDEN"
    gateway.acts[Asking.SUBMIT] = [refuse(grpc.StatusCode.ABORTED, text)]
    with pytest.raises(SubmitRefused, match="FORBIDDEN"):
        client.submit("code", "put", "k", "1")


def test_nobody_there__is_silence_in_time(gateway: ScriptedGateway, client: GatewayClient) -> None:
    gateway.proxy.cut()
    with pytest.raises(LedgerSilent, match="did not answer"):
        client.evaluate("code", "get", wait_s=0.5)


def test_a_silent_peer__is_left_for_the_next(gateway: ScriptedGateway, tmp_path: Path) -> None:
    with ScriptedGateway(gateway.cast) as other:
        desk = gateway.desk(tmp_path / "submissions")
        gateway.proxy.cut()
        with desk.journal(), GatewayClient([gateway.address, other.address], desk) as client:
            assert client.evaluate("code", "get") == b"answer"
            assert client.submit("code", "put", "k", "1").code is Code.VALID
        assert len(other.taken) == 1


def test_events_over_cut_streams__come_once_each_and_in_order(
    gateway: ScriptedGateway, client: GatewayClient, tmp_path: Path
) -> None:
    listener = InterruptedListener(gateway, tmp_path)
    handle, checkpoints = listener.handle, listener.checkpoints
    with pytest.raises(LedgerSilent):
        client.listen("code", handle, checkpoints, wait_s=5)
    assert checkpoints.read() == Checkpoint(3, "a" * 64)
    client.listen("code", handle, checkpoints, wait_s=2)
    assert listener.seen == ["a", "b", "b", "c", "d"]
    assert checkpoints.read() == Checkpoint(7, "d" * 64)


def test_streams_that_end_at_once__are_not_asked_for_without_a_pause(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """A scripted Gateway without events ends each stream as if all were said."""
    assert list(client.chaincode_events("code", Checkpoint(3), wait_s=1)) == []
    assert gateway.calls.count(Asking.EVENTS) <= 5


def test_events_from_now_on__are_those_from_the_height_at_the_start(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """What is committed between two streams is not lost, though none was handled yet."""
    silent = refuse(grpc.StatusCode.UNAVAILABLE, "lost")
    gateway.acts[Asking.EVALUATE] = [silent, height_is(5), height_is(9)]
    gateway.events = [[], [events_of(5, ("code", "a"))]]
    seen = client.chaincode_events("code", wait_s=10)
    assert next(iter(seen)).checkpoint == Checkpoint(5, "a" * 64)
    assert gateway.starts == [5, 5]


@pytest.mark.parametrize(
    "answer", [events_of(3, ("code", "e")), events_of(4, ("code", "a")), "took blocks back"]
)
def test_events_of_a_chain_that_was_taken_back__are_told_to_be_so(
    gateway: ScriptedGateway, client: GatewayClient, answer: bytes | str
) -> None:
    if isinstance(answer, bytes):
        gateway.events = [[answer]]
    else:
        gateway.events, gateway.ending = [[]], answer
    with pytest.raises(ChainTakenBack, match="taken back"):
        list(client.chaincode_events("code", Checkpoint(3, "a" * 64), wait_s=5))
