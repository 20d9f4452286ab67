"""The address of a node may carry its user's key: errors show the rest of it."""

from __future__ import annotations

import socket

import pytest

from edgemark.ledger.evm.faults import ConnectionLost, NoChain
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.posting import shown_place


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://chain.example/v3/0123abcd", "https://chain.example"),
        ("https://user:word@chain.example:1/?key=0123abcd#x", "https://chain.example:1"),
        ("https://chain.example:port", "an address that cannot be read"),
        ("0123abcd", "://no host"),
    ],
)
def test_shown_place__of_an_address__keeps_protocol_host_and_port(url: str, shown: str) -> None:
    assert shown_place(url) == shown


@pytest.mark.parametrize("fault", [NoChain, ConnectionLost])
def test_a61_the_key_to_a_node__is_in_no_error(fault: type[Exception]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    chain = EvmChain(f"http://user:word@127.0.0.1:{port}/v3/0123abcd", attempts=1)
    with pytest.raises(fault) as caught:
        chain.connect() if fault is NoChain else chain.head()
    for hidden in ("0123abcd", "word"):
        assert hidden not in str(caught.value)
    assert f"127.0.0.1:{port}" in str(caught.value)
