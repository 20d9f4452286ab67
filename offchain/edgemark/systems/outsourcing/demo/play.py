"""The demonstration: jobs on real data, one dishonest node in each, and the receipt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from math import ceil
from pathlib import Path

from rich.console import Console

from edgemark.demo.evm.holdings import read_holdings
from edgemark.demo.patience import NotInTime
from edgemark.demo.progress import awaiting, step
from edgemark.demo.script import write_script
from edgemark.identifiers import TOKEN_UNIT, Address, ShareIndex, Timestamp, Tokens
from edgemark.ledger.evm.development.launching import DEFAULT_KIND
from edgemark.party.evm.joining import join_as_device, provide_balance
from edgemark.receipt import Receipt
from edgemark.systems.outsourcing.demo.cast import GUEST, OutsourcingStage
from edgemark.systems.outsourcing.demo.checks import (
    Planned,
    Played,
    check_blame,
    check_judges,
    check_results,
    check_started,
    check_tokens,
)
from edgemark.systems.outsourcing.demo.costs import note_costs, note_device_costs
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.demo.examples import ROWS, Example, ExampleName, train
from edgemark.systems.outsourcing.demo.exhibit import exhibit
from edgemark.systems.outsourcing.demo.typed import check_file, type_commands
from edgemark.systems.outsourcing.device.device import Device, Until
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import NotThereYet
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.drafting import Wish
from edgemark.systems.outsourcing.order.ordering import open_device
from edgemark.systems.outsourcing.story.reading import Chronicle
from edgemark.words import count

JOB_LIMIT_S = 900.0  # an idle machine takes seconds
DEGREE = 2  # of every example's function: more needs more than six nodes
STAGE_STEP = "chain, contracts, providers"
START_PART = 1 / 3  # a job starts in about this part of the time that setting the stage takes
MOST_ACCEPT_S = 60
# On a machine that is ten times too busy, jobs start after 6 s, and have their commitments 3 s
# later. A node that serves nothing has as long once more: spare time is waited for twice. So more
# is asked for only where the machine has shown that it is slower.
WISH = Wish(
    threshold=1,
    errors=1,
    fee=Tokens(10 * TOKEN_UNIT),
    judge_fee=Tokens(3 * TOKEN_UNIT),
    accept_s=10,
    compute_s=3,
    collect_s=10,
)
Misdeed = tuple[ShareIndex, Deed]  # who does what
MISDEEDS: tuple[Misdeed, ...] = (
    (ShareIndex(3), Deed.LIE),
    (ShareIndex(5), Deed.MUTE),
    (ShareIndex(2), Deed.OTHER_TASK),
)


def misdeeds_of(name: ExampleName) -> Sequence[Misdeed]:
    """One dishonest node for each job of an example."""
    return MISDEEDS if name is ExampleName.DIGITS else MISDEEDS[:1]


def wish_here(receipt: Receipt) -> Wish:
    """The wish for each job: twice as long to accept as a job needs to start on this machine."""
    start_s = receipt.seconds.get(STAGE_STEP, 0.0) * START_PART
    accept_s = min(max(WISH.accept_s, ceil(2 * start_s)), MOST_ACCEPT_S)
    return replace(WISH, accept_s=accept_s)


def tell(
    folder: Path,
    console: Console,
    name: ExampleName = ExampleName.DIGITS,
    *,
    chain_url: str | None = None,
    chain_kind: str = DEFAULT_KIND,
) -> Receipt:
    """Play one example and return the receipt.

    Three jobs with three misdeeds on the digits; one job with a liar on the others.

    Args:
        folder: keys, journals and logs of all parties.
        console: where progress goes.
        name: the example.
        chain_url: a running development node; an own chain when None.
        chain_kind: of the own chain, "anvil" or "hardhat".
    """
    receipt = Receipt("outsourcing")
    dishonest = frozenset(int(index) for index, _ in MISDEEDS)
    with ExitStack() as stack:
        opened = OutsourcingStage(
            folder, chain_url=chain_url, chain_kind=chain_kind, dishonest=dishonest
        )
        stage = stack.enter_context(opened)
        with step(console, receipt, STAGE_STEP):
            stage.set()
            for actor in stage.actors:
                actor.start()
        # With files and typed commands the user is the device, later.
        is_typed = name is ExampleName.CSV
        device = None if is_typed else stack.enter_context(open_device(stage.settings_of(GUEST)))
        with (
            step(console, receipt, "training the model"),
            joining_meanwhile(device, len(misdeeds_of(name))),
        ):
            example = train(name)
        with step(console, receipt, "six nodes and four judges register"):
            stage.wait_ready(stage.actors)
        play_example(stage, example, receipt, console, device)
    return receipt


@contextmanager
def joining_meanwhile(device: Device | None, jobs: int) -> Iterator[None]:
    """The device waits for blocks, and training for the processor: both at once."""
    with ThreadPoolExecutor(1) as beside:
        joined = beside.submit(join, device, jobs) if device else None
        yield
        if joined:
            joined.result()


def join(device: Device, jobs: int) -> None:
    """Register the device and deposit what so many jobs need, as far as that is not done."""
    join_as_device(device.station)
    provide_balance(device.station, jobs * WISH.compute_costs(DEGREE))


def play_example(
    stage: OutsourcingStage,
    example: Example,
    receipt: Receipt,
    console: Console,
    opened: Device | None = None,
) -> None:
    """Play the example's jobs on a stage where everybody is registered, then check everything.

    Args:
        stage: with its servers running.
        example: trained.
        receipt: where everything is noted.
        console: where progress goes.
        opened: the device, where it is open already.
    """
    payer = stage.write_guest_home(GUEST)
    names = name_parties(stage, payer)
    planned: list[Planned] = []
    before = read_holdings(stage.chain, stage.deployment, names)
    if example.name is ExampleName.CSV:
        with step(console, receipt, "one job by typed commands, a liar in it"):
            planned = type_job(stage, example, receipt)
    with nullcontext(opened) if opened else open_device(stage.settings_of(GUEST)) as device:
        if not planned:
            misdeeds = misdeeds_of(example.name)
            with step(console, receipt, "device registers and deposits"):
                join(device, len(misdeeds))
            with step(console, receipt, f"{count(len(misdeeds), 'job')}, a dishonest node in each"):
                planned = submit_jobs(stage, device, example, misdeeds, wish_here(receipt))
                played = wait_for_all(device, planned)
            note_device_costs(receipt, device, example, len(misdeeds))
        else:
            played = wait_for_all(device, planned)
        after = read_holdings(stage.chain, stage.deployment, names)
        chronicle = Chronicle(device.station.chain, stage.deployment)
        check_started(receipt, played, Timestamp(stage.chain.now()), chronicle)
        check_results(receipt, played, example)
        check_blame(receipt, played, list(device.refusals))
        check_judges(receipt, stage, device.station, played)
        check_tokens(receipt, played, names, before, after, payer, stage, chronicle)
        note_costs(receipt, stage, device.station, example)
        exhibit(receipt, chronicle, names, played, example)


def submit_jobs(
    stage: OutsourcingStage,
    device: Device,
    example: Example,
    misdeeds: Sequence[Misdeed],
    wish: Wish,
) -> list[Planned]:
    """Submit one job of `ROWS` rows for each misdeed, all at once."""
    nodes = [actor.account for actor in stage.nodes]
    planned = []
    for number, (index, deed) in enumerate(misdeeds):
        first = number * ROWS
        batch = example.encode(example.rows[first : first + ROWS])
        job = device.submit(example.compiled.function, batch, nodes, wish)
        write_script(stage.nodes[index - 1].home, {job: deed})
        planned.append(Planned(job, index, deed, first))
    return planned


def type_job(stage: OutsourcingStage, example: Example, receipt: Receipt) -> list[Planned]:
    """One job as a user types it; its first row is the example's first."""
    index, deed = MISDEEDS[0]
    write_script(stage.nodes[index - 1].home, {}, otherwise=deed)
    typed = type_commands(stage, example, wish_here(receipt), ROWS)
    receipt.evidence |= {f"typed, {i}": line for i, line in enumerate(typed.commands, start=1)}
    check_file(receipt, typed.answers, example, ROWS)
    return [Planned(typed.job, index, deed, 0)]


def wait_for_all(device: Device, planned: Sequence[Planned]) -> list[Played]:
    """Wait until every token of all jobs is paid out; raises `NotInTime`."""
    return [Played(each, _wait_for(device, each.job)) for each in planned]


def _wait_for(device: Device, job: JobId) -> DeviceJob:
    try:
        with awaiting(f"job {job.hex()} is settled"):
            return device.wait(job, JOB_LIMIT_S, Until.SETTLED)
    except NotThereYet as late:
        raise NotInTime.after(JOB_LIMIT_S, f"job {job.hex()}", late.what) from late


def name_parties(stage: OutsourcingStage, device: Address) -> dict[Address, tuple[str, str]]:
    """Name and role of every account that holds tokens."""
    names = {device: ("device", "payer")}
    for actor in stage.nodes:
        names[actor.account] = (actor.name, "compute node")
    for actor in stage.judges:
        names[actor.account] = (actor.name, "judge")
    names[stage.pool] = ("pool", "incentives pool")
    names[stage.operator] = ("operator", "has the community's tokens")
    return names
