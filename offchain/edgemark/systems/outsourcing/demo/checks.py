"""The checks of the receipt: what came out against what was planted and what the rules say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edgemark.demo.evm.costs import ask_status
from edgemark.demo.evm.holdings import Holdings, check_holdings
from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.receipt import Receipt
from edgemark.systems.outsourcing.contract.amounts import Payees, compute_payout, share_out
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms, warn_of_judges
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.demo.dishonest import DEEDS, Deed
from edgemark.systems.outsourcing.demo.examples import ROWS, Example
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.refusals import Refusal
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.order.outlook import tell_outlook
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.story.reading import Chronicle
from edgemark.systems.outsourcing.story.story import find_signers
from edgemark.words import name_each

Signers = Mapping[int, Sequence[Address]]  # by index


class Agreed(Protocol):
    """What the payments of a job depend on; an `Order`, or what the chain tells of it."""

    @property
    def terms(self) -> Terms:
        """Amounts and numbers."""

    @property
    def nodes(self) -> Sequence[Address]:
        """Node of index j at position j - 1."""

    @property
    def judges(self) -> Sequence[Address]:
        """All judges."""


@dataclass(frozen=True)
class Planned:
    """One job, and what is wrong in it.

    Attributes:
        planted: index of the dishonest node.
        first_row: the job's `ROWS` rows of the example begin there.
    """

    job: JobId
    planted: ShareIndex
    deed: Deed
    first_row: int


@dataclass(frozen=True)
class Played:
    """A planned job that was played to its end."""

    plan: Planned
    state: DeviceJob

    @property
    def job(self) -> JobId:
        """Its id."""
        return self.plan.job

    @property
    def planted(self) -> ShareIndex:
        """Index of the dishonest node."""
        return self.plan.planted

    @property
    def deed(self) -> Deed:
        """What that node did."""
        return self.plan.deed


def check_started(
    receipt: Receipt, played: Sequence[Played], now: Timestamp, chronicle: Chronicle
) -> None:
    """Every job had its nodes in time; what ended before cannot pass any check below."""
    for number, job in enumerate(played, start=1):
        seen = "started"
        if job.state.phase in (DevicePhase.CANCELLED, DevicePhase.FAILED):
            seen = tell_outlook(job.state, now)
        if job.state.phase is DevicePhase.CANCELLED:
            late = [each.index for each in chronicle.read(job.job).indices if each.accepted is None]
            seen = f"{seen} By accept_by there was no acceptance of {name_each('node', late)}."
        receipt.compare(f"job {number} started", seen, "started")


def check_results(receipt: Receipt, played: list[Played], example: Example) -> None:
    """Every answer is that of the plain model on the same machine."""
    right = total = 0
    for number, job in enumerate(played, start=1):
        rows = example.rows[job.plan.first_row : job.plan.first_row + ROWS]
        result = job.state.result
        answers = [] if result is None else example.plan.decode(result)
        if example.is_classifier:
            labels = [answer.label for answer in answers]
            name = f"job {number}: labels equal the plain model's"
            receipt.compare(name, labels, example.predict(rows))
            truths = example.truths[job.plan.first_row : job.plan.first_row + ROWS].tolist()
            right += sum(a == b for a, b in zip(labels, truths, strict=False))
            total += len(truths)
        seen = [list(answer.values) for answer in answers]
        check_scores(receipt, number, seen, example.compute_scores(rows), example)
    receipt.require(*example.check_quality())
    if total:
        receipt.evidence["recognised"] = f"{right} of {total} private rows"


def check_scores(
    receipt: Receipt,
    number: int,
    seen: list[list[float]],
    expected: list[list[float]],
    example: Example,
) -> None:
    """Each number is as near to the plain model's as the plan says."""
    bounds = example.plan.error_bounds
    off = [
        [abs(a - b) for a, b in zip(ours, plain, strict=True)]
        for ours, plain in zip(seen, expected, strict=False)
    ]
    receipt.require(
        f"job {number}: numbers are the plain model's, within the plan's bound",
        len(seen) == len(expected)
        and all(d <= bound for row in off for d, bound in zip(row, bounds, strict=True)),
        f"off by {max(d for row in off for d in row):.2g}" if off else "no numbers",
        f"<= {max(bounds):.2g}",
    )


def _tell_charges(wrong: Sequence[ShareIndex], silent: Sequence[ShareIndex]) -> str:
    """`wrong: 3`, `silent: 5`, or who of each; `nobody`."""
    kinds = {"wrong": wrong, "silent": silent}
    told = [f"{kind}: {', '.join(map(str, who))}" for kind, who in kinds.items() if who]
    return "; ".join(told) or "nobody"


