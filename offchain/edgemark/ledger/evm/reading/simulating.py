"""What transactions would do, one after the other, on the chain as it is; nothing is sent.

By `eth_simulateV1` of the execution APIs, which Geth, Nethermind, Besu, Erigon, Reth and Anvil
have. A call sees what those before it changed; no signature, nonce or fee is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.evm.contract.interface import explain_revert
from edgemark.ledger.evm.faults import ContractRefused, NodeRefused
from edgemark.ledger.evm.reading.answers import (
    address_of,
    data_of,
    hash_of,
    list_of,
    malformed,
    object_of,
    quantity_of,
)
from edgemark.ledger.evm.reading.blocks import MOST_GAS, SUCCESS, RawLog
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Intent

LEAST_GAS = 21_000  # that any transaction uses
NOWHERE = Hash32(bytes(32))  # a simulated log stands in no block


class CannotSimulate(LedgerUnavailable):
    """The node does not simulate, or not so much."""


@dataclass(frozen=True)
class Simulated:
    """What a transaction would do.

    Attributes:
        gas_used: gas.
        logs: in order; their place on the chain is none.
    """

    gas_used: int
    logs: tuple[RawLog, ...]


def simulate(
    chain: EvmChain, sender: Address, batches: Sequence[Sequence[Intent]]
) -> list[list[Simulated]]:
    """What transactions of an account would do, each seeing what those before it did.

    Args:
        chain: as of its latest block.
        sender: the account.
        batches: in order; each is a block of its own, so that it has the gas of one.

    Raises:
        ContractRefused: one of them would revert; the first that does.
        CannotSimulate: the node knows no such request, or refuses this one.
        NodeAnswerMalformed: it answers with something else.
    """
    head = chain.block("latest")
    blocks = [
        {
            # said, because Anvil takes the beginning of time otherwise
            "blockOverrides": {"number": hex(head.number + at), "time": hex(head.timestamp + at)},
            "calls": [_request(intent, sender) for intent in batch],
        }
        for at, batch in enumerate(batches, start=1)
    ]
    try:
        answer = chain.rpc("eth_simulateV1", {"blockStateCalls": blocks}, "latest")
    except NodeRefused as refused:
        raise CannotSimulate(
            "does not simulate transactions",
            who=chain.place,
            had=refused.had,
            needed="eth_simulateV1",
            remedy="Ask another node.",
        ) from refused
    found = [_calls_of(each) for each in _as_many(answer, batches, "simulated blocks")]
    return [
        [
            _read(call, intent)
            for call, intent in zip(_as_many(calls, batch, "simulated calls"), batch, strict=True)
        ]
        for calls, batch in zip(found, batches, strict=True)
    ]


def _request(intent: Intent, sender: Address) -> dict[str, str]:
    request = {"from": sender, "value": hex(intent.value), "input": "0x" + intent.data.hex()}
    if intent.to is not None:
        request["to"] = intent.to
    return request if intent.gas is None else {**request, "gas": hex(intent.gas)}


def _as_many(answer: object, wanted: Sequence[object], what: str) -> list[Any]:
    found = list_of(answer, f"list of {what}")
    if len(found) != len(wanted):
        raise malformed(what, f"{len(found)} of them", f"{len(wanted)}")
    return found


def _calls_of(block: object) -> object:
    return object_of(block, "simulated block").get("calls")


def _read(answer: object, intent: Intent) -> Simulated:
    fields = object_of(answer, "simulated call")
    if quantity_of(fields.get("status"), "status of a call", most=SUCCESS) != SUCCESS:
        data = data_of(fields.get("returnData", "0x"), "result of a call")
        name, values = explain_revert(data, intent.contract.interface)
        raise ContractRefused(intent.contract.name, intent.function, name, values)
    gas = quantity_of(fields.get("gasUsed"), "gas", most=MOST_GAS)
    if gas < LEAST_GAS:
        raise malformed("gas of a transaction", gas, f">= {LEAST_GAS}")
    return Simulated(gas, tuple(map(_log_of, list_of(fields.get("logs"), "list of logs"))))


def _log_of(answer: object) -> RawLog:
    fields = object_of(answer, "log")
    topics = tuple(hash_of(topic, "topic") for topic in list_of(fields.get("topics"), "topics"))
    address = address_of(fields.get("address"), "address of a log")
    data = data_of(fields.get("data"), "data of a log")
    return RawLog(address, topics, data, 0, NOWHERE, NOWHERE, 0)
