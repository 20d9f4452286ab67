"""When the base fee rises, all that is stuck below it is made dearer, and nothing happens twice.

The planted rule is the one that was: only the lowest nonce is, so what is stuck leaves one a block.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import Chain, Nodes, View
from tests.offchain.ledger.evm.sending.scripted_lane import (
    SERVICE,
    lane_over,
    mine,
    quiet_node,
    serve,
    served,
)

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.fees import WEI_PER_GWEI, Market
from edgemark.ledger.evm.sending.intent import Call, LaneLimits
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import Entry
from edgemark.ledger.evm.sending.transaction import parse_raw

STUCK = 8
CAP = 100 * WEI_PER_GWEI
AT_ONCE = LaneLimits(wait_s=0.05, bump_after_s=0.0, poll_s=0.0)
LATER = LaneLimits(wait_s=0.05, bump_after_s=60.0, poll_s=0.0)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)


class LowestLane(TransactionLane):
    """Planted: what waits behind the lowest keeps its fees."""

    def _is_ripe(self, entry: Entry) -> bool:
        return entry.nonce == self._chain.nonces_used(self.address) and super()._is_ripe(entry)


def push(lane: TransactionLane, count: int = STUCK) -> None:
    for number in range(count):
        lane.push(serve(number))


def variants(lane: TransactionLane) -> list[int]:
    """Of each nonce, how many were signed."""
    entries = lane._pending.entries
    return [len(entries[nonce].raws) for nonce in sorted(entries)]


def blocks_until_served(lane: TransactionLane, chain: Chain, count: int = STUCK) -> int:
    for blocks in range(1, 60):
        lane.keep_on()
        chain.mine()
        if served(chain) == [*range(count)]:
            return blocks
    return 60


@pytest.mark.parametrize(("kind", "blocks"), [(TransactionLane, 1), (LowestLane, STUCK)])
def test_what_is_stuck__leaves_in_one_block_and_one_a_block_by_the_planted_rule(
    tmp_path: Path, kind: type[TransactionLane], blocks: int
) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=AT_ONCE, kind=kind) as lane:
        push(lane)
        chain.base_fee *= 6
        chain.mine()
        assert served(chain) == []
        assert blocks_until_served(lane, chain) == blocks


def test_whoever_waits_for_the_last__makes_all_below_it_dearer_too(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
        push(lane)
        chain.base_fee *= 6
        lane._nurse(lane._pending.entries[STUCK - 1])
        chain.mine()
    assert served(chain) == [*range(STUCK)]


def test_what_the_next_block_takes__keeps_its_fees_behind_the_lowest(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
        push(lane)
        chain.base_fee = 2 * WEI_PER_GWEI
        lane.keep_on()
        assert variants(lane) == [2] + [1] * (STUCK - 1)


def test_within_the_pause_after_the_last_fees__nothing_is_made_dearer(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=LATER) as lane:
        push(lane)
        chain.base_fee *= 6
        lane.keep_on()
        assert variants(lane) == [1] * STUCK


def test_of_many_who_wait__one_asks_for_the_fees_and_sends_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
        push(lane)
        chain.base_fee *= 6
        monkeypatch.setattr(nonces_module, "RESEND_S", 60.0)
        for entry in lane._pending.entries.values():
            entry.sent_at = -60.0
        lane._priced_at = -60.0
        nodes.methods.clear()
        for _ in range(STUCK):
            lane._help_up_to(STUCK - 1, 0)
        assert nodes.methods.count("eth_sendRawTransaction") == STUCK
        assert nodes.methods.count("eth_maxPriorityFeePerGas") == 1
        assert variants(lane) == [2] * STUCK


def test_of_very_many__so_many_at_a_time_are_and_in_order(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    most = nonces_module.MOST_AT_ONCE
    with lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
        push(lane, 3 * most)
        chain.base_fee *= 6
        lane.keep_on()
        assert variants(lane) == [2] * most + [1] * 2 * most
        assert blocks_until_served(lane, chain, 3 * most) <= 3


def test_no_variant__is_dearer_than_the_cap(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
        push(lane)
        chain.base_fee = 2 * CAP
        for _ in range(60):
            lane.keep_on()
        chain.mine()
        assert served(chain) == []
        fees = [parse_raw(raw).max_fee for e in lane._pending.entries.values() for raw in e.raws]
        assert max(fees) == CAP
        chain.base_fee = CAP
        chain.mine()
        assert served(chain) == [*range(STUCK)]


def test_what_the_account_cannot_pay_for_together__is_left_and_the_first_are_not(
    tmp_path: Path,
) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
        push(lane)
        gas = lane._pending.entries[0].transaction.gas
        chain.base_fee *= 6
        more = gas * (2 * chain.base_fee + 10**9 * 9 // 8 + 1 - 3 * 10**9)
        held = STUCK * gas * 3 * 10**9 + 3 * more
        nodes.views[0].more = {"eth_getBalance": lambda *_: hex(held)}
        lane.keep_on()
        assert variants(lane) == [2] * 3 + [1] * (STUCK - 3)


def test_above_a_nonce_that_none_has__nothing_is_signed_again(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
        push(lane)
        chain.base_fee *= 6
        kept = lane._pending.entries.pop(3)
        assert lane._make_dearer(0) == [0, 1, 2]
        lane._pending.entries[3] = kept
        assert variants(lane) == [2, 2, 2] + [1] * (STUCK - 3)


def test_a_dearer_variant__is_on_the_disk_before_a_node_has_it(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    sent: list[bytes] = []

    def look(method: str, params: list[str]) -> None:
        if method == "eth_sendRawTransaction":
            sent.append(bytes.fromhex(params[0][2:]))
            assert sent[-1] in (tmp_path / "lane").read_bytes()

    with lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
        push(lane)
        chain.base_fee *= 6
        nodes.before = look  # type: ignore[assignment]
        lane.keep_on()
    assert [parse_raw(raw).nonce for raw in sent[:STUCK]] == [*range(STUCK)]


def push_again(lane: TransactionLane, calls: list[Call]) -> None:
    for call in calls:
        with suppress(LedgerUnavailable):
            lane.push(call)


@pytest.mark.parametrize("seed", range(20))
def test_n4_fees_that_leap__and_nodes_that_lag_and_forget__every_push_happens_once(
    tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    chain = Chain()
    nodes = Nodes(View(chain), View(chain, lag=draw.randrange(3)))
    nodes.choose = lambda _: draw.randrange(2)

    calls = [Call(SERVICE, "serve", (number,), key=b"%d" % number) for number in range(STUCK)]
    for life in range(4):
        with suppress(LedgerUnavailable), lane_over(nodes, tmp_path, limits=AT_ONCE) as lane:
            for _ in range(6):
                push_again(lane, calls)
                chain.base_fee = draw.choice([1, 3, 9, 27]) * WEI_PER_GWEI if life < 3 else 1
                if draw.random() < 0.2:
                    chain.take_back(draw.randrange(2), forgets=draw.random() < 0.5)
                lane.keep_on()
                mine(chain, draw.randrange(2) if life < 3 else 5)
    nonces = [parse_raw(raw).nonce for block in chain.blocks for raw in block.raws]
    assert nonces == [*range(len(nonces))]
    assert sorted(served(chain)) == [*range(STUCK)]


@pytest.mark.parametrize("base_fee", [0, 1, 7, 8, 9, 10**9, 3 * 10**10 + 7])
def test_the_next_base_fee__is_never_above_what_is_reckoned_with(base_fee: int) -> None:
    full = base_fee + max(1, base_fee * 1 // 8)  # EIP-1559: a block of twice its target
    assert Market(base_fee, 0).next_base_fee >= full