def check_blame(receipt: Receipt, played: list[Played], refusals: list[Refusal]) -> None:
    """Charged is what was planted, and nobody else was fined."""
    for number, job in enumerate(played, start=1):
        is_lie = job.deed is Deed.LIE
        receipt.compare(
            f"job {number}: charged is whom we planted (it {DEEDS[job.deed]})",
            _tell_charges(job.state.wrong, job.state.silent),
            _tell_charges((job.planted,) if is_lie else (), () if is_lie else (job.planted,)),
        )
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
        sorted({f"{names[r.job]} index {r.index}" for r in refusals}),
        [f"{names[j.job]} index {j.planted}" for j in played if j.deed is Deed.OTHER_TASK],
    )


def name_jobs(played: list[Played]) -> dict[JobId, str]:
    """The jobs by number, for people."""
    return {job.job: f"job {number}" for number, job in enumerate(played, start=1)}


def check_judges(
    receipt: Receipt, stage: OutsourcingStage, station: OutsourcingStation, played: list[Played]
) -> None:
    """Of these jobs no judge saw any task but the charged ones: one of each."""
    names = name_jobs(played)
    charged = [f"{names[job.job]} index {job.planted}" for job in played]
    for actor in stage.judges:
        seen = [
            f"{names[JobId(bytes.fromhex(job))]} index {index}"
            for job, index in ask_status(station, actor)["tasks_seen"]
            if JobId(bytes.fromhex(job)) in names
        ]
        receipt.compare(f"{actor.name} saw one task of each job", sorted(seen), sorted(charged))
    terms = played[0].state.known.terms
    receipt.caveats += filter(None, [warn_of_judges(terms.threshold, terms.errors)])


def check_tokens(
    receipt: Receipt,
    played: list[Played],
    names: dict[Address, tuple[str, str]],
    before: Holdings,
    after: Holdings,
    payer: Address,
    stage: OutsourcingStage,
    chronicle: Chronicle,
) -> None:
    """Each balance as computed from what was planted; no token created, lost or stuck."""
    expected = compute_changes(
        [(job.state.known, ends_of(job)) for job in played],
        payer,
        stage.pool,
        [signers_of(chronicle, job) for job in played],
    )
    check_holdings(receipt, names, before, after, expected)
    dishonest = {job.state.known.nodes[job.planted - 1] for job in played}
    employed = {node for job in played for node in job.state.known.nodes}
    honest = employed - dishonest
    others = [names[at][0] for at in honest if after.parties[at] <= before.parties[at]]
    gained = "all gained" if honest else "none there"
    seen = f"gained nothing: {', '.join(sorted(others))}" if others else gained
    receipt.require("honest nodes never fined", not others, seen, "all gained")
    receipt.compare_tokens("no job holds tokens any more", after.locked, 0)


def signers_of(chronicle: Chronicle, job: Played) -> Signers:
    """Who signed the verdicts of a job; a judge is paid for its own signature.

    Where the planted index has no verdict, all judges should have signed one.
    """
    story = chronicle.read(job.job)
    found = {int(place.index): find_signers(story, place) for place in story.indices}
    planned = tuple(job.state.known.judges)
    return found | {int(job.planted): found.get(int(job.planted)) or planned}


def ends_of(job: Played) -> tuple[IndexPhase, ...]:
    """How the indices should have ended: the planted one convicted, the others paid."""
    return tuple(
        IndexPhase.CONVICTED if j == job.planted else IndexPhase.PAID
        for j in range(1, job.state.known.terms.node_count + 1)
    )


def compute_changes(
    orders: Iterable[tuple[Agreed, tuple[IndexPhase, ...]]],
    payer: Address,
    pool: Address,
    signers: Sequence[Signers] | None = None,
) -> dict[Address, int]:
    """What each party should have won or lost by these jobs, from the amounts table alone.

    Args:
        orders: each job with the phase in which each of its indices should have ended.
        payer: the device.
        pool: the incentives pool.
        signers: of each job, who signed the verdict of an index; None: all judges signed all.
    """
    changes: dict[Address, int] = {}
    for number, (order, ends) in enumerate(orders):
        terms = order.terms
        for index, (node, end) in enumerate(zip(order.nodes, ends, strict=True), start=1):
            payout = compute_payout(end, terms)
            signed = order.judges if signers is None else signers[number].get(index, ())
            to = Payees(node, payer, pool, len(order.judges), tuple(signed))
            put_in = ((node, terms.stake), (payer, payout.total - terms.stake))
            for account, amount in (
                *share_out(payout, to).items(),
                *((account, -amount) for account, amount in put_in),
            ):
                changes[account] = changes.get(account, 0) + amount
    return changes
