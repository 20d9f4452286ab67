"""T25: a Mosquitto that dies by `kill -9` in the middle of sessions; nothing asked for is lost.

A broker of a controller's own dies with it: `test_controller_killed.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.mosquitto_process import ADMIN, PASSWORD, MosquittoProcess
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse, house
from tests.offchain.systems.trading.controller.controller_lives import (
    desk_of,
    evidence_of,
    me,
    opened,
    pairs,
)
from tests.offchain.systems.trading.controller.trading_pairs import TradingPairs
from tests.waiting import wait_until

from edgemark.identifiers import Hash32
from edgemark.identity.credentials.evidence import digest_of
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.transport.broker.settings import MOSQUITTO, BrokerSettings
from edgemark.transport.ports import hold_ports

__all__ = ["house", "pairs"]

pytestmark = [pytest.mark.chain, pytest.mark.processes, pytest.mark.lasts(8)]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[MosquittoProcess]:
    with hold_ports(1) as ports:
        process = MosquittoProcess(tmp_path, ports.numbers[0])
        process.start()
        try:
            yield process
        finally:
            process.kill()


def settings_of(mosquitto: MosquittoProcess, folder: Path) -> BrokerSettings:
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    return BrokerSettings(
        kind=MOSQUITTO,
        mosquitto_port=mosquitto.port,
        mosquitto_pin=mosquitto.place.pin.hex(),
        mosquitto_admin=ADMIN,
        mosquitto_admin_file=str(password),
    )


def are_out(pairs: TradingPairs, channel: ChannelId) -> bool:
    return not any(post.is_there(channel) for post in pairs.posts.values())


def digest(pairs: TradingPairs, channel: ChannelId, index: int) -> Hash32:
    return digest_of(pairs.credential(channel, index).content.decode())


def test_t25_a_mosquitto_that_is_killed__loses_nothing_that_was_asked_for(
    house: ControllerHouse, pairs: TradingPairs, mosquitto: MosquittoProcess, tmp_path: Path
) -> None:
    running = opened(house, "beside", settings_of(mosquitto, tmp_path))
    channel = pairs.open(me(running), cycles=1)
    pairs.join(channel)
    pairs.settle(channel, 1, 100)
    wait_until("credential", pairs.has_all(channel, 1))
    first = pairs.credential(channel, 1)

    mosquitto.kill()
    wait_until("everybody is out", lambda: are_out(pairs, channel))
    pairs.settle(channel, 2, 200)  # nobody carries it
    assert desk_of(running, channel).issued.voucher.index == 1
    mosquitto.start()
    wait_until("what was asked for meanwhile", pairs.has_all(channel, 1, 2))

    pairs.settle(channel, 3, 300)
    mosquitto.kill()  # with the question, or its answer, under way
    mosquitto.start()
    wait_until("what was under way", pairs.has_all(channel, 1, 2, 3))

    assert pairs.credential(channel, 1) == first
    digests = {index: digest(pairs, channel, index) for index in (1, 2, 3)}
    recorded = {each.index: each.credential_hash for each in evidence_of(running, channel)}
    assert len(evidence_of(running, channel)) == len(recorded), "evidence of an index comes once"
    assert recorded.items() <= digests.items()
