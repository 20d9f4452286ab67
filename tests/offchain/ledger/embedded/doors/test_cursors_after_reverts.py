"""A listener that resumes after a revert loses no event unasked: every small history is played.

The chain is a fake: of its blocks only numbers, envelopes, flags and eras matter here, and a true
one would validate each thousands of times. What the Gateway says of them, and what the client makes
of it, are the real ones; `test_listeners_of_other_histories` plays the same on a true chain.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from fabric_protos.gateway import gateway_pb2
from tests.offchain.ledger.embedded.consortium import Draft, firm, orderer, puts

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.sealing import seal
from edgemark.ledger.embedded.doors.events import check_mark, events_of, find_start, make_answer
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import ChaincodeEvent, Checkpoint, Cursor, events_request
from edgemark.ledger.fabric.faults import ChainTakenBack
from edgemark.ledger.fabric.wire.blocks import Block, add_mark, make_block, parse_block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import Event, make_event

NONCE = bytes(24)
# A block: its transactions in order; small letters do not count.
FEW = ("A", "T", "AT", "aT", "BT")
ALL = (*FEW, "B", "TA", "At")
BASE = 2  # blocks that are never taken back
Commit = tuple[int, int]  # number and era: one of each
History = tuple[str, str]
Play = tuple[History, int, History]  # before a revert, to which height, behind it
End = tuple[str, bool, bool, bool]


@cache
def envelope_of(letter: str) -> bytes:
    draft = Draft([puts({letter: b"v"})], nonce=letter.encode() * 24)
    told = make_event(Event(draft.chaincode, draft.transaction_id, letter, b""))
    return replace(draft, event=told).envelope()


@cache
def sealed_block(number: int, below: bytes, letters: str, era: int) -> bytes:
    made = make_block(number, below, [envelope_of(each) for each in letters.upper()])
    flags = [Code.VALID if each.isupper() else Code.MVCC_READ_CONFLICT for each in letters]
    return replace(seal(made, 0, orderer(), NONCE, era), flags=tuple(flags)).to_bytes()


@dataclass
class Chain:
    """What doors ask a channel for events, and what its owner does."""

    blocks: list[bytes] = field(default_factory=list)
    eras: list[int] = field(default_factory=list)
    era: int = 0
    name: str = "mychannel"

    def __post_init__(self) -> None:
        for _ in range(BASE):
            self.commit("")

    @property
    def height(self) -> int:
        return len(self.blocks)

    def block(self, number: int) -> bytes | None:
        return self.blocks[number] if number < self.height else None

    def commit(self, letters: str) -> None:
        below = parse_block(self.blocks[-1]).hash if self.blocks else b""
        self.blocks.append(sealed_block(self.height, below, letters, self.era))
        self.eras.append(self.era)

    def revert(self, height: int) -> None:
        if height < self.height:
            del self.blocks[height:], self.eras[height:]
            self.era += 1

    def told(self) -> list[tuple[Commit, str]]:
        """All events: the commit that each is of, and its name."""
        return [
            ((number, self.eras[number]), event.name)
            for number, raw in enumerate(self.blocks)
            for event in events_of(parse_block(raw))
        ]


Answers = Callable[[Block, Sequence[Event]], Any]


def without_marks(block: Block, told: Sequence[Event]) -> Any:
    """As Fabric answers."""
    answer = make_answer(block, told)
    answer.DiscardUnknownFields()
    return answer


def by_hash_alone(block: Block, told: Sequence[Event]) -> Any:
    answer = without_marks(block, told)
    add_mark(answer, block.hash)
    return answer


def histories_of(blocks: Sequence[str]) -> list[History]:
    return [
        (first, second)
        for first, second in itertools.product(blocks, ("", *blocks))
        if not set(first.upper()) & set(second.upper())  # a second copy never counts
    ]


def listen(
    chain: Chain, after: Checkpoint, answers: Answers = make_answer
) -> Iterator[ChaincodeEvent]:
    """What a client hears that resumes, until all was said."""
    raw = events_request(chain.name, "code", firm("Org1MSP").client, after)
    signed = gateway_pb2.SignedChaincodeEventsRequest.FromString(raw)
    request = gateway_pb2.ChaincodeEventsRequest.FromString(signed.request)
    cursor = Cursor("code", after)
    channel = cast(Channel, chain)
    try:
        if answers is make_answer:
            check_mark(channel, request)
    except LedgerUnavailable as refused:
        raise ChainTakenBack(refused.what) from refused  # as `refusals` reads its words
    for number in range(find_start(channel, request)[0], chain.height):
        block = parse_block(chain.blocks[number])
        if told := events_of(block):
            yield from cursor.take(answers(block, told).SerializeToString())


def replays(plays: Iterable[Play], answers: Answers = make_answer) -> Iterator[End]:
    """What each cursor of a history meets when another follows a revert.

    Gives a name, whether it is told of the revert, whether its block is gone, and whether what was
    handled and what is heard now are the events of the chain as it is.
    """
    for first, lowest, then in plays:
        chain = Chain()
        for letters in first:
            chain.commit(letters)
        told, heard = chain.told(), list(listen(chain, Checkpoint(0), answers))
        assert [each.event.name for each in heard] == [name for _, name in told]
        chain.revert(lowest)
        had = "".join(first[: lowest - BASE]).upper()
        for letters in then:
            if not set(letters.upper()) & set(had):
                chain.commit(letters)
        now = chain.told()
        for place, event in enumerate(heard):
            name = f"{'.'.join(first)}  {lowest}  {'.'.join(then)}  {event.event.name}"
            number, era = told[place][0]
            is_gone = number >= chain.height or chain.eras[number] != era
            try:
                more = [each.event.name for each in listen(chain, event.checkpoint, answers)]
            except ChainTakenBack:
                yield name, True, is_gone, False
            else:
                is_all = told[: place + 1] == now[: place + 1]
                is_all = is_all and more == [each for _, each in now[place + 1 :]]
                yield name, False, is_gone, is_all


@pytest.mark.parametrize("blocks", [FEW, pytest.param(ALL, marks=pytest.mark.soak)])
def test_cursor_anywhere_in_a_block__hears_all_that_is_left_or_is_told_of_the_revert(
    blocks: Sequence[str],
) -> None:
    ends = set()
    histories = histories_of(blocks)
    plays = itertools.product(histories, range(BASE, BASE + len(histories[0])), histories)
    for name, is_told, is_gone, is_all in replays(plays):
        assert is_told is is_gone, name
        assert is_told or is_all, name
        ends.add((is_told, is_all))
    assert ends == {(True, False), (False, True)}


@pytest.mark.parametrize("answers", [make_answer, without_marks, by_hash_alone])
def test_marks_of_less_than_the_block_and_its_era__lose_events_of_such_histories(
    answers: Answers,
) -> None:
    below = (("T", "A"), BASE, ("BT", "A"))  # the same again, and another in a block below
    before = (("AT", ""), BASE, ("BT", ""))  # another before it in its block
    same = (("AT", ""), BASE, ("aT", ""))  # the same block again, and one in it does not count now
    needed = {make_answer: [], without_marks: [below, before, same], by_hash_alone: [same]}
    lost = []
    for play in (below, before, same):
        *_, (_, is_told, is_gone, is_all) = replays([play], answers)  # of the last cursor
        assert is_gone
        if not is_told:
            assert not is_all
            lost.append(play)
    assert lost == needed[answers]


def test_cursor_of_a_ledger_that_told_no_marks__goes_on_by_its_transaction(tmp_path: Path) -> None:
    chain = Chain()
    chain.commit("AT")
    first, _ = listen(chain, Checkpoint(0), without_marks)
    assert not first.mark
    assert [each.event.name for each in listen(chain, first.checkpoint)] == ["T"]
    marked, _ = listen(chain, Checkpoint(0))
    file = CheckpointFile(tmp_path / "cursor")
    file.write(marked.checkpoint)
    assert file.read() == marked.checkpoint
    assert marked.mark
    with pytest.raises(ChainTakenBack, match="of mark none"):  # it cannot be of this chain
        list(listen(chain, marked.checkpoint, without_marks))
