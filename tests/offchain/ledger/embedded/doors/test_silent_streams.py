"""Streams that say nothing: they hold few places, for a short time, and of their own port alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2
from grpc import StatusCode
from tests.offchain.ledger.embedded.doors.older_calls import NEWEST, asking, seek
from tests.offchain.ledger.embedded.served import (
    CHANNEL,
    ORG1,
    ORG2,
    LedgerWorld,
    development_ledger,
)
from tests.waiting import wait_until

from edgemark.ledger.embedded.doors.serving import calls
from edgemark.ledger.embedded.doors.serving.places import DoorPlaces

ORDERER = "OrdererMSP"
DOORS = {ORG1: ORG1, ORDERER: None}
WAIT_S = 20
SOON_S = 1.0
STREAMS = [
    (ORG1, "/protos.Deliver/Deliver"),
    (ORG1, "/protos.Deliver/DeliverFiltered"),
    (ORDERER, "/orderer.AtomicBroadcast/Deliver"),
    (ORDERER, "/orderer.AtomicBroadcast/Broadcast"),
]
AHEAD = {"behavior": ab_pb2.SeekInfo.BLOCK_UNTIL_READY}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerWorld]:
    with development_ledger(tmp_path_factory.mktemp("ledger")) as running:
        yield running


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "FIRST_MESSAGE_S", SOON_S)


def places(ledger: LedgerWorld, door: str) -> DoorPlaces:
    return ledger.development.ledger.behind.places_of(DOORS.get(door, door))


class Held:
    """A stream that says these messages and then nothing more, until it is let go."""

    def __init__(self, ledger: LedgerWorld, door: str, path: str, *said: Any) -> None:
        self._end = threading.Event()
        raws = [each.SerializeToString() for each in said]
        self.call = ledger.channel(door).stream_stream(path)(self._say(raws), timeout=WAIT_S)

    def _say(self, raws: list[bytes]) -> Iterator[bytes]:
        yield from raws
        self._end.wait(WAIT_S)

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.call.cancel()


@pytest.mark.parametrize(("door", "path"), STREAMS)
@pytest.mark.usefixtures("soon")
def test_stream_that_says_nothing__ends_and_gives_its_place_back(
    ledger: LedgerWorld, door: str, path: str
) -> None:
    held = places(ledger, door)
    with Held(ledger, door, path) as stream:
        wait_until("a silent place", lambda: held.silent.taken == 1)
        assert held.streams.taken == held.waiters.taken == 0
        assert stream.call.code() is StatusCode.DEADLINE_EXCEEDED
    wait_until("no place", lambda: held.silent.taken == 0)


def test_silent_streams__are_few__and_the_longest_silent_makes_room_for_who_comes(
    ledger: LedgerWorld,
) -> None:
    user, held = ledger.user(), places(ledger, ORG1)
    most, held.silent.most = held.silent.most, 2
    path = "/protos.Deliver/Deliver"
    try:
        with Held(ledger, ORG1, path) as first:
            wait_until("one silent", lambda: held.silent.taken == 1)
            with Held(ledger, ORG1, path) as second, Held(ledger, ORG2, path) as other:
                wait_until("two silent ones", lambda: held.silent.taken == 2)
                wish = asking(user.signer, NEWEST, seek(10**6), **AHEAD)
                with Held(ledger, ORG1, path, wish) as third:
                    assert first.call.code() is StatusCode.RESOURCE_EXHAUSTED
                    assert events_pb2.DeliverResponse.FromString(next(third.call)).block
                    assert (held.silent.taken, held.streams.taken) == (1, 1)
                    assert second.call.is_active()
                    assert other.call.is_active()
                    assert held.waiters.taken == 0
        wait_until("no place", lambda: held.silent.taken == held.streams.taken == 0)
    finally:
        held.silent.most = most


@pytest.mark.usefixtures("soon")
def test_stream_whose_first_message_passed__is_kept_for_as_long_as_it_likes(
    ledger: LedgerWorld,
) -> None:
    user, held = ledger.user(), places(ledger, ORG1)
    wish = asking(user.signer, NEWEST, seek(10**6), **AHEAD)
    with Held(ledger, ORG1, "/protos.Deliver/Deliver", wish) as stream:
        first = events_pb2.DeliverResponse.FromString(next(stream.call))
        channel = ledger.development.ledger.ledger.channels[CHANNEL]
        assert first.block.SerializeToString() == channel.block(channel.height - 1)
        assert (held.silent.taken, held.streams.taken) == (0, 1)
        threading.Event().wait(2 * SOON_S)
        assert stream.call.is_active()
    wait_until("no place", lambda: held.streams.taken == 0)


def test_stream_of_a_stranger__never_has_a_place_among_those_who_passed(
    ledger: LedgerWorld,
) -> None:
    user, held = ledger.user(), places(ledger, ORG1)
    most, held.streams.most = held.streams.most, 0
    try:
        wrong = asking(user.signer, NEWEST, NEWEST, signature=user.signer.sign(b"another"))
        with Held(ledger, ORG1, "/protos.Deliver/Deliver", wrong) as stream:
            told = events_pb2.DeliverResponse.FromString(next(stream.call))
            assert told.status == common_pb2.FORBIDDEN
        with Held(
            ledger, ORG1, "/protos.Deliver/Deliver", asking(user.signer, NEWEST, NEWEST)
        ) as stream:
            assert stream.call.code() is StatusCode.RESOURCE_EXHAUSTED
    finally:
        held.streams.most = most


def test_reader_that_takes_nothing__loses_its_stream(
    ledger: LedgerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, held = ledger.user(), places(ledger, ORG1)
    monkeypatch.setattr(calls, "WRITE_S", SOON_S)
    # More than the windows of a connection hold, and read by nobody.
    wishes = [asking(user.signer, ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified()), NEWEST)]
    with Held(ledger, ORG1, "/protos.Deliver/Deliver", *wishes * 5_000):
        wait_until("a place", lambda: held.streams.taken == 1)
        wait_until("no place", lambda: held.streams.taken == 0)
