"""P14: transactions a second on a consortium ledger (table I), by chaincode, size and callers.

A transaction is endorsed by two organisations, each in a process of its own, ordered, validated,
kept, and its status told; every caller waits for it before it makes the next. The peer is the
chaincode that does nothing but keep a value, on the same ledger: whatever ours costs beyond that is
its own work, for evidence three recoveries of signatures in each of both processes. Beside it stand
the same on other people's shims, and, where Fabric's programs are there (`FABRIC_BIN`), on a
network of Fabric with one orderer.

All of it shares this machine: callers, ledger, chaincodes. The load goes on through failures, and
tells conflicts apart from them. The journal of a caller is written before it submits, as always.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import Scale, main
from benchmarks.findings import Findings
from benchmarks.ledger_ground import LedgerGround, ledger_ground
from benchmarks.ledger_life import (
    measure_revert,
    measure_starts,
    size_on_disk,
    take_snapshot,
    tell_sizes,
)
from benchmarks.ledger_load import Call, Load, put_load
from benchmarks.measuring import Timing
from edgemark.identifiers import NO_TIME
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.demo.consortium.trade import SignedTrade, piece_of
from edgemark.systems.trading.station.ledgers.consortium import call_of

AT_ONCE = (1, 8, 32, 128)
SIZES = (32, 1024, 8192, 32768)
MANY = 32  # callers, where the size is what changes
IDLE, EVIDENCE, NPM, PYPI = "keeps a value", "evidence", "keeps a value, npm's shim", "PyPI's shim"
NAMES = {IDLE: "idle", EVIDENCE: "trading", NPM: "onnpm", PYPI: "onpypi"}
ORGANISATIONS = ("Org1MSP", "Org2MSP")
CALLS_EACH, LEAST_CALLS, MOST_CALLS = 8, 40, 512  # of one sample: for each caller; bounds
QUICK_CALLS = 16
MOST_ROUNDS = 3
TARGET, TARGET_PER_S = "250 a second", 250.0


class Ground:
    """Chaincodes on one ledger, and calls of them that were never made before."""

    def __init__(self, ledger: LedgerGround, series: Sequence[str]) -> None:
        self.ledger = ledger
        self.trade = SignedTrade.begin(int(time.time()))
        self.made = 0
        self.series = series
        ledger.deploy(NAMES[IDLE], "--run", "benchmarks.idle_chaincode:Idle")
        if EVIDENCE in series:
            ledger.deploy(NAMES[EVIDENCE])
        for name, kind in ((NPM, "npm"), (PYPI, "PyPI")):
            if name in series:
                ledger.deploy_of_others(NAMES[name], kind)

    async def begin(self) -> None:
        """Agree to whose settlements the registry takes, as each organisation."""
        said = Parameters((self.trade.domains,), ORGANISATIONS, NO_TIME)
        text = requests.tell(Parameters, said).decode()
        for msp_id in ORGANISATIONS:
            async with self.ledger.access("Admin", msp_id).async_client() as admin:
                await admin.submit(NAMES[EVIDENCE], requests.INIT, text)

    def draft(self, client: AsyncGatewayClient, series: str, size: int, count: int) -> Call:
        """So many calls, made beforehand: their own work is the caller's and no figure of ours."""
        drafted = []
        for _ in range(count):
            self.made += 1
            if series == EVIDENCE:
                drafted.append(call_of(self.trade.domains, [piece_of(self.trade.settle())]))
            else:
                drafted.append(("put", f"key-{self.made}", "x" * size))

        async def call(number: int) -> object:
            return await client.submit(NAMES[series], *drafted[number])

        return call

    async def sample(self, series: str, size: int, at_once: int, count: int) -> Load:
        """One load."""
        async with self.ledger.access().async_client() as client:
            return await put_load(self.draft(client, series, size, count), count, at_once)


