"""What clients send is read to its last byte, and refused by the head when it is too long."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.transport.broker.raw_session import connect, packet, puback, publish, subscribe
from tests.offchain.transport.broker.raw_session import text as text_of

from edgemark.transport.broker.packets import (
    Framer,
    Packet,
    check_empty,
    parse_connect,
    parse_filters,
    parse_puback,
    parse_publish,
    read_given,
)
from edgemark.transport.broker.refusals import PacketRefused, Reason

MOST = 70_000


def only(raw: bytes) -> Packet:
    framer = Framer(MOST)
    framer.feed(raw)
    found = framer.take()
    assert found is not None
    assert framer.take() is None
    assert found.raw == raw
    return found


def refusal(raw: bytes) -> Reason:
    """By which of the readers, as the connection chooses them."""
    with pytest.raises(PacketRefused) as caught:
        read(only(raw))
    return caught.value.reason


def read(found: Packet) -> object:
    match found.kind:
        case 1:
            return parse_connect(found)
        case 3:
            return parse_publish(found)
        case 4:
            return parse_puback(found)
        case 8 | 10:
            return parse_filters(found)
        case 12 | 14:
            return check_empty(found)
        case _:
            raise PacketRefused(Reason.MALFORMED)


def test_connect__with_name_and_password__is_read() -> None:
    found = parse_connect(only(connect("left", "pass word", keep_alive=7)))
    assert (found.name, found.password.reveal(), found.keep_alive_s) == ("left", "pass word", 7)
    assert "pass word" not in repr(found)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (connect(None, None), Reason.ANONYMOUS),
        (connect("left", None), Reason.ANONYMOUS),
        (connect(None, "secret"), Reason.ANONYMOUS),
        (connect("left", "secret", level=3), Reason.VERSION),
        (connect("left", "secret", level=5), Reason.VERSION),
        (connect("left", "secret", flags=0), Reason.UNSUPPORTED),
        (connect("left", "secret", flags=2 | 4), Reason.UNSUPPORTED),
        (connect("left", "secret", flags=2 | 0x20), Reason.UNSUPPORTED),
        (connect("left", "secret", flags=2 | 0x18), Reason.UNSUPPORTED),
        (connect("left", "secret", flags=3), Reason.MALFORMED),
        (connect("l" * 65, "secret"), Reason.MALFORMED),
        (connect("le\0ft", "secret"), Reason.MALFORMED),
        (packet(0x10, connect("left", "secret")[2:] + b"x"), Reason.MALFORMED),
        (packet(0x10, connect("left", "secret")[2:-1]), Reason.MALFORMED),
        (packet(0x11, connect("left", "secret")[2:]), Reason.MALFORMED),
        (publish("a", b"x", first=0x30), Reason.UNSUPPORTED),
        (publish("a", b"x", first=0x34), Reason.UNSUPPORTED),
        (publish("a", b"x", first=0x36), Reason.UNSUPPORTED),
        (publish("a", b"x", first=0x33), Reason.UNSUPPORTED),
        (publish("a", b"x", number=0), Reason.MALFORMED),
        (packet(0x32, text_of("a")), Reason.MALFORMED),
        (packet(0x32, b"\x00\x02\xff\xfe\x00\x01"), Reason.MALFORMED),
        (publish("a" * 300, b""), Reason.MALFORMED),
        (subscribe("a", quality=0), Reason.UNSUPPORTED),
        (subscribe("a", quality=2), Reason.UNSUPPORTED),
        (subscribe("a", quality=3), Reason.UNSUPPORTED),
        (subscribe(), Reason.MALFORMED),
        (subscribe(*"abcdefghijklmnopq"), Reason.MALFORMED),
        (subscribe("a", number=0), Reason.MALFORMED),
        (packet(0x80, subscribe("a")[2:]), Reason.MALFORMED),
        (packet(0x82, subscribe("a")[2:-1]), Reason.MALFORMED),
        (packet(0xA0, b"\x00\x01" + text_of("a")), Reason.MALFORMED),
        (packet(0x40, b"\x00\x01\x00"), Reason.MALFORMED),
        (packet(0x40, b"\x00"), Reason.MALFORMED),
        (packet(0xC0, b"x"), Reason.MALFORMED),
        (packet(0xE1, b""), Reason.MALFORMED),
    ],
)
def test_what_is_not_taken__is_refused_by_name(raw: bytes, reason: Reason) -> None:
    assert refusal(raw) is reason


@pytest.mark.parametrize("kind", [0, 2, 5, 6, 7, 9, 11, 13, 15])
def test_what_no_client_sends__is_refused(kind: int) -> None:
    assert refusal(packet(kind << 4, b"\x00\x01")) is Reason.MALFORMED


def test_publish__is_read_and_what_we_send_too() -> None:
    raw = publish("a/b", bytes(300), number=513)
    found = parse_publish(only(raw))
    assert (found.topic, found.number, found.length) == ("a/b", 513, 300)
    assert read_given(raw) == ("a/b", 513)


def test_a_long_packet__is_refused_by_its_head_alone() -> None:
    framer = Framer(MOST)
    framer.feed(publish("a", bytes(10_000_000))[:5])
    with pytest.raises(PacketRefused) as caught:
        framer.take()
    assert caught.value.reason is Reason.TOO_LARGE
    assert caught.value.had > 10_000_000  # type: ignore[operator]


def test_a_length_without_end__is_refused() -> None:
    framer = Framer(MOST)
    framer.feed(b"\x30\xff\xff\xff\xff")
    with pytest.raises(PacketRefused) as caught:
        framer.take()
    assert caught.value.reason is Reason.MALFORMED


SOME = [publish("a", bytes(200)), puback(7), packet(0xC0, b"")]


@given(raws=st.lists(st.sampled_from(SOME)), data=st.data())
def test_whatever_the_pieces__packets_are_the_same(raws: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(raws)
    framer, found, begin = Framer(MOST), list[bytes](), 0
    while begin < len(whole):
        end = data.draw(st.integers(begin + 1, len(whole)))
        framer.feed(whole[begin:end])
        begin = end
        while (taken := framer.take()) is not None:
            found.append(taken.raw)
    assert found == raws
    assert len(framer) == 0


@pytest.mark.parametrize("seed", range(20))
def test_a58_random_packets__are_read_or_refused_and_nothing_else(seed: int) -> None:
    dice = random.Random(seed)
    good = [connect("left", "secret"), publish("a/b", b"xyz"), subscribe("a", "b"), puback(3)]
    for _ in range(200):
        raw = bytearray(dice.choice(good))
        for _ in range(dice.randint(1, 4)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        framer = Framer(MOST)
        framer.feed(bytes(raw))
        try:
            while (found := framer.take()) is not None:
                read(found)
        except PacketRefused as refused:
            assert refused.reason in Reason
