"""[broker]: the broker of a party that has one of its own, as who opens channels between others."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.settings.section import Section, setting
from edgemark.transport.limits import BrokerLimits


@dataclass(frozen=True)
class BrokerSettings(Section):
    """The MQTT face of a party that has one.

    Attributes:
        listen_host: address of this machine where its broker listens.
        listen_port: where it listens there.
        advertise: name or address under which others reach it; empty for `broker.listen_host`.
        most_sessions: sessions at a time.
        max_packets_per_s: packets a second of one session; who sends more is read more slowly.
    """

    NAME = "broker"

    listen_host: str = setting("127.0.0.1")
    listen_port: int = setting(0, within=(0, 65_535))
    advertise: str = setting("")
    most_sessions: int = setting(192, within=(1, 4096))
    max_packets_per_s: float = setting(2000.0, within=(1, 100_000))

    def limits(self) -> BrokerLimits:
        """As many sockets more as strangers may have."""
        return BrokerLimits.of(self.most_sessions, self.max_packets_per_s)
