"""N1, N2, F7: whatever a chain's node says, a party puts it off and lives.

Beside it the party as it was, which ended by one odd answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.loop.tally import Asked, Fetched, Tally, TallyMachine
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, Unrecoverable
from edgemark.ledger.evm.faults import (
    ChainBusy,
    ConnectionLost,
    GasAboveCap,
    NoCode,
    NodeBehind,
    NodeRefused,
    NonceTaken,
    NotYetMined,
    TransactionRefused,
)
from edgemark.ledger.evm.reading.answers import malformed, quantity_of
from edgemark.party.loop import PartyLoop
from edgemark.party.settings import PartySettings
from edgemark.party.watcher import Watcher

KEY = b"\xab" * 32
FAULTS: list[EdgemarkError] = [
    malformed("number", None, "0x"),
    NodeRefused(-32000, "header not found", b"", who="node"),
    ChainBusy("429", who="node", retry_after_s=1.0),
    NodeBehind("has no such block"),
    NotYetMined("not final"),
    NonceTaken("another used it"),
    ConnectionLost("lost"),
    TransactionRefused("not taken", had="txpool is full"),
    GasAboveCap("needs too much gas"),
    NoCode("no contract at the address"),
    PeerFault("lied", who="peer"),
]


@dataclass(frozen=True)
class Counted(Tally):
    """A tally as a party's state."""

    @property
    def phase(self) -> SimpleNamespace:
        return SimpleNamespace(value="open")

    def owed(self) -> list[Any]:
        return TallyMachine().resume(self)


class Counting(TallyMachine):
    """The machine of a party that counts."""

    def initial(self, key: bytes) -> Tally:  # noqa: ARG002
        return Counted()


class Party(PartyLoop[Any]):
    """Fetches numbers, and looks at the chain; both as the test says.

    Args:
        home: its folder.
        fails: called before each effect and each look.
    """

    def __init__(self, home: Path, fails: Callable[[], None]) -> None:
        self.looks = self.turns = 0
        self.fails = fails
        paces = PartySettings(poll_s=0.01, workers=2)
        station: Any = SimpleNamespace(
            paces=paces, home=home, clock=lambda: 7, keep_on=self.keep_on
        )
        super().__init__(station, Counting(), "party", look=self.look)

    def perform(self, state: Any, effect: Any) -> Sequence[object]:  # noqa: ARG002
        self.fails()
        return [Fetched(effect.number)]

    def look(self) -> None:
        self.fails()
        self.looks += 1

    def keep_on(self) -> None:
        self.fails()
        self.turns += 1


class OldParty(Party):
    """Planted: a refusal of the node is taken for damage of one's own."""

    def _carry_out(self, key: bytes, effect: Any) -> Sequence[object]:
        return self.perform(self.runtime.state(key), effect)


@contextmanager
def running(kind: type[Party], home: Path, fails: Callable[[], None]) -> Iterator[Party]:
    party = kind(home, fails)
    party.start()
    try:
        yield party
    finally:
        try:
            party.close()
        except Unrecoverable:
            assert kind is OldParty


def failing(error: BaseException, times: int = 4) -> Callable[[], None]:
    """Fails so often, then no more."""
    left, lock = [times], threading.Lock()

    def fail() -> None:
        with lock:
            left[0] -= 1
            if left[0] >= 0:
                raise error

    return fail


def has_number(party: Party) -> bool:
    state = party.runtime.state(KEY)
    return state is not None and state.got == (3,)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_n1_n2_f7_what_a_node_says__is_put_off_and_the_process_lives(
    tmp_path: Path, fault: EdgemarkError
) -> None:
    with running(Party, tmp_path, failing(fault)) as party:
        party.runtime.ask(KEY, Asked(3))
        wait_until("the number", lambda: has_number(party))
        wait_until("a look", lambda: party.looks > 0)
        wait_until("what goes on beside it", lambda: party.turns > 0)
        assert party.runtime.failure is None


def test_f7_the_party_as_it_was__ends_by_one_refusal(tmp_path: Path) -> None:
    refused = TransactionRefused("not taken", had="txpool is full")
    always = 10**6  # a look at the chain must not take the one refusal that is meant for the effect
    with running(OldParty, tmp_path, failing(refused, always)) as party:
        party.runtime.ask(KEY, Asked(3))
        wait_until("the end", lambda: party.runtime.failure is not None)


def test_n1_a_null_block_number__is_a_round_put_off_and_as_it_was_the_end_of_the_watch() -> None:
    def read_number() -> None:
        quantity_of(None, "number of a block")

    def read_number_as_it_was() -> None:
        answer: Any = None
        int(answer, 16)

    ended: list[Exception] = []
    assert isinstance(_first_fault(read_number), LedgerUnavailable)
    watcher = Watcher(read_number_as_it_was, 0.001, "watch", ended.append)
    watcher.start()
    wait_until("the end of the watch", lambda: bool(ended))
    assert isinstance(ended[0], TypeError)


def _first_fault(work: Callable[[], None]) -> Exception | None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - any
        return error
    return None


def test_watch__after_any_fault_of_a_node__looks_again() -> None:
    rounds = iter(FAULTS)
    done = threading.Event()

    def look() -> None:
        for fault in rounds:
            raise fault
        done.set()

    ended: list[Exception] = []
    watcher = Watcher(look, 0.001, "watch", ended.append)
    watcher.start()
    assert done.wait(LIMIT_S)
    watcher.stop()
    assert ended == []
