"""A decided name after reverts and replays of its envelope: every small history is played.

Gateway, ledger and journal are fakes, in one process and without a clock: what counts is what a
client asks and tells in many orders of what happens, and the ledger's rule is one line here. What
goes on the wire and what is signed is real.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_response_pb2, transaction_pb2
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    CHANNEL,
    Cast,
    Forgery,
    proposal_in,
    status_of,
)

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.client import flows
from edgemark.ledger.fabric.client.asking import Desk
from edgemark.ledger.fabric.client.flows import Ask, Clocks, Keep, Pause
from edgemark.ledger.fabric.client.keeping.records import Kept
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.faults import (
    ChaincodeRefused,
    LedgerSilent,
    SubmissionGone,
    TransactionInvalid,
)
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import parse_transaction

NAME, TIME_NS = "mine", 1_790_000_000 * 10**9
Version = tuple[int, int]  # block and era of the last that counts
NONE: Version = (0, 0)


@dataclass
class Journal:
    """What a client's journal remembers, and no disk."""

    names: dict[str, Kept] = field(default_factory=dict)

    def take(self, name: str, digest: bytes, *, is_drawn: bool = False) -> Kept | None:
        found = self.names.get(name)
        assert found is None or found.digest == digest
        assert not is_drawn
        return found

    def give_back(self, name: str) -> None:
        assert name == NAME


