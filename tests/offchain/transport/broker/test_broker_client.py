"""A session with plain methods: what it says when the broker is away, and how it comes back."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
from collections.abc import Iterator

import pytest
from tests.offchain.transport.broker.raw_session import KEY, a_broker, a_ticket
from tests.waiting import wait_until

from edgemark.errors import RefusedInput
from edgemark.logs import Secret
from edgemark.transport.broker.client import (
    BrokerAway,
    BrokerClient,
    BrokerSlow,
    ForeignTopic,
    MessageTooLarge,
    TopicRefused,
)
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import Ticket, Topics
from edgemark.transport.limits import KIB, ClientLimits
from edgemark.transport.ports import hold_ports
from edgemark.transport.rates import Backoff
from edgemark.transport.tls import TlsKey

LEFT, RIGHT = Topics.pair("up", "down"), Topics.pair("down", "up")
LIMITS = ClientLimits(least_pause_s=0.05, most_pause_s=0.5)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with a_broker() as there:
        yield there


def a_client(broker: EmbeddedBroker, session: str, topics: Topics) -> BrokerClient:
    return BrokerClient(lambda: a_ticket(broker, session, topics), limits=LIMITS)


def test_messages__go_both_ways_whole(broker: EmbeddedBroker) -> None:
    with a_client(broker, "left", LEFT) as left, a_client(broker, "right", RIGHT) as right:
        left.wait(20)
        right.wait(20)
        for payload in (b"", b"x", bytes(range(256)) * 256):
            left.publish("up", payload)
            came = right.receive(20)
            assert came is not None
            assert (came.topic, came.payload) == ("up", payload)
            right.publish("down", payload)
            answer = left.receive(20)
            assert answer is not None
            assert answer.payload == payload
        assert left.receive(0.0) is None


def test_many_threads__publish_at_once(broker: EmbeddedBroker) -> None:
    with a_client(broker, "left", LEFT) as left, a_client(broker, "right", RIGHT) as right:
        right.wait(20)
        threads = [threading.Thread(target=left.publish, args=("up", b"%d" % n)) for n in range(40)]
        for thread in threads:
            thread.start()
        came = [right.receive(20) for _ in threads]
        for thread in threads:
            thread.join(20)
        assert sorted(int(each.payload) for each in came if each) == list(range(40))


def test_a_session_that_several_threads_close__ends_once(broker: EmbeddedBroker) -> None:
    for _ in range(5):
        client, failed = a_client(broker, "left", LEFT), []
        client.start()
        client.wait(20)

        def close(of: BrokerClient = client, told: list[BaseException] = failed) -> None:
            try:
                of.close()
            except BaseException as error:  # noqa: BLE001 - a cancelled future raises one of those
                told.append(error)

        threads = [threading.Thread(target=close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert failed == []


def test_the_socket__waits_for_no_acknowledgement_of_the_network(broker: EmbeddedBroker) -> None:
    with a_client(broker, "left", LEFT) as left:
        left.wait(20)
        link = left._link
        assert link is not None
        wire = link._client._client.socket()
        assert isinstance(wire, socket.socket)
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_what_cannot_be_sent__is_refused_here(broker: EmbeddedBroker) -> None:
    with a_client(broker, "left", LEFT) as left:
        with pytest.raises(MessageTooLarge) as caught:
            left.publish("up", bytes(64 * KIB + 1))
        assert caught.value.had == 64 * KIB + 1
        with pytest.raises(ForeignTopic):
            left.publish("down", b"x")
        left.publish("up", b"x")
        assert left.logins == 1


def test_another_key__is_told_before_anything_is_sent(broker: EmbeddedBroker) -> None:
    def log_in() -> Ticket:
        real = a_ticket(broker, "left", LEFT)
        pin = TlsKey.generate().pin
        return Ticket(real.host, real.port, pin, real.session, real.password, real.topics)

    before = broker.read().bytes_in
    with BrokerClient(log_in, limits=LIMITS) as left:
        wait_until("it has tried", lambda: left._why is not None)
        with pytest.raises(BrokerAway) as caught:
            left.publish("up", b"x", timeout_s=0.1)
    assert "another TLS key" in str(caught.value.had)
    assert broker.read().bytes_in == before


def test_a_login_that_is_refused__is_said_and_tried_again(broker: EmbeddedBroker) -> None:
    wrong = threading.Event()

    def log_in() -> Ticket:
        real = a_ticket(broker, "left", LEFT)
        password = real.password if wrong.is_set() else Secret("wrong")
        return Ticket(real.host, real.port, real.pin, real.session, password, real.topics)

    with BrokerClient(log_in, limits=LIMITS) as left:
        wait_until("it has tried", lambda: left._why is not None)
        with pytest.raises(BrokerAway) as caught:
            left.wait(0.1)
        assert "does not let the session in" in str(caught.value.had)
        wrong.set()
        left.wait(20)


def test_whoever_gives_out_tickets__is_asked_again_when_it_refuses(broker: EmbeddedBroker) -> None:
    asked: list[int] = []

    def log_in() -> Ticket:
        asked.append(len(asked))
        if len(asked) < 4:
            raise RefusedInput("not yet", who="office") if len(asked) < 3 else ValueError("odd")
        return a_ticket(broker, "left", LEFT)

    with BrokerClient(log_in, limits=LIMITS) as left:
        left.wait(20)
        assert (len(asked), left.logins) == (4, 1)


def test_a_broker_that_is_killed_and_back__is_found_again() -> None:
    with hold_ports(1) as ports, contextlib.ExitStack() as stack:
        port = ports.numbers[0]
        now = EmbeddedBroker(KEY, port=port)
        now.start()
        stack.callback(lambda: now.close())  # noqa: PLW0108 - whichever it is then
        left = stack.enter_context(BrokerClient(lambda: a_ticket(now, "left", LEFT), limits=LIMITS))
        right = stack.enter_context(
            BrokerClient(lambda: a_ticket(now, "right", RIGHT), limits=LIMITS)
        )
        left.publish("up", b"before", timeout_s=20)
        now.close()
        wait_until("they know", lambda: not left.is_there and not right.is_there)
        with pytest.raises(BrokerAway):
            left.publish("up", b"meanwhile", timeout_s=0.2)
        now = EmbeddedBroker(KEY, port=port)
        now.start()
        right.wait(20)
        left.publish("up", b"after", timeout_s=20)
        while (came := right.receive(20)) is not None and came.payload != b"after":
            pass
        assert came is not None


def test_messages_that_nobody_takes__are_counted_as_lost(broker: EmbeddedBroker) -> None:
    few = ClientLimits(most_waiting=4)
    with (
        a_client(broker, "left", LEFT) as left,
        BrokerClient(lambda: a_ticket(broker, "right", RIGHT), limits=few) as right,
    ):
        right.wait(20)
        for number in range(8):
            left.publish("up", b"%d" % number)
        wait_until("all came", lambda: right.lost == 4)
        kept = [right.receive(1) for _ in range(4)]
        assert [each.payload for each in kept if each] == [b"0", b"1", b"2", b"3"]


def test_more_messages_than_may_be_on_their_way__are_refused(broker: EmbeddedBroker) -> None:
    few = ClientLimits(most_publishing=1)
    with (
        BrokerClient(lambda: a_ticket(broker, "left", LEFT), limits=few) as left,
        left._places,
        pytest.raises(BrokerSlow),
    ):
        left.publish("up", b"x")


def test_more_topics__are_used_at_once_and_after_the_next_login(broker: EmbeddedBroker) -> None:
    with (
        a_client(broker, "hub", Topics.many((), ())) as hub,
        a_client(broker, "left", LEFT) as left,
    ):
        hub.wait(20)
        broker.allow("hub", RIGHT)
        hub.widen(RIGHT)
        left.publish("up", b"to the hub")
        came = hub.receive(20)
        assert came is not None
        hub.publish("down", b"back")
        assert left.receive(20) is not None


def test_messages__are_not_lost_while_others_begin_to_listen(broker: EmbeddedBroker) -> None:
    with a_client(broker, "left", LEFT) as left, a_client(broker, "right", RIGHT) as right:
        right.wait(20)
        with contextlib.ExitStack() as others:
            for number in range(60):
                left.publish("up", b"%d" % number)
                if number % 6 == 0:
                    topics = Topics.pair(f"{number}/a", f"{number}/b")
                    others.enter_context(a_client(broker, f"other-{number}", topics))
            came = [right.receive(20) for _ in range(60)]
        assert [int(each.payload) for each in came if each] == list(range(60))


def test_a_session_that_is_closed_while_it_connects__leaves_nothing(broker: EmbeddedBroker) -> None:
    for _ in range(8):
        with a_client(broker, "left", LEFT):
            pass
    gc.collect()  # what is left would complain
    wait_until("nobody is there", lambda: broker.read().connections == 0)


def test_topics__come_and_go_and_leave_nothing(broker: EmbeddedBroker) -> None:
    router = broker._router
    assert router is not None
    with a_client(broker, "hub", Topics.many((), ())) as hub:
        hub.wait(20)
        for number in range(20):
            topics = Topics.pair(f"{number}/down", f"{number}/up")
            broker.allow("hub", topics)
            hub.widen(topics)
            if number % 2:
                hub.narrow(topics)
            broker.forbid("hub", topics)
        wait_until("the library forgets", lambda: not router.subscriptions)
        assert hub.logins == 1
        with pytest.raises(ForeignTopic):
            hub.publish("1/down", b"x")


def test_a_topic_that_is_refused__ends_no_session(broker: EmbeddedBroker) -> None:
    with a_client(broker, "hub", Topics.many((), ())) as hub:
        hub.wait(20)
        with pytest.raises(TopicRefused) as caught:
            hub.widen(RIGHT)
        assert caught.value.had == ["up"]
        broker.allow("hub", RIGHT)
        hub.widen(RIGHT)
        broker.dismiss("hub")  # and the ticket of its next login has no topics
        wait_until("it is in again", lambda: hub.logins == 2 and hub.is_there)


def test_pauses__double_and_differ() -> None:
    pauses = [Backoff(0.2, 10.0) for _ in range(8)]
    for whole in (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0):
        drawn = [each.next() for each in pauses]
        assert all(whole / 2 <= pause <= whole for pause in drawn)
        assert len(set(drawn)) > 1
    pauses[0].reset()
    assert pauses[0].next() <= 0.2
