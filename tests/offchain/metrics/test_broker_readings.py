"""What a broker tells operators: figures with few labels, and whether it serves."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests.offchain.transport.broker.raw_session import (
    RawSession,
    a_broker,
    a_ticket,
    connect,
    publish,
)

from edgemark.metrics.broker import BrokerReadings
from edgemark.metrics.health import find_faults


def test_a_broker__tells_what_it_carried_and_refused() -> None:
    registry = CollectorRegistry()
    with a_broker() as broker:
        registry.register(BrokerReadings(broker))
        with RawSession(broker).log_in(a_ticket(broker)) as session, RawSession(broker) as other:
            other.send(connect("whoever", "wrong"))
            assert other.is_ended()
            session.send(publish("another's", b"x"))
            assert session.is_ended()
        page = generate_latest(registry).decode()
    assert 'edgemark_broker_refused_total{reason="password"} 1.0' in page
    assert 'edgemark_broker_refused_total{reason="foreign"} 1.0' in page
    assert "edgemark_broker_admitted 1.0" in page
    assert 'edgemark_broker_bytes_total{direction="in"}' in page
    assert "another's" not in page
    assert "whoever" not in page


def test_a_broker_that_serves__is_healthy_and_one_that_was_closed_is_not() -> None:
    with a_broker() as broker:
        readings = BrokerReadings(broker)
        assert find_faults({}, [readings], 0.0) == []
    assert find_faults({}, [readings], 0.0) == ["broker: does not serve"]
    with pytest.raises(Exception, match="Start it again"):
        readings.ask()
