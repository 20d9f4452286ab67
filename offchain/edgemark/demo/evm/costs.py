"""What the servers on a stage spent, and what a chain was given to carry."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from edgemark.demo.actor import Actor
from edgemark.ledger.evm.reading.answers import list_of, object_of
from edgemark.ledger.evm.reading.blocks import call_from_json
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.evm.station import EvmStation

MAX_STATUS_BYTES = 64 * 1024
Argument = TypeVar("Argument")
Status = Mapping[str, Any]


def ask_status(station: EvmStation, actor: Actor) -> Status:
    """What a server tells about itself."""
    raw = station.ask(actor.account, "/v1/status", b"", most=MAX_STATUS_BYTES, method="GET")
    status: dict[str, Any] = json.loads(raw)
    return status


def sum_bytes(statuses: Iterable[Status]) -> int:
    """Bytes in and out of these servers."""
    return sum(int(status["bytes_in"]) + int(status["bytes_out"]) for status in statuses)


def sum_gas(statuses: Iterable[Status]) -> int:
    """Gas that these servers paid for."""
    return sum(int(status["chain_gas"]) for status in statuses)


def measure_seconds(work: Callable[[Argument], object], argument: Argument) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    work(argument)
    return time.perf_counter() - began


def count_chain_bytes(chain: EvmChain, first: int) -> int:
    """Call data of every transaction since block `first`, set-up included."""
    total = 0
    for number in range(first, chain.head() + 1):
        block = object_of(chain.rpc("eth_getBlockByNumber", hex(number), True), "block")
        sent = list_of(block.get("transactions"), "list of transactions")
        total += sum(len(call_from_json(each).data) for each in sent)
    return total
