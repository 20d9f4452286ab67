"""Where a server listens: an https URL without path.

Endpoints come from the chain, where strangers write them, so only plain host names and addresses
pass: what a resolver or a URL library would do with anything else is not ours to find out.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from edgemark.errors import RefusedInput

HTTPS_PORT = 443
MAX_ENDPOINT_CHARS = 200  # what the registry takes
MAX_HOST_CHARS = 253  # RFC 1035 2.3.4
LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", re.ASCII)  # RFC 1123 2.1


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens.

    Args:
        host: name, IPv4 or IPv6 address.
        port: 1 .. 65535.
    """

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Parse an https URL without path.

    Raises:
        RefusedInput: another scheme, a path, a user, no host of plain letters, or no valid port.
    """
    try:
        parts = urlsplit(text)
        port = HTTPS_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise _refused(text) from error
    extra = parts.path.rstrip("/") or parts.query or parts.fragment or "@" in parts.netloc
    is_plain = len(text) <= MAX_ENDPOINT_CHARS and text.isascii() and text.isprintable()
    if not is_plain or extra or parts.scheme != "https" or not port:
        raise _refused(text)
    if not _is_host(parts.hostname or ""):
        raise _refused(text)
    return Endpoint(parts.hostname or "", port)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        return len(host) <= MAX_HOST_CHARS and all(map(LABEL.fullmatch, labels))
    return "%" not in host  # a zone means something on one machine only


def _refused(text: str) -> RefusedInput:
    return RefusedInput(
        "is no endpoint", who="endpoint", had=repr(text[:100]), needed="https://host:port"
    )
