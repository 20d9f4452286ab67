"""[broker]: the broker of a party that has one of its own, as who opens channels between others."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.settings.section import Section, setting
from edgemark.transport.limits import BrokerLimits

EMBEDDED, MOSQUITTO = "embedded", "mosquitto"


@dataclass(frozen=True)
class BrokerSettings(Section):
    """The MQTT face of a party that has one.

    Attributes:
        kind: embedded, a broker in its own process; or mosquitto, one beside it.
        listen_host: address of this machine where its broker listens.
        listen_port: where it listens there.
        advertise: name or address under which others reach it; empty for `broker.listen_host`.
        most_sessions: sessions at a time.
        max_packets_per_s: packets a second of one session; who sends more is read more slowly.
        mosquitto_host: name or address of a Mosquitto, as others dial it, too.
        mosquitto_port: where it listens there.
        mosquitto_pin: SHA-256 of its public key, 64 hexadecimal digits.
        mosquitto_admin: administrator of its dynamic-security plug-in.
        mosquitto_admin_file: the first line of this file is that one's password.
    """

    NAME = "broker"

    kind: str = setting(EMBEDDED, choices=(EMBEDDED, MOSQUITTO))
    listen_host: str = setting("127.0.0.1")
    listen_port: int = setting(0, within=(0, 65_535))
    advertise: str = setting("")
    most_sessions: int = setting(192, within=(1, 4096))
    max_packets_per_s: float = setting(2000.0, within=(1, 100_000))

    mosquitto_host: str = setting("127.0.0.1")
    mosquitto_port: int = setting(8883, within=(1, 65_535))
    mosquitto_pin: str = setting("")
    mosquitto_admin: str = setting("admin")
    mosquitto_admin_file: str = setting("")

    def limits(self) -> BrokerLimits:
        """As many sockets more as strangers may have."""
        return BrokerLimits.of(self.most_sessions, self.max_packets_per_s)
