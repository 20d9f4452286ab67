"""What only a development ledger has or tells: differences by name, skew, revocation, bounds."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from grpc import StatusCode
from tests.offchain.ledger.embedded.served import (
    ORG1,
    ORG2,
    LedgerWorld,
    User,
    details_of,
    development_ledger,
)
from tests.offchain.ledger.embedded.stubborn_chaincode import Stubborn
from tests.waiting import wait_until

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.doors.serving.places import Places
from edgemark.ledger.embedded.doors.serving.refusing import CallRefused
from edgemark.ledger.embedded.running.owner import Owner
from edgemark.ledger.embedded.state.tables import StoreDamaged, StoreUnavailable
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.logs import configure_logs

WAIT_S = 20


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerWorld]:
    folder = tmp_path_factory.mktemp("ledger")
    with development_ledger(folder, execute_timeout_s=3) as running:
        running.deploy("shelf", {each: Stubborn(each) for each in (ORG1, ORG2)})
        yield running


@pytest.fixture
def ledger(shared: LedgerWorld) -> Iterator[LedgerWorld]:
    number = shared.development.snapshot()
    yield shared
    shared.development.revert(number)


@pytest.fixture
def user(ledger: LedgerWorld) -> User:
    return ledger.user()


def refused(call: Any) -> tuple[StatusCode, list[tuple[str, str]]]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code(), details_of(error)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("key", ["write shelf", "Org1MSP", "Org2MSP"]),
        ("value", ["write shelf", "Org1MSP", "Org2MSP"]),
        ("event", ["event", "Org1MSP", "Org2MSP"]),
        ("read", ["read shelf"]),
        ("response", ["response", "Org1MSP", "Org2MSP"]),
    ],
)
def test_endorsements_that_differ__name_what_differs(
    user: User, what: str, told: list[str]
) -> None:
    code, details = refused(lambda: user.endorse(user.propose("shelf", "differ", what)))
    assert code is StatusCode.ABORTED
    assert details[-1][0] == ORG2
    assert all(word in details[-1][1] for word in told), details


def test_peers_apart_by_a_block__answer_differently_until_both_have_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with development_ledger(tmp_path_factory.mktemp("skewed"), skew=1) as skewed:
        snapshots = skewed.development.ledger.behind.snapshots["mychannel"]
        channel = skewed.development.ledger.ledger.channels["mychannel"]
        snapshots.catch_up_s = 0
        skewed.deploy("shelf", {each: Stubborn(each) for each in (ORG1, ORG2)})
        user = skewed.user()
        user.do("shelf", "put", "first", "v")
        snapshots.catch_up_s = 3600

        def is_one_behind() -> bool:
            oldest = snapshots.oldest()
            return oldest is not None and oldest.height == channel.height - 1

        user.do("shelf", "put", "k", "v")
        wait_until("the skewed state", is_one_behind)
        reading = user.propose("shelf", "get", "k")
        code, details = refused(lambda: user.endorse(reading))
        assert (code, details[-1][0]) == (StatusCode.ABORTED, ORG2)
        assert "read shelf" in details[-1][1]
        snapshots.catch_up_s = 0
        user.endorse(reading)


def test_advanced_ledger__takes_timestamps_ahead_and_those_of_now(
    ledger: LedgerWorld, user: User
) -> None:
    ahead = {"ahead_s": 3600.0}
    assert refused(lambda: user.evaluate(user.propose("shelf", "get", "k", **ahead)))
    ledger.development.set_advance(3600)
    try:
        for facts in (ahead, {}):
            user.evaluate(user.propose("shelf", "get", "k", **facts))
        with pytest.raises(RefusedInput, match="back"):
            ledger.development.advance(-1)
    finally:
        ledger.development.set_advance(0)


def test_more_calls_than_may_be__are_refused_and_give_their_places_back(
    ledger: LedgerWorld, user: User
) -> None:
    places = ledger.development.ledger.behind.places_of(ORG1).calls
    most, places.most = places.most, 2
    try:
        with ThreadPoolExecutor(2) as pool:
            hanging = [
                pool.submit(
                    user.ask,
                    "/gateway.Gateway/Evaluate",
                    gateway_pb2.EvaluateRequest(
                        proposed_transaction=user.propose("shelf", "hang").signed
                    ),
                    gateway_pb2.EvaluateResponse,
                    1.5,
                )
                for _ in range(2)
            ]
            wait_until("two calls", lambda: places.taken == 2)
            code, _ = refused(lambda: user.evaluate(user.propose("shelf", "get", "k")))
            assert code is StatusCode.RESOURCE_EXHAUSTED
            for each in hanging:  # the deadlines of their callers pass
                assert refused(each.result)[0] is StatusCode.DEADLINE_EXCEEDED
        wait_until("their places", lambda: places.taken == 0)
        user.evaluate(user.propose("shelf", "get", "k"))
    finally:
        places.most = most


def test_more_waiters_than_may_be__are_refused(ledger: LedgerWorld, user: User) -> None:
    places = ledger.development.ledger.behind.places_of(ORG1).waiters
    most, places.most = places.most, 1
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(user.status, "ab" * 32, 2.0)
            wait_until("a waiter", lambda: places.taken == 1)
            assert refused(lambda: user.status("cd" * 32))[0] is StatusCode.RESOURCE_EXHAUSTED
            assert refused(waiting.result)[0] is StatusCode.DEADLINE_EXCEEDED
        wait_until("its place", lambda: places.taken == 0)
    finally:
        places.most = most


def test_places__are_given_back_whatever_happens() -> None:
    places = Places(1, "calls")
    with places.take(), pytest.raises(CallRefused), places.take():
        pass
    with pytest.raises(KeyError), places.take():
        raise KeyError
    assert places.taken == 0


def listen(user: User, chaincode: str, **facts: Any) -> Iterator[tuple[int, list[str]]]:
    """Blocks, and the payloads of the events told in each."""
    request = gateway_pb2.ChaincodeEventsRequest(
        channel_id=user.name, chaincode_id=chaincode, identity=user.signer.identity, **facts
    ).SerializeToString()
    signed = gateway_pb2.SignedChaincodeEventsRequest(
        request=request, signature=user.signer.sign(request)
    )
    call = user.channel.unary_stream("/gateway.Gateway/ChaincodeEvents")
    for raw in call(signed.SerializeToString(), timeout=WAIT_S):
        answer = gateway_pb2.ChaincodeEventsResponse.FromString(raw)
        yield answer.block_number, [each.payload.decode() for each in answer.events]


def at(number: int) -> Any:
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


def test_events__of_transactions_that_count_come_in_order_and_from_anywhere(user: User) -> None:
    done = [user.do("shelf", "put", key, "v") for key in "abc"]
    user.do("shelf", "put", "never", "v", organisations=[ORG1])
    _, last = user.do("shelf", "put", "d", "v")
    first = user.status(done[0][1])[1]
    told = listen(user, "shelf", start_position=at(first))
    keys: list[str] = []
    while len(keys) < 4:
        keys += next(told)[1]
    assert keys == ["a", "b", "c", "d"]
    after = listen(user, "shelf", start_position=at(first), after_transaction_id=done[1][1])
    assert next(after)[1] == ["c"]
    assert last


def test_events__of_blocks_that_are_taken_back__end_the_stream(
    ledger: LedgerWorld, user: User
) -> None:
    number = ledger.development.snapshot()
    _, transaction_id = user.do("shelf", "put", "a", "v")
    told = listen(user, "shelf", start_position=at(user.status(transaction_id)[1]))
    assert next(told)[1] == ["a"]
    ledger.development.revert(number)
    code, _ = refused(lambda: next(told))
    assert code is StatusCode.UNAVAILABLE


@pytest.mark.parametrize("wrong", ["signature", "channel", "position"])
def test_events__are_not_told_to_who_may_not_ask(user: User, wrong: str) -> None:
    facts: dict[str, Any] = {}
    expected = StatusCode.PERMISSION_DENIED
    if wrong == "channel":
        user.name = "elsewhere"
    if wrong == "position":
        facts["start_position"] = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
        expected = StatusCode.INVALID_ARGUMENT
    if wrong == "signature":
        user.signer = type(user.signer)(ORG2, user.signer.certificate, user.signer.key)
    assert refused(lambda: next(listen(user, "shelf", **facts)))[0] is expected


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("Evaluate", b""),
        ("Evaluate", b"\xff" * 40),
        ("Endorse", b""),
        ("Endorse", b"\x1a\x03\x0a\x01\xff"),
        ("Submit", b""),
        ("Submit", b"\x0a\xff"),
        ("CommitStatus", b""),
        ("CommitStatus", b"\x0a\x02\xff\xff"),
    ],
)
def test_message_that_is_none__is_an_invalid_argument(user: User, method: str, raw: bytes) -> None:
    call = user.channel.unary_unary(f"/gateway.Gateway/{method}")
    assert refused(lambda: call(raw, timeout=WAIT_S))[0] is StatusCode.INVALID_ARGUMENT


def test_loop_of_the_ledger__is_not_held_up_by_who_hangs(user: User) -> None:
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(lambda: user.evaluate(user.propose("shelf", "hang"), [ORG1]))
        user.do("shelf", "put", "k", "v")
        assert refused(hanging.result)[0] is StatusCode.ABORTED


def test_stream_to_a_replaced_package__is_closed__once_its_calls_have_ended(
    ledger: LedgerWorld, user: User
) -> None:
    links = ledger.development.ledger.endorsers.links
    user.do("shelf", "put", "k", "v")
    ours = {each for each in links._links if each[1].startswith("shelf_1_")}
    assert {each[0] for each in ours} == {ORG1, ORG2}
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(lambda: user.evaluate(user.propose("shelf", "hang"), [ORG1]))
        busy = next(each for each in ours if each[0] == ORG1)
        wait_until("the call", lambda: links._links[busy].calls)
        ledger.deploy("shelf", {each: Stubborn(each) for each in (ORG1, ORG2)}, sequence=2)
        wait_until("an end", lambda: len(ours & set(links._links)) == 1)
        assert links._links[busy].stream.is_open  # a call is under way on it
        assert refused(hanging.result)[0] is StatusCode.ABORTED
    wait_until("an end", lambda: not ours & set(links._links))
    assert user.do("shelf", "put", "k", "w")[0] is Code.VALID
    assert {each[0] for each in links._links if each[1].startswith("shelf_2_")} == {ORG1, ORG2}


def test_refused_call__is_logged_with_its_transaction(user: User) -> None:
    proposed = user.propose("shelf", "refuse", "k")
    lines = io.StringIO()
    configure_logs("info", lines)
    refused(lambda: user.endorse(proposed))
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    (line,) = [each for each in told if each["event"] == "call refused"]
    assert (line["transaction"], line["code"]) == (proposed.transaction_id, "ABORTED")


def test_channel_that_makes_no_more_blocks__is_a_fault(ledger: LedgerWorld) -> None:
    running = ledger.development.ledger
    assert running.find_faults() == []
    orderer = running.orderers["mychannel"]
    orderer._failure = StoreDamaged("is damaged")  # as when a commit finds its file so
    try:
        assert running.find_faults() == ["channel mychannel makes no more blocks: is damaged"]
    finally:
        orderer._failure = None


def test_disk_that_is_full__is_told_everywhere__and_what_was_taken_counts_once_it_has_room(
    ledger: LedgerWorld, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = ledger.development.ledger
    channel, stuck = running.ledger.channels["mychannel"], running.orderers["mychannel"]

    def metric(name: str) -> float | None:
        labels = {"channel": "mychannel"}
        return running.instruments.registry.get_sample_value(f"edgemark_ledger_{name}", labels)

    proposed, late = (user.propose("shelf", "put", key, "v") for key in ("first", "late"))
    taken, envelope = (user.sign(user.endorse(each)) for each in (proposed, late))
    before = metric("failed_commits") or 0

    def refuse(_: object) -> None:
        raise StoreUnavailable("file cannot be used", had="disk is full")

    with monkeypatch.context() as full:
        full.setattr(channel, "commit_all", refuse)
        user.submit(taken)
        code, _ = refused(lambda: user.status(proposed.transaction_id))
        assert code is StatusCode.UNAVAILABLE
        assert refused(lambda: user.submit(envelope))[0] is StatusCode.UNAVAILABLE
        (fault,) = running.find_faults()
        assert fault.startswith("channel mychannel cannot commit, and tries again")
        assert "disk is full" in fault
        status = Owner(running).status()["channels"]["mychannel"]
        assert "disk is full" in status["fault"]
        assert metric("channel_stuck") == 1
        assert (metric("failed_commits") or 0) > before
    wait_until("a commit", lambda: stuck.fault is None, WAIT_S)
    assert user.status(proposed.transaction_id)[0] is Code.VALID
    assert (running.find_faults(), metric("channel_stuck")) == ([], 0)
    assert "fault" not in Owner(running).status()["channels"]["mychannel"]


def test_stranger_who_asks_an_unknown_chaincode__is_told_only_that_he_is_one(user: User) -> None:
    def stranger() -> Any:
        return user.propose("nobody", "get", "k", signature=user.signer.sign(b"another"))

    with pytest.raises(grpc.RpcError, match="access denied"):
        user.evaluate(stranger())
    for named in ([], [ORG2]):
        asked = stranger()
        _, details = refused(lambda asked=asked, named=named: user.endorse(asked, named))
        assert "access denied" in details[0][1]


def test_unknown_channel__is_told_with_those_that_there_are(user: User) -> None:
    proposed = user.propose("shelf", "get", "k", channel="nowhere")
    with pytest.raises(grpc.RpcError, match="nowhere: Org1MSP is on mychannel"):
        user.evaluate(proposed)
    with pytest.raises(grpc.RpcError, match="nowhere is not known here: Org1MSP is on mychannel"):
        user.status(proposed.transaction_id, channel="nowhere")
    asked = user.evaluate(user.propose("qscc", "GetChainInfo", "mychannel"))
    assert asked.status == 200
    with pytest.raises(grpc.RpcError, match="Invalid chain ID, nowhere: Org1MSP is on mychannel"):
        user.evaluate(user.propose("qscc", "GetChainInfo", "nowhere"))


def test_proposal_of_a_stranger__is_refused_with_the_check_that_failed(
    ledger: LedgerWorld, user: User
) -> None:
    lines = io.StringIO()
    configure_logs("info", lines)
    with pytest.raises(grpc.RpcError, match=r"access denied: .*signature"):
        user.evaluate(user.propose("shelf", "get", "k", signature=user.signer.sign(b"another")))
    stranger = User(ledger.signer("OrdererMSP", "Admin"), user.channel)
    with pytest.raises(grpc.RpcError, match=r"of another organisation.*Org1MSP, Org2MSP"):
        stranger.evaluate(stranger.propose("shelf", "get", "k"))
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    reasons = [str(each) for each in told if each["event"] == "call refused"]
    assert "signature" in reasons[0]
    assert "of another organisation" in reasons[1]
