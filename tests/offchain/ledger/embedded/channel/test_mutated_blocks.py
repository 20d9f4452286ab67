"""What a hostile member gets into blocks: no check meets what nobody foresaw, and verify agrees."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    definition_read,
    firm,
    orderer,
    puts,
)
from tests.offchain.ledger.embedded.validation.forging import Parts, good

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.verifying import verify_file
from edgemark.ledger.embedded.validation.blocks import Outcome
from edgemark.ledger.fabric.wire.canonical import is_envelope
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import make_envelope
from edgemark.ledger.fabric.wire.read_write_sets import RangeRead, Read, Version

KEYS = ["\x00", "\x00a\x00b\x00", "\U0010ffff", "\ud7ff", "a" * 1024, "a\x00", "\x01", "zz"]


def flip(raw: bytes, dice: random.Random) -> bytes:
    found = bytearray(raw)
    at, span = dice.randrange(len(raw)), dice.randrange(1, 9)
    match dice.randrange(4):
        case 0:
            found[at] ^= 1 << dice.randrange(8)
        case 1:
            del found[at : at + span]
        case 2:
            found[at:at] = dice.randbytes(span)
        case _:
            found[at:at] = found[max(0, at - 5 * span) : at]
    return bytes(found)


def draw(channel: Channel, dice: random.Random) -> bytes:
    keys = {dice.choice(KEYS): dice.choice((None, b"", b"v")) for _ in range(2)}
    parts, kind = Parts(good()), dice.randrange(5)
    if kind == 0:
        parts.action.results = flip(parts.action.results, dice)
        return parts.envelope(endorse=True)
    if kind in (1, 2):
        parts.envelope()
        changed = parts.payload if kind == 1 else parts.payload.header
        name = "data" if kind == 1 else "channel_header"
        setattr(changed, name, flip(getattr(changed, name), dice))
        raw = parts.payload.SerializeToString()
        return make_envelope(raw, parts.creator.sign(raw))
    if kind == 3:
        version = Version(dice.randrange(2**64), dice.randrange(2**64))
        read = Read(dice.choice(KEYS), dice.choice((version, None)))
        span = RangeRead(dice.choice(KEYS), dice.choice(KEYS), dice.random() < 0.5, (read,))
        seen = puts(keys, reads=(read,), ranges=(span,))
        return Draft([definition_read(channel), seen], event=dice.randbytes(4)).envelope()
    return Draft([definition_read(channel), puts(keys)]).envelope()


@pytest.mark.parametrize("blocks", [15, pytest.param(3_000, marks=pytest.mark.soak)])
def test_blocks_of_mutated_envelopes__are_judged_the_same_by_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks: int
) -> None:
    dice, path, codes = random.Random(11), tmp_path / "trade.sqlite", set[Code]()
    faults: list[Exception] = []

    def note(_: Channel, __: object, outcome: Outcome) -> None:
        faults.extend(outcome.faults.values())

    monkeypatch.setattr(Channel, "_tell_faults", note)
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as channel:
        define(channel)
        for _ in range(blocks):
            drawn = [each for each in (draw(channel, dice) for _ in range(6)) if is_envelope(each)]
            codes |= set(channel.commit([*drawn, *drawn[: dice.randrange(2)]]).flags)
            if dice.random() < 0.15:
                channel.revert(dice.randrange(2, channel.height + 1))
        height = channel.height
    assert not faults
    assert Code.VALID in codes
    assert len(codes) >= 4
    assert verify_file(path, CHANNEL, firm("OrdererMSP").organisation).blocks == height
