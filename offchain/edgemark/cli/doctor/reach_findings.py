"""What `edgemark doctor` finds about ports, a broker, and the endpoint that others use."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from functools import partial

from edgemark.cli.doctor.findings import Finding, look
from edgemark.cli.servers import find_serving, locate_journals
from edgemark.errors import RefusedInput
from edgemark.identity.records import Participant
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import MetricsSettings, ServerSettings
from edgemark.settings.settings import Settings
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.broker.settings import MOSQUITTO, BrokerSettings

LOOPBACK = "127.0.0.1"
ANSWER_S = 5.0
MOST_STATUS_BYTES = 64 * 1024


def is_of_a_server(settings: Settings) -> bool:
    """Whether this home serves, or is to: it has the journal of a server, or works for somebody."""
    journals = locate_journals(settings.home).values()
    return bool(settings.of(RegistrationSettings).provider) or any(p.exists() for p in journals)


def find_reach(settings: Settings, entry: Participant | None) -> Iterator[Finding]:
    """Ports of a server's settings, and whether its registered endpoint answers with its key.

    A Mosquitto is asked where the settings name one.

    Args:
        settings: of the server.
        entry: what is registered of its account, if that could be read.
    """
    server = settings.of(ServerSettings)
    serving = next(iter(find_serving(settings.home).values()), "")
    broker = settings.of(BrokerSettings)
    if broker.kind == MOSQUITTO:
        yield look("broker", True, lambda: _mosquitto(broker))
    own = 0 if broker.kind == MOSQUITTO else broker.listen_port
    for name, host, port in (
        ("listen port", server.listen_host, server.listen_port),
        ("broker port", broker.listen_host, own),
        ("metrics port", LOOPBACK, settings.of(MetricsSettings).port),
    ):
        if port:
            yield look(name, True, partial(_port, host, port, serving))
    if entry is not None and entry.role.is_server:
        yield look("endpoint", bool(serving), lambda: _endpoint(entry, serving))


def _mosquitto(broker: BrokerSettings) -> str:
    try:
        from edgemark.transport.own_broker import (  # noqa: PLC0415 - what speaks MQTT is an extra
            describe_mosquitto,
        )
    except ModuleNotFoundError as error:
        raise RefusedInput(
            "cannot be asked: a package is missing",
            who="Mosquitto",
            needed=error.name,
            remedy=f"Run `pip install {error.name}`.",
        ) from error
    return describe_mosquitto(broker)


def _port(host: str, port: int, serving: str) -> str:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if serving and error.errno == errno.EADDRINUSE:
                return f"{host}:{port}, in use; process {serving} serves from this home"
            raise RefusedInput(
                "cannot be used",
                who=f"{host}:{port}",
                had=error.strerror,
                remedy="Stop what uses it, or set another port.",
            ) from error
    return f"{host}:{port}, free"


def _endpoint(entry: Participant, serving: str) -> str:
    if not serving:
        return f"{entry.endpoint}, not asked: the server does not run"
    client = HttpClient(timeout_s=ANSWER_S)
    pin, most = entry.tls_key_hash, MOST_STATUS_BYTES
    client.request(entry.endpoint, pin, "GET", "/v1/status", b"", most_bytes=most)
    return f"{entry.endpoint}, answers with the registered key"