@dataclass
class World:
    """A ledger that takes blocks back, one transaction a block, and a client with one name.

    Attributes:
        chain: id, envelope and code of each; block 0 is empty.
        read: the version that each transaction read, by its id; it writes the next one.
        asked: what the client asked in its last call, in order.
    """

    cast: Cast
    chain: list[tuple[str, bytes, Code]] = field(default_factory=lambda: [("", b"", Code.VALID)])
    versions: list[Version] = field(default_factory=lambda: [NONE])
    read: dict[str, Version] = field(default_factory=dict)
    era: int = 0
    now_s: float = 0.0
    drawn: int = 0
    envelopes: list[bytes] = field(default_factory=list)
    asked: list[Asking] = field(default_factory=list)
    is_clashing: bool = False
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        clocks = Clocks(lambda: self.now_s, lambda: TIME_NS, self._draw)
        self.desk = Desk(CHANNEL, self.cast.client, self.journal, clocks=clocks)  # type: ignore[arg-type]

    def _draw(self, count: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(count, "big")

    def commit(self, transaction_id: str, envelope: bytes) -> None:
        """One that is there already does not come again; who read another version is no good."""
        if any(each[0] == transaction_id for each in self.chain):
            return
        is_good = self.read[transaction_id] == self.versions[-1]
        code = Code.VALID if is_good else Code.MVCC_READ_CONFLICT
        self.versions.append((len(self.chain), self.era) if is_good else self.versions[-1])
        self.chain.append((transaction_id, envelope, code))

    def other(self) -> None:
        """Somebody else's transaction comes between."""
        self.read[who := f"other {len(self.read)}"] = self.versions[-1]
        self.commit(who, b"")

    def revert(self) -> None:
        if len(self.chain) > 1:
            del self.chain[1:], self.versions[1:]
            self.era += 1

    def replay(self) -> None:
        """Somebody who has the last envelope of the name sends it again."""
        if self.envelopes:
            last = self.envelopes[-1]
            self.commit(parse_transaction(last).transaction_id, last)

    def ask(self, retries: int) -> Outcome | EdgemarkError:
        """The client makes the call of its name."""
        self.asked.clear()
        call = self.desk.call("code", ("put", "k", "1"))
        flow = self.desk.submit(call, NAME, retries, 60.0)
        try:
            wish = next(flow)
            while True:
                try:
                    answer = self._perform(wish)
                except EdgemarkError as error:
                    wish = flow.throw(error)
                else:
                    wish = flow.send(answer)
        except StopIteration as ended:
            assert isinstance(ended.value, Outcome)
            return ended.value
        except EdgemarkError as error:
            return error

    def _perform(self, wish: Ask | Pause | Keep) -> bytes:
        match wish:
            case Keep(kept):
                self.journal.names[kept.name] = kept
                return b""
            case Pause(seconds):
                self.now_s += seconds
                return b""
            case Ask(asking, request, wait_s):
                self.asked.append(asking)
                return self._answer(asking, request, wait_s)

    def _answer(self, asking: Asking, request: bytes, wait_s: float) -> bytes:
        match asking:
            case Asking.ENDORSE:
                answer, transaction_id = endorsed(self.cast, request)
                self.read[transaction_id] = self.versions[-1]
                return answer
            case Asking.SUBMIT:
                if self.is_clashing:
                    self.is_clashing = False
                    self.other()
                sent = gateway_pb2.SubmitRequest.FromString(request)
                self.envelopes.append(sent.prepared_transaction.SerializeToString())
                self.commit(sent.transaction_id, self.envelopes[-1])
                return b""
            case Asking.STATUS:
                return self._status(request, wait_s)
            case _:
                return self._processed()

    def _status(self, request: bytes, wait_s: float) -> bytes:
        signed = gateway_pb2.SignedCommitStatusRequest.FromString(request)
        wanted = gateway_pb2.CommitStatusRequest.FromString(signed.request).transaction_id
        for number, (transaction_id, _, code) in enumerate(self.chain):
            if transaction_id == wanted:
                return status_of(code, number)
        self.now_s += wait_s
        raise LedgerSilent("nothing yet")

    def _processed(self) -> bytes:
        """What `qscc` has of the name's last transaction."""
        kept = self.journal.names[NAME]
        for transaction_id, envelope, _ in self.chain:
            if transaction_id == kept.transaction_id:
                found = transaction_pb2.ProcessedTransaction(
                    transactionEnvelope=common_pb2.Envelope.FromString(envelope)
                ).SerializeToString()
                result = proposal_response_pb2.Response(status=200, payload=found)
                raw: bytes = gateway_pb2.EvaluateResponse(result=result).SerializeToString()
                return raw
        raise ChaincodeRefused("no such transaction ID")


_known: dict[bytes, tuple[bytes, str]] = {}


def endorsed(cast: Cast, request: bytes) -> tuple[bytes, str]:
    """An honest answer to Endorse, and whose id it has; the same proposals come again and again."""
    proposal = proposal_in(request)
    if proposal not in _known:
        asked = gateway_pb2.EndorseRequest.FromString(request)
        _known[proposal] = Forgery(cast, proposal).answer(), asked.transaction_id
    return _known[proposal]


def check(world: World, told: Outcome | EdgemarkError) -> str:
    """What was told is what the ledger has, and nothing was sent in vain; says what was told."""
    found = {each[0]: (each[2], number) for number, each in enumerate(world.chain)}
    kept = world.journal.names[NAME]
    now = found.get(kept.transaction_id)
    ours = [parse_transaction(each).transaction_id for each in world.envelopes]
    assert sum(found.get(each, (None,))[0] is Code.VALID for each in set(ours)) <= 1
    match told:
        case Outcome():
            assert (told.code, told.block) == now
            assert told.code is Code.VALID
            assert (told.transaction_id, told.response) == (kept.transaction_id, b"answer")
            return "counts"
        case TransactionInvalid():
            assert (told.code, told.block) == now
            assert told.code is not Code.VALID
            return "does not count"
        case SubmissionGone():
            assert now is None
            assert not {Asking.ENDORSE, Asking.SUBMIT} & set(world.asked)
            return "gone"
        case _:
            raise told


def _clash(world: World) -> str:
    world.is_clashing = True
    told = check(world, world.ask(0))
    world.is_clashing = False
    return told


STEPS: dict[str, Callable[[World], str | None]] = {
    "ask": lambda world: check(world, world.ask(0)),
    "ask twice": lambda world: check(world, world.ask(1)),
    "clash": _clash,
    "other": lambda world: world.other(),
    "revert": lambda world: world.revert(),
    "replay": lambda world: world.replay(),
}
LATER = ("ask", "ask twice", "revert", "replay")


def play(cast: Cast, steps: Sequence[str]) -> Iterator[str]:
    world = World(cast)
    for step in steps:
        if told := STEPS[step](world):
            yield told


@cache
def histories(longest: int) -> list[tuple[str, ...]]:
    return [
        (first, *then, last)
        for first in ("ask", "clash")
        for then in itertools.product(["other", *LATER], repeat=longest)
        for last in ("ask", "ask twice")
    ]


@pytest.mark.parametrize("longest", [2, pytest.param(4, marks=pytest.mark.soak)])
def test_decided_name__is_told_as_the_ledger_has_it_now_and_counts_once(
    cast: Cast, longest: int
) -> None:
    ends = set()
    for steps in histories(longest):
        try:
            ends.update(play(cast, steps))
        except AssertionError as error:
            raise AssertionError(f"{', '.join(steps)}: {error}") from error
    assert ends == {"counts", "does not count", "gone"}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (("clash", "revert", "ask"), ["does not count", "gone"]),
        (("clash", "revert", "ask twice"), ["does not count", "gone"]),
        (("clash", "revert", "replay", "ask"), ["does not count", "counts"]),
        (("clash", "revert", "replay", "ask twice"), ["does not count", "counts"]),
        (("clash", "ask twice", "ask"), ["does not count", "counts", "counts"]),
        (("ask", "revert", "other", "replay", "ask"), ["counts", "does not count"]),
        (("ask", "revert", "other", "replay", "ask twice"), ["counts", "counts"]),
    ],
)
def test_name_whose_block_is_gone__is_not_told_from_memory(
    cast: Cast, steps: Sequence[str], told: list[str]
) -> None:
    assert list(play(cast, steps)) == told


def test_kept_conflict__costs_one_status_where_nothing_was_taken_back(cast: Cast) -> None:
    world = World(cast)
    _clash(world)
    for _ in range(2):
        assert check(world, world.ask(0)) == "does not count"
        assert world.asked == [Asking.STATUS]
    assert check(world, world.ask(1)) == "counts"
    assert world.asked == [Asking.STATUS, Asking.ENDORSE, Asking.SUBMIT, Asking.STATUS]
    assert world.now_s == 0.0  # nothing was waited for


def test_kept_code__is_believed_by_no_one(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was once: a kept code that is no good was told, or gone by, unasked."""

    def believes(self: flows._Submitting, kept: Kept) -> object:
        yield from ()
        return kept.code, kept.block, b""

    confirm = flows._Submitting._confirm

    def as_it_was(self: flows._Submitting, kept: Kept) -> object:
        return (confirm if kept.code is Code.VALID else believes)(self, kept)

    monkeypatch.setattr(flows._Submitting, "_confirm", as_it_was)
    for steps in (
        ("clash", "revert", "ask"),
        ("clash", "revert", "replay", "ask"),
        ("clash", "revert", "replay", "ask twice"),
    ):
        with pytest.raises(AssertionError):
            list(play(cast, steps))
