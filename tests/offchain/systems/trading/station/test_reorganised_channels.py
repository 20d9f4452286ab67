"""Blocks taken back around an opening, a close and evidence: nobody believes what stood in them.

Blocks are a second apart, parties wait for two confirmations, and two blocks are taken back as soon
as a step stands at the head, with the transactions in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.parties_cast import CONDITIONS, POLICY
from tests.offchain.systems.trading.station.trading_ground import (
    TradingGround,
    believes,
    raise_ground,
)
from tests.waiting import wait_until

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.deployment.settings import ChainSettings
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.evidence.pieces import InitiationPiece
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Agreement, Opening
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.protocol.views.view import observe
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.station.seeing import see_sides
from edgemark.systems.trading.station.station import TradingStation

pytestmark = [pytest.mark.chain, pytest.mark.lasts(15)]

CONFIRMATIONS = 2  # so deep may be cut


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradingGround]:
    """A chain that mines when it is told to, a second a block; its parties wait."""
    folder: Path = tmp_path_factory.mktemp("reorganised")
    with raise_ground(folder) as raised, ExitStack() as stack:
        for role, station in raised.stations.items():
            station.close()
            patient = replace(station.settings.of(ChainSettings), confirmations=CONFIRMATIONS)
            again = TradingStation.open(station.settings.having(patient))
            raised.stations[role] = stack.enter_context(again)
        raised.chain.rpc("anvil_setBlockTimestampInterval", 1)
        raised.chain.rpc("evm_setAutomine", False)
        raised.chain.rpc("anvil_mine", 2 * CONFIRMATIONS)  # all before is final
        yield raised


@dataclass
class Watched:
    """A channel as its seller sees it, from a follower's news and views behind them."""

    ground: TradingGround
    terms: Terms
    state: Any = None
    told: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine: PartyMachine[Sale] = PartyMachine(Sale)
        self.seller = self.ground["seller"]
        self.news = self.seller.follow()
        channel, brought = self.seller.escrow.id_of(self.terms), self.ground.opening(self.terms)
        word = Opening(brought.valid_until, brought.seller_signature)
        agreed = Agreement(channel, self.terms, CONDITIONS)
        blank = self.machine.initial(channel)
        self.state, _ = self.machine.step(blank, on.AskedSell(agreed, POLICY, word))

    def look(self) -> None:
        """One round of a party; blocks come faster here than their seconds."""
        wait_until("time", lambda: believes(self.seller))
        self.seller.marks.note(self.news.poll())
        (view,) = see_sides(self.seller, [self.state], max(0, self.news.cursor))
        for event in observe(self.state, view):
            self.state, _ = self.machine.step(self.state, event)
            self.told.append(event)

    def at_head(self) -> ChannelPhase:
        """Its phase in the newest block, which nobody believes yet."""
        return self.seller.escrow.channel(self.terms, block="latest").phase


def carry_through(
    watched: Watched, role: str, call: Call, is_there: Callable[[], bool]
) -> list[Any]:
    """Push a call until it is final, with the blocks taken back once; what was told meanwhile."""
    ground, station, before = watched.ground, watched.ground[role], len(watched.told)
    cuts = 0

    def step() -> bool:
        nonlocal cuts
        receipt = station.lane.push(call)
        station.keep_on()
        ground.chain.rpc("evm_mine")
        watched.look()
        if not cuts and is_there():
            assert watched.told[before:] == [], "what is not final was believed"
            ground.chain.rpc("anvil_reorg", CONFIRMATIONS, [])
            assert not is_there(), "nothing was taken back"
            cuts += 1
        return receipt is not None

    wait_until(call.function, step, look_s=0.05)
    assert cuts == 1
    watched.look()
    return watched.told[before:]


def kinds(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_opening_and_close_that_were_taken_back__happen_once(ground: TradingGround) -> None:
    watched = Watched(ground, ground.terms())
    payer, seller = ground["payer"], ground["seller"]
    opening = payer.escrow.open([ground.opening(watched.terms)])
    told = carry_through(watched, "payer", opening, lambda: watched.at_head() is ChannelPhase.OPEN)
    assert kinds(told) == ["SawOpened", "SawMoney"]
    opened_at = told[0].at
    assert any(
        seller.chain.block(number).timestamp == opened_at
        for number in range(seller.chain.confirmed() + 1)
    )

    close = payer.escrow.close([ground.voucher(watched.terms, 90)])
    told = carry_through(watched, "payer", close, lambda: watched.at_head().is_closing)
    assert kinds(told) == ["SawClosing"]
    assert told[0].deadline == seller.escrow.channel(watched.terms).deadline

    response = seller.escrow.respond([ground.response(watched.terms, 200)])
    counts = lambda: seller.escrow.channel(watched.terms, block="latest").counted == 200  # noqa: E731
    assert carry_through(watched, "seller", response, counts) == [on.SawShown(200)]  # type: ignore[arg-type]


def test_end_that_was_taken_back__is_seen_once_with_its_amount(ground: TradingGround) -> None:
    watched = Watched(ground, ground.terms())
    payer, seller = ground["payer"], ground["seller"]
    opening = payer.escrow.open([ground.opening(watched.terms)])
    carry_through(watched, "payer", opening, lambda: watched.at_head() is ChannelPhase.OPEN)
    free = seller.accounts.free_balance(seller.address)
    claim = seller.escrow.close([ground.voucher(watched.terms, 300)])
    told = carry_through(watched, "seller", claim, lambda: watched.at_head() is ChannelPhase.ENDED)
    assert told == [on.SawEnded(ChannelEnding.CLAIMED, 300)]  # type: ignore[arg-type]
    assert seller.accounts.free_balance(seller.address) == free + 300


def test_evidence_that_was_taken_back__is_recorded_once(ground: TradingGround) -> None:
    watched = Watched(ground, ground.terms())
    evidence, channel = ground["seller"].evidence, ground["seller"].escrow.id_of(watched.terms)
    credential = Hash32(keccak256(b"a credential"))
    digest = evidence.domain.initiation(channel, credential)
    signed = [ground.key(role).sign(digest) for role in ("payer", "seller")]
    known = compute_evidence_id(digest, [ground.address(role) for role in ("payer", "seller")])
    call = evidence.record_initiations([InitiationPiece(channel, credential, *signed)])

    def kind(block: str) -> EvidenceKind:
        return evidence.recorded([known], block=block)[0].kind

    carry_through(watched, "outsider", call, lambda: kind("latest") is EvidenceKind.INITIATION)
    assert kind("confirmed") is EvidenceKind.INITIATION
    assert watched.told == []  # it tells nothing of the money