def measure(findings: Findings, scale: Scale) -> None:
    """On each ledger: chaincodes by callers, then by size."""
    series = (IDLE, EVIDENCE, NPM) if scale.quick else (IDLE, EVIDENCE, NPM, PYPI)
    kinds = [DEVELOPMENT, *([FABRIC] if os.environ.get("FABRIC_BIN") else [])]
    with tempfile.TemporaryDirectory(prefix="chaincodes-") as folder:
        for kind in kinds:
            with ledger_ground(kind, Path(folder) / kind) as ledger:
                ground = Ground(ledger, series if kind == DEVELOPMENT else (IDLE, EVIDENCE))
                asyncio.run(ground.begin())
                if kind == DEVELOPMENT:
                    measure_development(findings, scale, ground)
                else:
                    measure_ledger(findings, scale, ground)
    if FABRIC in kinds:
        for at_once in (8,) if scale.quick else AT_ONCE:
            what = f"{at_once} at once"
            findings.compare(what, at_once, _name(DEVELOPMENT, IDLE), _name(FABRIC, IDLE), ">= 1")


def measure_development(findings: Findings, scale: Scale, ground: Ground) -> None:
    """All points of the development ledger, and what it costs beside its calls."""
    measure_starts(findings, scale, DEVELOPMENT)
    number, before, made = take_snapshot(ground.ledger), size_on_disk(ground.ledger), ground.made
    measure_ledger(findings, scale, ground)
    made = ground.made - made
    tell_sizes(findings, ground.ledger, before, made)
    measure_revert(findings, ground.ledger, number, made)


def measure_ledger(findings: Findings, scale: Scale, ground: Ground) -> None:
    """All points of one ledger."""
    kind = ground.ledger.kind
    for at_once in (8,) if scale.quick else AT_ONCE:
        loads = take_turns(findings, scale, ground, 32, at_once)
        for series, best in loads.items():
            findings.notes.append(f"{kind}, {series}, {at_once} at once: {best.tell()}")
        ours, peer = _name(kind, EVIDENCE), _name(kind, IDLE)
        findings.compare(f"{at_once} at once", at_once, ours, peer, ">= 0.85")
        if at_once == MANY and kind == DEVELOPMENT:
            seconds = 1 / TARGET_PER_S
            findings.add(at_once, {TARGET: Timing(seconds, seconds, seconds, 0)})
            findings.compare(f"{at_once} at once", at_once, peer, TARGET, ">= 1")
    for size in () if scale.quick else SIZES[1:]:
        load = sample_many(scale, ground, IDLE, size, MANY)[-1]
        findings.notes.append(f"{kind}, {IDLE}, {MANY} at once, {size} bytes: {load.tell()}")


def take_turns(
    findings: Findings, scale: Scale, ground: Ground, size: int, at_once: int
) -> dict[str, Load]:
    """One point of each chaincode; the last load of each."""
    timings, last = dict[str, Timing](), dict[str, Load]()
    for series in ground.series:
        if series == PYPI and at_once > 1:
            continue  # it loses replies then: each costs its caller the chaincode's whole time
        loads = sample_many(scale, ground, series, size, at_once)
        samples = [1 / load.rate for load in loads if load.rate]
        last[series] = loads[-1]
        if len(samples) > 1:
            timings[_name(ground.ledger.kind, series)] = Timing.from_samples(samples)
    findings.add(at_once, timings)
    return last


def sample_many(scale: Scale, ground: Ground, series: str, size: int, at_once: int) -> list[Load]:
    """Loads one after the other, behind one that only warms up."""
    scale.tell(f"{ground.ledger.kind}: {series}, {at_once} at once, {size} bytes")
    rounds = min(scale.rounds, MOST_ROUNDS)
    count = min(MOST_CALLS, max(LEAST_CALLS, CALLS_EACH * at_once))
    asked = (series, size, at_once, QUICK_CALLS if scale.quick else count)
    return [asyncio.run(ground.sample(*asked)) for _ in range(rounds + 1)][1:]


def _name(kind: str, series: str) -> str:
    return f"{kind}: {series}"


if __name__ == "__main__":
    sys.exit(main("p14_chaincodes", "one transaction on a consortium ledger", "at once", measure))
