"""The broker of a party, as its settings have it: in its own process, or a Mosquitto beside it."""

from __future__ import annotations

from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.files import check_private, expand_home
from edgemark.identifiers import parse_hash32
from edgemark.logs import Secret
from edgemark.transport.broker.mosquitto import Mosquitto, MosquittoPlace
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.settings import EMBEDDED, BrokerSettings
from edgemark.transport.broker.tickets import OwnBroker
from edgemark.transport.tls import TlsKey

MAX_PASSWORD_BYTES = 1024


class PlaceInvalid(RefusedInput):
    """The settings do not say how a Mosquitto is reached."""


def make_broker(settings: BrokerSettings, tls: TlsKey) -> OwnBroker:
    """The broker that the settings name, which is not started yet.

    Args:
        settings: of the party.
        tls: key of an embedded one.

    Raises:
        PlaceInvalid: a Mosquitto is named, and not how to reach it.
        Unrecoverable: others can read the file with its password.
    """
    if settings.kind == EMBEDDED:
        return EmbeddedBroker(
            tls,
            host=settings.listen_host,
            port=settings.listen_port,
            advertise=settings.advertise,
            limits=settings.limits(),
        )
    return Mosquitto(read_place(settings), most_sessions=settings.most_sessions)


def read_place(settings: BrokerSettings) -> MosquittoPlace:
    """Where a Mosquitto is, and as whom it is told who may come in; raises as `make_broker`."""
    for name in ("mosquitto_pin", "mosquitto_admin_file"):
        if not getattr(settings, name):
            raise _refuse(name, "nothing", "with broker.kind = mosquitto")
    try:
        pin = parse_hash32(settings.mosquitto_pin)
    except RefusedInput as error:
        raise _refuse("mosquitto_pin", error.had, error.needed) from error
    password = _read_password(Path(settings.mosquitto_admin_file))
    place = settings.mosquitto_host, settings.mosquitto_port
    return MosquittoPlace(*place, pin, settings.mosquitto_admin, password)


def describe_mosquitto(settings: BrokerSettings) -> str:
    """What there is of the Mosquitto that the settings name: it is asked, and nothing changed.

    Raises:
        PlaceInvalid, Unrecoverable: as `make_broker`.
        BrokerAway, MosquittoRefused: it does not answer, or lets this administrator do nothing.
    """
    place = read_place(settings)
    sessions = Mosquitto.ask(place)
    who = f"Mosquitto at {place.host}:{place.port}"
    return f"{who}, obeys {place.admin}; sessions admitted now: {sessions}"


def _read_password(path: Path) -> Secret[str]:
    """The first line of a file that nobody else can read."""
    name = "mosquitto_admin_file"
    place = expand_home(path, who=f"broker.{name}")
    try:
        check_private(place, "Name a file that only this account can read.")
        with place.open("rb") as file:
            raw = file.read(MAX_PASSWORD_BYTES + 1)
        password = raw.partition(b"\n")[0].rstrip(b"\r").decode()
    except (OSError, UnicodeDecodeError) as error:
        kind = getattr(error, "strerror", None) or type(error).__name__
        raise _refuse(name, f"{place}: {kind}", "a file that can be read") from error
    if not password or len(raw) > MAX_PASSWORD_BYTES:
        raise _refuse(name, f"{place}: {len(raw)} bytes", "a password in its first line")
    return Secret(password)


def _refuse(name: str, had: object, needed: object) -> PlaceInvalid:
    return PlaceInvalid(
        "says not how the Mosquitto is reached",
        who=f"setting broker.{name}",
        had=had,
        needed=needed,
        remedy="docs/operating.md says what stands in which setting.",
    )
