"""The largest of everything goes the whole way; one more byte is refused typed, and costs nothing.

The whole way: client, Gateway, both organisations' chaincodes, journal, orderer, validation, and
the status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.served import ORG1, ORG2, development_ledger

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.client.asking import Transmission
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.faults import ChaincodeRefused
from edgemark.ledger.fabric.opening import open_ledger
from edgemark.ledger.fabric.settings import DEVELOPMENT, FOLDERS, LedgerSettings
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import (
    MAX_ARGUMENTS,
    MAX_ARGUMENTS_BYTES,
    MAX_EVENT_BYTES,
    MAX_KEYS_OF_TRANSACTION,
    MAX_TRANSIENT,
    MAX_TRANSIENT_BYTES,
    MAX_VALUE_BYTES,
)
from edgemark_chaincode.shim.interface import Chaincode, Response, success
from edgemark_chaincode.shim.stub import ChaincodeStub

NAME = "scales"
WAIT_S = 120.0
FUNCTION = b"weigh"
PIN, TOLD = "pin", "told"


class Scales(Chaincode):
    """Weighs what it is given, and makes what is asked for."""

    async def init(self, stub: ChaincodeStub) -> Response:
        return success(stub.get_tx_id())

    async def invoke(self, stub: ChaincodeStub) -> Response:
        name, *rest = stub.get_args()
        if name == FUNCTION:
            await stub.put_state("weighed", b"yes")
            secret = sum(map(len, stub.get_transient().values()))
            return success(f"{sum(map(len, rest))} {len(rest)} {secret}")
        size = int(rest[0])
        if name == b"value":
            await stub.put_state("value", bytes(size))
        elif name == b"event":
            await stub.put_state("told", b"yes")
            stub.set_event(TOLD, bytes(size - len(TOLD)))
        elif name == b"keys":
            for number in range(size):
                await stub.put_state(f"key-{number}", b"v")
        return success(b"done")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayClient]:
    home: Path = tmp_path_factory.mktemp("home")
    with development_ledger(home / FOLDERS[DEVELOPMENT]) as running:
        running.deploy(NAME, {ORG1: Scales(), ORG2: Scales()})
        with open_ledger(LedgerSettings(kind=DEVELOPMENT), home).client() as asking:
            yield asking


def goes_through(
    client: GatewayClient, *arguments: bytes, transient: Mapping[str, bytes] | None = None
) -> bytes:
    height, sent = client.height(), Transmission(transient or {})
    outcome = client.submit(NAME, *arguments, sent=sent, wait_s=WAIT_S)
    assert outcome.code is Code.VALID
    assert client.height() == height + 1
    return outcome.response


def test_arguments__as_many_and_as_long_as_may_be(client: GatewayClient) -> None:
    room = MAX_ARGUMENTS_BYTES - len(FUNCTION)
    assert goes_through(client, FUNCTION, bytes(room)) == b"%d 1 0" % room
    many = [b"a"] * (MAX_ARGUMENTS - 1)
    assert goes_through(client, FUNCTION, *many) == b"%d %d 0" % (len(many), len(many))
    height = client.height()
    for more in ([bytes(room + 1)], [*many, b"a"]):
        with pytest.raises(RefusedInput, match="arguments"):
            client.submit(NAME, FUNCTION, *more, wait_s=WAIT_S)
    assert client.height() == height


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (1024 * 1024, MAX_TRANSIENT),
        pytest.param(MAX_TRANSIENT_BYTES, 1, marks=pytest.mark.soak),
    ],
)
def test_transient_data__as_much_as_may_be(client: GatewayClient, size: int, count: int) -> None:
    names = [PIN] if count == 1 else [f"{number:03}" for number in range(count)]
    each = size // count - len(names[0])
    secret = dict.fromkeys(names, bytes(each))
    secret[names[0]] += bytes(size - sum(len(one) + len(two) for one, two in secret.items()))
    room = MAX_ARGUMENTS_BYTES - len(FUNCTION) if size == MAX_TRANSIENT_BYTES else 1
    told = sum(map(len, secret.values()))
    answer = goes_through(client, FUNCTION, bytes(room), transient=secret)
    assert answer == b"%d 1 %d" % (room, told)


def test_transient_data__of_one_byte_or_value_too_many__is_refused(client: GatewayClient) -> None:
    height = client.height()
    many = {f"{number:03}": b"" for number in range(MAX_TRANSIENT + 1)}
    for secret in ({PIN: bytes(MAX_TRANSIENT_BYTES - len(PIN) + 1)}, many):
        with pytest.raises(RefusedInput, match="transient"):
            client.submit(NAME, FUNCTION, sent=Transmission(secret), wait_s=WAIT_S)
    assert client.height() == height


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("value", MAX_VALUE_BYTES),
        ("event", MAX_EVENT_BYTES),
        pytest.param("keys", MAX_KEYS_OF_TRANSACTION - 1, marks=pytest.mark.soak),
    ],
)
def test_what_a_chaincode_writes__as_much_as_may_be(
    client: GatewayClient, what: str, most: int
) -> None:
    assert goes_through(client, what.encode(), str(most).encode()) == b"done"
    height = client.height()
    with pytest.raises(ChaincodeRefused):
        client.submit(NAME, what, str(most + 1), wait_s=WAIT_S)
    assert client.height() == height
