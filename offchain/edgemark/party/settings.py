"""[party], [server], [metrics]: paces of a party, and where it can be reached."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identity.settings import AccountSettings
from edgemark.logs import LogSettings
from edgemark.settings.section import Section, setting


@dataclass(frozen=True)
class PartySettings(Section):
    """Paces of every party.

    Attributes:
        poll_s: seconds between looks at the chain.
        request_timeout_s: seconds for one request to a peer, all told.
        workers: effects at a time that ask nobody; twice as many of each kind that ask peers.
    """

    NAME = "party"

    poll_s: float = setting(1.0, within=(0.01, 3600), flat="poll_s")
    request_timeout_s: float = setting(10.0, within=(0.1, 600), flat="request_timeout_s")
    workers: int = setting(8, within=(1, 64), flat="workers")


@dataclass(frozen=True)
class ServerSettings(Section):
    """The HTTPS face of a party that has one.

    Attributes:
        listen_host: address of this machine where a server listens.
        listen_port: where it listens there; others know it by the registry, so it has to be set.
        max_requests_per_s: requests a second that a server takes, of all strangers.
        max_requests_per_s_of_peer: requests a second that it takes of one address, or of one party
            of an open matter.
    """

    NAME = "server"

    listen_host: str = setting("127.0.0.1", flat="listen_host")
    listen_port: int = setting(0, within=(0, 65_535), flat="listen_port")
    max_requests_per_s: float = setting(400.0, within=(1, 100_000), flat="max_requests_per_s")
    max_requests_per_s_of_peer: float = setting(
        200.0, within=(1, 100_000), flat="max_requests_per_s_of_peer"
    )


@dataclass(frozen=True)
class MetricsSettings(Section):
    """The page for operators.

    Attributes:
        port: where a server shows /metrics and /healthz, to this machine only; 0: nowhere.
    """

    NAME = "metrics"

    port: int = setting(0, within=(0, 65_535), flat="metrics_port")


SECTIONS: tuple[type[Section], ...] = (  # of a party without a chain
    AccountSettings,
    PartySettings,
    ServerSettings,
    MetricsSettings,
    LogSettings,
)
