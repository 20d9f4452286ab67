"""The demonstration: three jobs on real images, one dishonest node in each, and the receipt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from edgemark.crypto.fixed_point import CompiledPolynomial
from edgemark.identifiers import Address, JobId, ShareIndex, Tokens
from edgemark.ledger.launching import DEFAULT_KIND
from edgemark.receipt import TOKEN_UNIT, PartyBalance, Receipt
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.client import Device, Until
from edgemark.systems.outsourcing.demo.classifier import DEGREE, DIGITS, Classifier, train
from edgemark.systems.outsourcing.demo.costs import ask_status, note_costs
from edgemark.systems.outsourcing.demo.dishonest import Deed, write_plan
from edgemark.systems.outsourcing.demo.ledger_check import (
    Holdings,
    compute_changes,
    read_holdings,
)
from edgemark.systems.outsourcing.demo.stage import Stage
from edgemark.systems.outsourcing.drafting import Wish
from edgemark.systems.outsourcing.joining import join_as_device, provide_balance
from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.station import Station

BATCH = 20  # images in a job
JOB_LIMIT_S = 180.0
LEAST_ACCURACY = 0.98  # what the classifier is said to reach
WISH = Wish(
    threshold=1,
    errors=1,
    fee=Tokens(10 * TOKEN_UNIT),
    judge_fee=Tokens(4 * TOKEN_UNIT),
    accept_s=10,
    compute_s=5,
    collect_s=10,
)
PLANS = (
    (ShareIndex(3), Deed.LIE, "lies: wrong c, matching b"),
    (ShareIndex(5), Deed.MUTE, "commits and serves nothing"),
    (ShareIndex(2), Deed.OTHER_TASK, "signs for another task"),
)


@dataclass(frozen=True)
class Played:
    """One job that was played to its end."""

    job: JobId
    planted: ShareIndex
    deed: Deed
    state: DeviceJob


def tell(
    folder: Path,
    console: Console,
    *,
    chain_url: str | None = None,
    chain_kind: str = DEFAULT_KIND,
) -> Receipt:
    """Play the whole story and return the receipt.

    Args:
        folder: keys, journals and logs of all parties.
        console: where progress goes.
        chain_url: a running development node; an own chain when None.
        chain_kind: of the own chain, "anvil" or "hardhat".
    """
    receipt = Receipt("outsourcing")
    dishonest = frozenset(int(index) for index, _, _ in PLANS)
    with Stage(folder, dishonest, chain_url, chain_kind=chain_kind) as stage:
        with step(console, receipt, "chain, contracts, providers"):
            stage.set()
            for actor in (*stage.nodes, *stage.judges):
                stage.start(actor)
        with step(console, receipt, "training the classifier"):
            classifier = train()
            compiled = classifier.compile()
        device = Device(Station.open(stage.device_settings()))
        device.start()
        try:
            with step(console, receipt, "device registers and deposits"):
                enter(device)
            with step(console, receipt, "six nodes and four judges register"):
                stage.wait_registered((*stage.nodes, *stage.judges))
            play(stage, device, classifier, compiled, receipt, console)
        finally:
            device.stop()
    return receipt


def enter(device: Device) -> None:
    """Register the device and deposit the fees and bonds of all jobs."""
    join_as_device(device.station)
    provide_balance(device.station, len(PLANS) * WISH.compute_costs(DEGREE))


@contextmanager
def step(console: Console, receipt: Receipt, name: str) -> Iterator[None]:
    """Show a part of the story while it runs, and note its seconds."""
    began = time.perf_counter()
    with console.status(f"{name} ..."):
        yield
    receipt.seconds[name] = time.perf_counter() - began
    console.print(f"[green]done[/] {name} ({receipt.seconds[name]:.1f} s)")


def play(
    stage: Stage,
    device: Device,
    classifier: Classifier,
    compiled: CompiledPolynomial,
    receipt: Receipt,
    console: Console,
) -> None:
    """Three jobs at once, then every check."""
    station = device.station
    names = name_parties(stage, station.address)
    before = read_holdings(station.chain, stage.deployment, names)
    with step(console, receipt, "three jobs, a dishonest node in each"):
        played = play_jobs(stage, device, classifier, compiled)
    after = read_holdings(station.chain, stage.deployment, names)
    check_results(receipt, played, classifier, compiled)
    check_blame(receipt, played, device)
    check_judges(receipt, stage, station, played)
    check_tokens(receipt, played, names, before, after, station.address, stage)
    note_costs(receipt, stage, device, classifier, compiled, len(PLANS), BATCH)


def play_jobs(
    stage: Stage, device: Device, classifier: Classifier, compiled: CompiledPolynomial
) -> list[Played]:
    """Submit one job for each plan, then wait until every token of all of them is paid out."""
    nodes = [actor.account for actor in stage.nodes]
    jobs: list[tuple[JobId, ShareIndex, Deed]] = []
    for number, (index, deed, _) in enumerate(PLANS):
        images = classifier.images[number * BATCH : (number + 1) * BATCH]
        batch = b"".join(compiled.plan.encode_input([float(p) for p in image]) for image in images)
        job = device.submit(compiled.polynomial, batch, nodes, WISH)
        write_plan(stage.nodes[index - 1].home, {job: deed})
        jobs.append((job, index, deed))
    return [
        Played(job, index, deed, device.wait(job, JOB_LIMIT_S, Until.CLOSED))
        for job, index, deed in jobs
    ]


def name_parties(stage: Stage, device: Address) -> dict[Address, tuple[str, str]]:
    """Name and role of every account that holds tokens."""
    names = {device: ("device", "payer")}
    for actor in stage.nodes:
        names[actor.account] = (actor.name, "compute node")
    for actor in stage.judges:
        names[actor.account] = (actor.name, "judge")
    names[stage.pool] = ("pool", "incentives pool")
    names[stage.operator] = ("operator", "holds the supply")
    return names


def check_results(
    receipt: Receipt, played: list[Played], classifier: Classifier, compiled: CompiledPolynomial
) -> None:
    """Every prediction equals the plain classifier's on the same machine."""
    right = total = 0
    for number, job in enumerate(played):
        begin = number * BATCH
        expected = classifier.predict(classifier.images[begin : begin + BATCH])
        seen = [] if job.state.result is None else predict(compiled, job.state.result)
        receipt.compare(f"job {number + 1}: digits equal the plain classifier's", seen, expected)
        labels = [int(label) for label in classifier.labels[begin : begin + BATCH]]
        right += sum(a == b for a, b in zip(seen, labels, strict=False))
        total += len(labels)
    accuracy = classifier.accuracy()
    receipt.require(
        "plain classifier on held-out images",
        accuracy >= LEAST_ACCURACY,
        f"{accuracy:.2%}",
        ">= 98%",
    )
    receipt.evidence["recognised"] = f"{right} of {total} private images"


