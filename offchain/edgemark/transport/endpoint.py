"""Where a server listens: an https URL without path."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from edgemark.errors import RefusedInput

HTTPS_PORT = 443


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens."""

    host: str
    port: int


def parse_endpoint(text: str) -> Endpoint:
    """Parse an https URL without path.

    Raises:
        RefusedInput: another scheme, a path, a user, or no valid port.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or HTTPS_PORT
    except ValueError as error:
        raise RefusedInput("is no endpoint", who="endpoint", had=repr(text)[:100]) from error
    extra = parts.path.rstrip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme != "https" or not parts.hostname or extra:
        raise RefusedInput(
            "is no endpoint", who="endpoint", had=repr(text)[:100], needed="https://host:port"
        )
    return Endpoint(parts.hostname, port)
