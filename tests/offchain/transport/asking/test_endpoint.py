"""Endpoints are written on chain by strangers: only plain ones pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import RefusedInput
from edgemark.transport.asking.endpoint import Endpoint, parse_endpoint


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://node.example:8443", "node.example", 8443),
        ("https://node.example", "node.example", 443),
        ("https://127.0.0.1:1", "127.0.0.1", 1),
        ("https://[::1]:9", "::1", 9),
        ("https://node.example:8443/", "node.example", 8443),
    ],
)
def test_parse_endpoint__of_a_plain_url__gives_host_and_port(
    text: str, host: str, port: int
) -> None:
    assert parse_endpoint(text) == Endpoint(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "node.example:8443",
        "http://node.example",
        "https://",
        "https://:443",
        "https://node.example:0",
        "https://node.example:65536",
        "https://node.example:port",
        "https://node.example/v1",
        "https://node.example?x",
        "https://node.example#x",
        "https://user@node.example",
        "https://user:word@node.example",
        "https://@node.example",
        "https://node example",
        "https://node\nexample",
        "https://nöde.example",
        "https://-node.example",
        "https://node..example",
        "https://[::1%25eth0]:9",
        "https://[::1",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 120 + "a",
        "file:///etc/passwd",
    ],
)
def test_parse_endpoint__of_anything_else__is_refused(text: str) -> None:
    with pytest.raises(RefusedInput):
        parse_endpoint(text)


@given(st.text(max_size=250))
def test_parse_endpoint__of_any_text__parses_or_is_refused(text: str) -> None:
    try:
        found = parse_endpoint(text)
    except RefusedInput:
        return
    assert parse_endpoint(str(found)) == found


@given(st.text(max_size=80))
def test_parse_endpoint__of_any_host__never_reaches_a_resolver_that_fails_on_it(host: str) -> None:
    try:
        found = parse_endpoint(f"https://{host}:1")
    except RefusedInput:
        return
    found.host.encode("idna" if ":" not in found.host else "ascii")
