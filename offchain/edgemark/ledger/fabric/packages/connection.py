"""Where a chaincode's process listens: `connection.json` of a package of type `ccaas`; pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from edgemark.errors import RefusedInput

WHO = "connection.json"
DIAL_TIMEOUT_S = 3.0  # Fabric's default
MAX_DIAL_TIMEOUT_S = 60.0
MAX_FILE_BYTES = 256 * 1024
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)"
_DURATION = re.compile(f"(?:{_PART})+")
_ADDRESS = re.compile(r"(?:[A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(\d{1,5})")


@dataclass(frozen=True)
class Connection:
    """How to reach a chaincode's process.

    Attributes:
        address: HOST:PORT.
        dial_timeout_s: seconds to wait for it.
        root_cert: PEM of the CA of its TLS certificate; empty for no TLS.
        client_cert: PEM that the ledger shows; empty for none.
        client_key: that belongs to it.
    """

    address: str
    dial_timeout_s: float = DIAL_TIMEOUT_S
    root_cert: bytes = b""
    client_cert: bytes = b""
    client_key: bytes = field(default=b"", repr=False)


def parse_connection(raw: bytes) -> Connection:
    """A connection from a package.

    Raises:
        RefusedInput: it is none, or misses what it says is required.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise _refused("too long", f"{len(raw)} bytes", f"<= {MAX_FILE_BYTES}")
    try:
        held = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _refused("no JSON", None, "an object") from error
    if not isinstance(held, dict):
        raise _refused("no JSON object", type(held).__name__, "an object")
    address = _text(held, "address")
    found = _ADDRESS.fullmatch(address)
    if found is None or not 1 <= int(found[1]) <= 65_535:
        raise _refused("address is wrong", address[:64], "HOST:PORT")
    tls, client = _flag(held, "tls_required"), _flag(held, "client_auth_required")
    root = _needed(held, "root_cert", tls)
    return Connection(
        address=address,
        dial_timeout_s=_dial_timeout(held),
        root_cert=root,
        client_cert=_needed(held, "client_cert", tls and client),
        client_key=_needed(held, "client_key", tls and client),
    )


def parse_duration(text: str) -> float:
    """Seconds of a duration as Go writes it: `10s`, `1m30s`, `500ms`.

    Raises:
        RefusedInput: it is none.
    """
    if len(text) > 64 or not _DURATION.fullmatch(text):
        raise _refused("dial_timeout is no duration", text[:64], "as in 10s")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))


def _dial_timeout(held: dict[str, object]) -> float:
    text = _text(held, "dial_timeout")
    seconds = parse_duration(text) if text and text != "0" else 0.0
    if seconds > MAX_DIAL_TIMEOUT_S:
        raise _refused("dial_timeout is too long", text[:64], f"<= {MAX_DIAL_TIMEOUT_S:.0f}s")
    return seconds or DIAL_TIMEOUT_S


def _needed(held: dict[str, object], name: str, is_needed: bool) -> bytes:
    if not is_needed:
        return b""
    text = _text(held, name)
    if not text:
        raise _refused(f"{name} is missing", None, "PEM, for TLS is required")
    return text.encode()


def _text(held: dict[str, object], name: str) -> str:
    value = held.get(name, "")
    if not isinstance(value, str):
        raise _refused(f"{name} is no text", type(value).__name__, "text")
    return value


def _flag(held: dict[str, object], name: str) -> bool:
    value = held.get(name, False)
    if not isinstance(value, bool):
        raise _refused(f"{name} is neither true nor false", type(value).__name__, "true or false")
    return value


def _refused(what: str, had: object, needed: object) -> RefusedInput:
    return RefusedInput(what, who=WHO, had=had, needed=needed)
