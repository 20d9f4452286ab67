"""What everybody spent: seconds and bytes, and what the same costs locally."""

from __future__ import annotations

from edgemark.demo.evm.costs import (
    ask_status,
    count_chain_bytes,
    measure_seconds,
    sum_bytes,
    sum_gas,
)
from edgemark.receipt import Receipt
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.demo.examples import ROWS, Example
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.station.station import OutsourcingStation


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
        "locally, one batch, F over the field": measure_seconds(
            example.compiled.function.evaluate, packed
        ),
        "locally, one batch, floating point": measure_seconds(example.compute_scores, rows),
    }
    receipt.evidence |= {
        "bytes of the function": example.compiled.function.header.total_bytes,
        "nodes: bytes in and out": sum_bytes(nodes),
        "judges: bytes in and out": sum_bytes(judges),
        "chain: bytes of call data, set-up included": count_chain_bytes(
            station.chain, stage.deployment.block
        ),
        "chain: gas of device, nodes and judges": station.lane.gas_used
        + sum_gas((*nodes, *judges)),
    }
