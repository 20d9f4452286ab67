"""What everybody spent: seconds and bytes, and what the same costs locally."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from edgemark.demo.actor import Actor
from edgemark.ledger.evm.reading.answers import list_of, object_of
from edgemark.ledger.evm.reading.blocks import call_from_json
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.receipt import Receipt
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.demo.examples import ROWS, Example
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.station.station import OutsourcingStation

MAX_STATUS_BYTES = 64 * 1024


def note_device_costs(receipt: Receipt, device: Device, example: Example, jobs: int) -> None:
    """Put what the device's own part of `jobs` jobs of `ROWS` rows cost on the receipt."""
    station = device.station
    given = station.functions.bytes_given
    sent, received = station.client.bytes_out, station.client.bytes_in
    receipt.seconds |= {
        "device, one batch: sharing": device.seconds["share"] / jobs,
        "device, one batch: decoding and checking": device.seconds["decode"] / jobs,
    }
    receipt.evidence |= {
        "device: bytes for one batch, function left out": (sent + received - given) // jobs,
        "device: bytes sent, all jobs": sent,
        "device: of these the function, once a server": given,
        "device: bytes received, all jobs": received,
        "bytes of one batch of inputs": len(example.encode(example.rows[:ROWS])),
    }


def note_costs(
    receipt: Receipt, stage: OutsourcingStage, station: OutsourcingStation, example: Example
) -> None:
    """Put seconds and bytes of nodes, judges and chain on the receipt, and the same done locally.

    Args:
        receipt: where they are noted.
        stage: nodes and judges.
        station: the device's.
        example: evaluated locally, over the field and in floating point.
    """
    nodes = [ask_status(station, actor) for actor in stage.nodes]
    judges = [ask_status(station, actor) for actor in stage.judges]
    rows = example.rows[:ROWS]
    packed = example.encode(rows)
    receipt.seconds |= {
        "nodes, computing, all jobs": sum(float(n["compute_seconds"]) for n in nodes),
        "judges, re-executing, all jobs": sum(float(j["compute_seconds"]) for j in judges),
        "locally, one batch, F over the field": _time(example.compiled.function.evaluate, packed),
        "locally, one batch, floating point": _time(example.compute_scores, rows),
    }
    receipt.evidence |= {
        "bytes of the function": example.compiled.function.header.total_bytes,
        "nodes: bytes in and out": _bytes_of(nodes),
        "judges: bytes in and out": _bytes_of(judges),
        "chain: bytes of call data, set-up included": count_chain_bytes(
            station.chain, stage.deployment.block
        ),
        "chain: gas of device, nodes and judges": station.lane.gas_used
        + sum(int(party["chain_gas"]) for party in (*nodes, *judges)),
    }


def _time(work: Callable[[Any], object], argument: object) -> float:
    began = time.perf_counter()
    work(argument)
    return time.perf_counter() - began


def _bytes_of(parties: list[dict[str, Any]]) -> int:
    return sum(int(party["bytes_in"]) + int(party["bytes_out"]) for party in parties)


def ask_status(station: OutsourcingStation, actor: Actor) -> dict[str, Any]:
    """What a server tells about itself."""
    raw = station.ask(actor.account, "/v1/status", b"", most=MAX_STATUS_BYTES, method="GET")
    status: dict[str, Any] = json.loads(raw)
    return status


def count_chain_bytes(chain: EvmChain, first: int) -> int:
    """Call data of every transaction since block `first`, set-up included."""
    total = 0
    for number in range(first, chain.head() + 1):
        block = object_of(chain.rpc("eth_getBlockByNumber", hex(number), True), "block")
        sent = list_of(block.get("transactions"), "list of transactions")
        total += sum(len(call_from_json(each).data) for each in sent)
    return total
