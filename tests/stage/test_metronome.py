"""Chain time is skipped when everybody waits for it, and never when anybody has anything to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stage.idling import ALWAYS, GONE, NEVER, Report
from tests.stage.metronome import DEPTH, MOST_BEHIND_S, Metronome, waiting
from tests.waiting import wait_until

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain

pytestmark = pytest.mark.chain

FAR = 1000  # seconds


@pytest.fixture
def metronome(tmp_path: Path) -> Iterator[Metronome]:
    """Without its thread, but for what a test starts: every block is the test's own."""
    with AnvilNode.start(tmp_path / "chain", AnvilOptions(block_time_s=None)) as node:
        chain = EvmChain(node.url, chain_id=None, confirmations=0).connect()
        with Metronome(chain) as made:
            made.close()
            yield made


def idle(due: int | None) -> Report:
    """Of a party that has looked at everything just now."""
    return Report(1, changed=NEVER, seen=time.monotonic() + FAR, due=due)


def settle(metronome: Metronome) -> int:
    """Enough blocks without transactions; the time at the head."""
    for _ in range(DEPTH):
        metronome._mine()
    return metronome._chain.now()


def test_skip__when_all_are_idle__is_to_the_first_time_that_anybody_waits_for(
    metronome: Metronome,
) -> None:
    now = settle(metronome)
    metronome.parties = {
        "a": lambda: idle(now + 60),
        "b": lambda: idle(now + 40),
        "c": lambda: idle(None),
        "d": lambda: GONE,
    }
    assert metronome.skip_when_idle()
    assert metronome._chain.now() == now + 40
    assert metronome.skipped == 40


@pytest.mark.parametrize(
    "busy",
    [
        None,  # dead, or has not begun to say anything
        Report(1, changed=ALWAYS, seen=ALWAYS, due=None),  # something is under way
        Report(1, changed=NEVER, seen=NEVER, due=None),  # has not looked, or not tried again
        Report(1, changed=NEVER, seen=ALWAYS, due=0),  # has not heard that a time is over
    ],
)
def test_skip__while_one_party_is_not_idle__is_none(
    metronome: Metronome, busy: Report | None
) -> None:
    now = settle(metronome)
    metronome.parties = {"a": lambda: idle(now + 40), "b": lambda: busy}
    assert not metronome.skip_when_idle()
    assert metronome._chain.now() == now


def test_skip__when_one_looked_before_another_changed__is_none(metronome: Metronome) -> None:
    now = settle(metronome)
    at = time.monotonic() + FAR
    metronome.parties = {
        "a": lambda: Report(1, changed=at, seen=at + 1, due=now + 40),
        "b": lambda: Report(2, changed=NEVER, seen=at - 1, due=None),
    }
    assert not metronome.skip_when_idle()


def test_skip__before_a_transaction_is_final_for_everybody__is_none(metronome: Metronome) -> None:
    now = settle(metronome)
    metronome.parties = {"a": lambda: idle(now + 40)}
    chain, account = metronome._chain, SecretKey(dev_key(0)).address
    chain.rpc("eth_sendTransaction", {"from": account, "to": account, "value": "0x1"})
    assert not metronome.skip_when_idle()
    for _ in range(DEPTH):
        metronome._mine()  # the transaction is in the first
        assert not metronome.skip_when_idle()
    metronome._mine()
    assert metronome.skip_when_idle()


def test_skip__after_the_blocks_were_held__waits_anew(metronome: Metronome) -> None:
    now = settle(metronome)
    metronome.parties = {"a": lambda: idle(now + 40)}
    with metronome.hold():
        pass  # they may have been taken back
    assert not metronome.skip_when_idle()


def test_skip__twice__wants_another_look_in_between(metronome: Metronome) -> None:
    now = settle(metronome)
    looked = time.monotonic()
    metronome.parties = {"a": lambda: Report(1, NEVER, looked, now + 40)}
    assert metronome.skip_when_idle()
    metronome.parties = {"a": lambda: Report(1, NEVER, looked, now + 80)}
    assert not metronome.skip_when_idle()


def test_skip__goes_no_further_than_the_test_waits(metronome: Metronome) -> None:
    now = settle(metronome)
    metronome.parties = {"a": lambda: idle(now + 40)}
    with waiting(until=now + 30):
        assert metronome.skip_when_idle()
    assert metronome._chain.now() == now + 30


def test_blocks__far_behind_the_clock__go_as_fast_as_it(
    metronome: Metronome, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = settle(metronome)
    metronome._beat_once()
    assert metronome._chain.now() == now + 1
    for clock in (now + FAR, now + FAR + 3):
        monkeypatch.setattr("tests.stage.metronome.time.time", lambda at=clock: at + 0.5)
        metronome._beat_once()
        assert metronome._chain.now() == clock - MOST_BEHIND_S


def test_blocks__while_the_test_does_something__are_a_second_apart(tmp_path: Path) -> None:
    with AnvilNode.start(tmp_path / "chain", AnvilOptions(block_time_s=None)) as node:
        chain = EvmChain(node.url, chain_id=None, confirmations=0).connect()
        with Metronome(chain) as metronome:
            metronome.keep_time()
            metronome.parties = {"a": lambda: idle(chain.now() + FAR)}
            head, now = chain.head(), chain.now()
            wait_until("two blocks", lambda: chain.head() >= head + DEPTH + 2)
            assert chain.now() - now < FAR
            with waiting():
                wait_until("a skip", lambda: metronome.skipped)
            assert chain.now() - now >= FAR