def predict(compiled: CompiledPolynomial, packed: bytes) -> list[int]:
    """The largest of the ten outputs of each image."""
    return [max(range(DIGITS), key=row.__getitem__) for row in compiled.plan.decode_output(packed)]


def check_blame(receipt: Receipt, played: list[Played], device: Device) -> None:
    """Charged is what was planted, and nobody else was fined."""
    for number, job in enumerate(played, start=1):
        charged = (job.state.wrong, job.state.silent)
        planted = ((job.planted,), ()) if job.deed is Deed.LIE else ((), (job.planted,))
        name = f"job {number}: charged (wrong, silent) = planted ({job.deed.value})"
        receipt.compare(name, charged, planted)
        receipt.compare(
            f"job {number}: convicted",
            [j for j, phase in enumerate(job.state.indices, 1) if phase is IndexPhase.CONVICTED],
            [int(job.planted)],
        )
        receipt.compare(
            f"job {number}: paid",
            [j for j, phase in enumerate(job.state.indices, 1) if phase is IndexPhase.PAID],
            [j for j in range(1, len(job.state.indices) + 1) if j != job.planted],
        )
    names = name_jobs(played)
    receipt.compare(
        "answers refused because they belong to another task",
        sorted({f"{names[r.job]} index {r.index}" for r in device.refusals}),
        [f"{names[j.job]} index {j.planted}" for j in played if j.deed is Deed.OTHER_TASK],
    )


def name_jobs(played: list[Played]) -> dict[JobId, str]:
    """The jobs by number, for people."""
    return {job.job: f"job {number}" for number, job in enumerate(played, start=1)}


def check_judges(receipt: Receipt, stage: Stage, station: Station, played: list[Played]) -> None:
    """No judge saw any task but the charged ones: one of each job."""
    names = name_jobs(played)
    charged = [f"{names[job.job]} index {job.planted}" for job in played]
    for actor in stage.judges:
        seen = [
            f"{names.get(JobId(bytes.fromhex(job)), job)} index {index}"
            for job, index in ask_status(station, actor)["tasks_seen"]
        ]
        receipt.compare(f"{actor.name} saw one task of each job", sorted(seen), sorted(charged))
    terms = played[0].state.known.terms
    receipt.evidence["privacy"] = (
        f"t = {terms.threshold}, e = {terms.errors}: a judge that colludes with a node would hold "
        f"{terms.errors + 1} shares of a job, more than t = {terms.threshold}. "
        "Choose t >= colluders + e."
    )


def check_tokens(
    receipt: Receipt,
    played: list[Played],
    names: dict[Address, tuple[str, str]],
    before: Holdings,
    after: Holdings,
    payer: Address,
    stage: Stage,
) -> None:
    """Each balance as computed from what was planted; no token created, lost or stuck."""
    expected = compute_changes(
        [(job.state.known, ends_of(job)) for job in played], payer, stage.pool
    )
    for account, (name, role) in names.items():
        was, is_now = before.parties[account], after.parties[account]
        receipt.parties.append(PartyBalance(name, role, was, is_now))
        receipt.compare_tokens(f"change of {name}", is_now - was, expected.get(account, 0))
    dishonest = {job.state.known.nodes[job.planted - 1] for job in played}
    honest = [a.account for a in stage.nodes if a.account not in dishonest]
    receipt.require(
        "honest nodes never fined",
        all(after.parties[node] > before.parties[node] for node in honest),
        "all gained" if honest else "none",
        "all gained",
    )
    receipt.tokens_before, receipt.tokens_after = before.accounted, after.accounted
    receipt.compare_tokens("tokens before = supply", before.accounted, before.supply)
    receipt.compare_tokens("tokens after = tokens before", after.accounted, before.accounted)
    receipt.compare_tokens("anchor holds what it owes", after.anchored, after.free + after.locked)
    receipt.compare_tokens("nothing is locked any more", after.locked, 0)


def ends_of(job: Played) -> tuple[IndexPhase, ...]:
    """How the indices should have ended: the planted one convicted, the others paid."""
    return tuple(
        IndexPhase.CONVICTED if j == job.planted else IndexPhase.PAID
        for j in range(1, job.state.known.terms.node_count + 1)
    )
