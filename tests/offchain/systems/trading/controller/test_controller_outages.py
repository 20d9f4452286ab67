"""T25: a chain or broker that is away, blocks that stop, and a controller started again."""

from __future__ import annotations

import pytest
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse, house
from tests.offchain.systems.trading.controller.controller_lives import (
    again,
    ask,
    close,
    controller,
    desk_of,
    evidence_of,
    me,
    opened,
    pairs,
)
from tests.offchain.systems.trading.controller.trading_pairs import TradingPairs
from tests.waiting import wait_until

from edgemark.errors import LedgerUnavailable
from edgemark.storage.cid import parse_cid
from edgemark.systems.trading.contract.evidence.events import RootAnchored
from edgemark.systems.trading.controller import controller as controlling
from edgemark.systems.trading.controller.recording.lists import read_anchored
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.life import ControllerPhase
from edgemark.transport.broker.client import BrokerAway
from edgemark.transport.faults import PeerRefused

__all__ = ["controller", "house", "pairs"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(15)]


def test_a_controller_that_is_started_again__has_all_its_channels_and_credentials(
    house: ControllerHouse, pairs: TradingPairs
) -> None:
    first = opened(house, "restarted")
    settings = first.station.settings
    known, unknown = pairs.open_many(me(first), 2, cycles=1)
    pairs.join(known)
    pairs.settle(known, 1, 100)
    wait_until("credential", pairs.has_all(known, 1))
    had = pairs.credential(known, 1)
    wait_until("evidence", lambda: evidence_of(first, known))
    close(first)
    second = again(house, settings)
    pairs.chests[Role.SELLER].held.pop((known, 1))  # the seller lost it, and asks again
    wait_until("the same again", pairs.has_all(known, 1))
    assert pairs.credential(known, 1) == had
    pairs.settle(known, 2, 150)
    pairs.join(unknown)  # nobody had logged in for it before
    pairs.settle(unknown, 1, 10)
    wait_until("what goes on", pairs.has_all(known, 1, 2))
    wait_until("what was found again on the chain", pairs.has_all(unknown, 1))
    wait_until("evidence", lambda: len(evidence_of(second, known)) == 2)


def test_t25_a_chain_that_is_away__keeps_evidence_waiting_and_ends_nothing(
    house: ControllerHouse, pairs: TradingPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = opened(house, "cut-off", evidence="anchored")
    channel = pairs.open(me(running), cycles=1)
    pairs.join(channel)
    pairs.settle(channel, 1, 100)
    wait_until("credential", pairs.has_all(channel, 1))
    wait_until("evidence", lambda: desk_of(running, channel).evidenced == 1)

    def away(*_: object, **__: object) -> None:
        raise LedgerUnavailable("is away")

    with monkeypatch.context() as patched:
        for name in ("rpc", "rpc_many", "ask_together"):
            patched.setattr(running.station.chain, name, away)
        pairs.settle(channel, 2, 200)
        wait_until("credential of blocks that are fresh", pairs.has_all(channel, 1, 2))
        wait_until("evidence waits", lambda: running.recording.waiting + running.recording.pieces)
        assert desk_of(running, channel).phase is ControllerPhase.ISSUING
    wait_until("evidence", lambda: desk_of(running, channel).evidenced == 2)
    roots = [e for e in running.station.follow(0).poll() if isinstance(e, RootAnchored)]
    ours = [each for each in roots if each.controller == me(running)]
    station, found = running.station, []
    for each in ours:
        get = lambda cid: ask(house, running, f"/v1/contents/{cid}")  # noqa: E731
        domains = station.domain, station.controllers_domain
        head, listed = read_anchored(parse_cid(each.cid), get, *domains)
        assert head.root == each.root
        found += [(piece.channel, piece.index) for piece in listed]
    assert found == [(channel, 1), (channel, 2)]
    with pytest.raises(PeerRefused):
        ask(house, running, f"/v1/contents/{parse_cid(ours[0].cid)}x")


def test_t25_blocks_that_stop__let_nothing_be_issued_until_they_come_again(
    house: ControllerHouse, pairs: TradingPairs
) -> None:
    running = opened(house, "patient", stale_after_s=5)
    channel = pairs.open(me(running))
    pairs.join(channel)
    mine = lambda: running.station.chain.rpc("evm_mine")  # noqa: E731
    mine()
    pairs.settle(channel, 1, 100)

    def look() -> bool:
        mine()
        return pairs.has_all(channel, 1)()

    wait_until("credential", look, look_s=0.2)
    wait_until("blocks stop", lambda: desk_of(running, channel).blocks_stopped)
    pairs.settle(channel, 2, 200)
    refused = running.letters_refused
    pairs.ask_again(channel)
    wait_until("it is refused", lambda: running.letters_refused > refused)
    assert desk_of(running, channel).due is None
    assert pairs.indices(channel, Role.SELLER) == [1]
    pairs.chests[Role.SELLER].held.pop((channel, 1))
    pairs.settled[channel] = pairs.drafted[channel, 1]
    wait_until("what was issued before comes again", pairs.has_all(channel, 1))
    pairs.settled[channel] = pairs.drafted[channel, 2]

    def look_again() -> bool:
        mine()
        return pairs.has_all(channel, 1, 2)()

    wait_until("credential", look_again, look_s=0.2)
    wait_until("they go on", lambda: mine() and not desk_of(running, channel).blocks_stopped)


def test_t25_a_broker_that_is_away__leaves_what_was_issued_to_be_handed_over_later(
    house: ControllerHouse, pairs: TradingPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = opened(house, "unheard")
    channel = pairs.open(me(running))
    pairs.join(channel)
    pairs.settle(channel, 1, 100)
    wait_until("credential", pairs.has_all(channel, 1))

    def away(*_: object) -> None:
        raise BrokerAway("is away")

    with monkeypatch.context() as patched:
        patched.setattr(controlling.PartyAway, "after_s", 0.2)
        patched.setattr(running.hub, "send", away)
        pairs.settle(channel, 2, 200)
        wait_until("it is issued", lambda: desk_of(running, channel).issued.voucher.index == 2)
        assert pairs.indices(channel, Role.BUYER) == [1]
        assert desk_of(running, channel).phase is ControllerPhase.ISSUING
    wait_until("it is handed over", pairs.has_all(channel, 1, 2))
