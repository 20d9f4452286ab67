"""What a caller gives: bytes and text are sent as they are, and nothing else is guessed at."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from tests.offchain.ledger.fabric.client.scripted_gateway import ScriptedGateway, refuse

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.client.asking import Transmission
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.faults import ChaincodeRefused
from edgemark.ledger.fabric.wire.limits import (
    MAX_ARGUMENTS,
    MAX_ARGUMENTS_BYTES,
    MAX_TRANSIENT,
)

WRONG: list[Any] = [5, None, True, ["a"], 1.5]


@pytest.mark.parametrize("given", WRONG, ids=str)
def test_what_is_neither_bytes_nor_text__is_refused_before_anything_is_sent(
    gateway: ScriptedGateway, client: GatewayClient, given: Any
) -> None:
    for ask in (client.evaluate, client.endorse, client.submit):
        with pytest.raises(RefusedInput, match=r"argument is of another kind.* bytes or text"):
            ask("code", "put", given)
        with pytest.raises(RefusedInput, match="chaincode is of another kind"):
            ask(given, "put")
        with pytest.raises(RefusedInput, match="transient value pin is of another kind"):
            ask("code", "put", sent=Transmission({"pin": given}))
        with pytest.raises(RefusedInput, match="name is of another kind"):
            ask("code", "put", sent=Transmission({}, [given]))
    assert gateway.calls == []


def test_a_text_where_bytes_are_needed__is_refused(client: GatewayClient) -> None:
    given: Any = {"pin": "a text"}
    with pytest.raises(RefusedInput, match=r"had str; needed bytes.*encode"):
        client.evaluate("code", "put", sent=Transmission(given))


@pytest.mark.parametrize(
    ("arguments", "sent", "told"),
    [
        ([bytes(MAX_ARGUMENTS_BYTES)], {}, r"size of the arguments .* Send it in parts"),
        ([b""] * MAX_ARGUMENTS, {}, r"number of arguments .* Put several into one"),
        ([], dict.fromkeys(map(str, range(MAX_TRANSIENT + 1)), b""), "Put several into one"),
    ],
    ids=["long", "many", "transient-many"],
)
def test_more_than_a_call_takes__is_refused_with_what_to_do(
    gateway: ScriptedGateway,
    client: GatewayClient,
    arguments: list[bytes],
    sent: dict[str, bytes],
    told: str,
) -> None:
    with pytest.raises(RefusedInput, match=told):
        client.evaluate("code", "put", *arguments, sent=Transmission(sent))
    assert gateway.calls == []


def test_a_name_that_is_no_text__is_refused(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    for given in [*WRONG[:1], *WRONG[2:]]:
        with pytest.raises(RefusedInput, match="name of a submission is of another kind"):
            client.submit("code", "put", name=given)
    with pytest.raises(RefusedInput, match="name of a submission is wrong"):
        client.submit("code", "put", name="")
    assert gateway.calls == []


def test_bytes_of_every_kind__are_sent(client: GatewayClient) -> None:
    for given in (b"a", bytearray(b"a"), memoryview(b"a"), "a"):
        assert client.evaluate("code", "get", given) == b"answer"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("no such order", "mend the call"),
        ("the chaincode failed: AttributeError: 'Shelf' has no 'nosuch'", "log of its process"),
    ],
)
def test_a_chaincode_that_refused__is_named_with_what_to_do(
    gateway: ScriptedGateway, client: GatewayClient, words: str, remedy: str
) -> None:
    said = refuse(grpc.StatusCode.UNKNOWN, f"chaincode response 500, {words}")
    gateway.acts = {Asking.EVALUATE: [said], Asking.ENDORSE: [said, said]}
    for ask in (client.evaluate, client.endorse, client.submit):
        with pytest.raises(ChaincodeRefused, match=remedy) as told:
            ask("orders", "put")
        assert told.value.who == "chaincode orders"
