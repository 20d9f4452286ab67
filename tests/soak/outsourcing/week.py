"""A week of a node's life in an hour: one trouble after the other, and every question answered.

    python -m tests.soak.outsourcing.week [--minutes 60] [--seed N] [--folder FOLDER]

Eight nodes and four judges serve, somebody orders jobs all the time, and chain time leaps between
them until a week has passed. Servers are stopped and killed, the chain is away, another one
answers in its place, a key is rotated, a disk is full (`troubles.py`). Each time the questions are
asked that an operator has then, and answered without stopping anything. It ends with a table of
them, and with status 1 when one had no answer, a result was wrong, or a token is locked or missing.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.offchain.ledger.evm.reading.cuttable_proxy import CuttableProxy
from tests.soak.outsourcing.customer import RIGHT, Customer
from tests.soak.outsourcing.inquiries import Answered, ask_party
from tests.soak.outsourcing.troubles import TROUBLES, World, draw_troubles
from tests.stage.playhouse import START_LIMIT_S, start_usually
from tests.stage.progress import BAR_WIDTH, LINE_EVERY_S, usual_seed
from tests.waiting import wait_until

from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.evm.holdings import Holdings, read_holdings
from edgemark.errors import EdgemarkError
from edgemark.ledger.evm.development.anvil import AnvilNode
from edgemark.systems.outsourcing.demo.cast import GUEST, LIMITS, OutsourcingStage
from edgemark.transport.ports import HeldPorts, hold_ports

WEEK_S = 7 * 86_400
NODES, JUDGES = 8, 4  # of which a job takes six: one may be away, and another one come back
READER = "reader"  # home of who only looks
BELIEVED_BLOCKS = 5  # after which everybody believes that time has leapt
SETTLE_S = 300.0
PATIENCE_S = 150.0
WIDEST = 60  # characters of an answer in the table


@dataclass
class WeekStage(OutsourcingStage):
    """A stage whose chain can be away, and whose servers all have pages for operators."""

    proxy: CuttableProxy = field(default_factory=lambda: CuttableProxy(0))
    pages: HeldPorts = field(default_factory=lambda: hold_ports(NODES + JUDGES))

    def prepare(self) -> None:
        """See `Stage`."""
        super().prepare()
        self.proxy.turn_to(self.node.port)

    def common_settings(self) -> dict[str, object]:
        """See `Stage`."""
        return {**super().common_settings(), "chain.url": self.proxy.url}

    def own_settings(self, actor: EvmActor) -> dict[str, object]:
        """See `Stage`."""
        return {**super().own_settings(actor), "metrics.port": self.page_of(actor)}

    def page_of(self, actor: EvmActor) -> int:
        """The port of a server's pages."""
        return self.pages.numbers[self.actors.index(actor)]

    def close(self) -> None:
        """See `Stage`."""
        super().close()
        self.proxy.close()
        self.pages.close()


@dataclass(frozen=True)
class Week:
    """What came of it.

    Attributes:
        asked: each trouble's questions and answers.
        outcomes: how many jobs came to what.
        violations: what must not happen, and did.
        seconds: that it took.
        chain_s: seconds of chain time that passed.
    """

    seed: int
    asked: Sequence[tuple[str, Answered]]
    outcomes: Counter[str]
    violations: Sequence[str]
    seconds: float
    chain_s: int


class Clock:
    """Lets chain time pass as much faster as it takes for a week in the time that there is."""

    def __init__(self, stage: OutsourcingStage, limit_s: float) -> None:
        self._chain = stage.chain
        self._limit_s = limit_s
        self._began, self._first = time.monotonic(), stage.chain.now()

    @property
    def elapsed_s(self) -> float:
        """Of the clock on the wall."""
        return time.monotonic() - self._began

    @property
    def passed_s(self) -> int:
        """Of chain time."""
        return self._chain.now() - self._first

    def leap(self) -> None:
        """To where chain time should be by now; nobody may have anything open."""
        due = min(WEEK_S, int(WEEK_S * self.elapsed_s / self._limit_s))
        if due > self.passed_s:
            self._chain.rpc("evm_increaseTime", due - self.passed_s)
            self._chain.rpc("evm_mine")
            seen = self._chain.head() + BELIEVED_BLOCKS
            wait_until("a few blocks", lambda: self._chain.head() >= seen, SETTLE_S)


def play(folder: Path, seed: int, limit_s: float, tell: Callable[[float, str], None]) -> Week:
    """Run it all; troubles come until the time is over, each at least once.

    Args:
        folder: empty; holds keys, journals and logs afterwards.
        seed: of who suffers what, and in which order.
        limit_s: no further trouble after as many seconds.
        tell: told which part of the time is over, and what happens now.
    """
    with draft_stage(folder) as stage, AnvilNode.start(folder / "other") as other:
        raise_curtain(stage)
        before = holdings(stage)
        world = World(
            stage=stage,
            proxy=stage.proxy,
            other=other,
            reader=folder / READER,
            ports={actor.name: stage.page_of(actor) for actor in stage.actors},
            patience_s=PATIENCE_S,
            source=random.Random(seed),
        )
        clock = Clock(stage, limit_s)
        customer = Customer(folder / GUEST, clock.leap)
        customer.start()
        try:
            bring_troubles(world, clock, limit_s, tell)
        finally:
            customer.stop()
        clock.leap()
        tell(1.0, "the reckoning")
        earned = [ask_party(node.account, world.reader) for node in stage.nodes]
        answer = earned[0] if all(earned) else ""
        world.asked.append(("after all", Answered("what did it earn?", "index party", answer)))
        violations = [*customer.odd, *reckon(world, customer, before)]
        return Week(
            seed, world.asked, customer.outcomes, violations, clock.elapsed_s, clock.passed_s
        )


def draft_stage(folder: Path) -> WeekStage:
    """Who is there."""
    return WeekStage(
        folder,
        guests=(GUEST, READER),
        node_count=NODES,
        judge_count=JUDGES,
        limits=replace(LIMITS, judge_window=20),
        start_limit_s=START_LIMIT_S,
    )


def raise_curtain(stage: WeekStage) -> None:
    """Start everybody, and wait until they are there."""
    stage.set()
    for actor in stage.actors:
        start_usually(actor)
    stage.wait_ready(stage.actors)
    for name in stage.guests:
        stage.write_guest_home(name)


def bring_troubles(
    world: World, clock: Clock, limit_s: float, tell: Callable[[float, str], None]
) -> None:
    """Until the time is over."""
    for number, trouble in enumerate(draw_troubles(world.source)):
        if clock.elapsed_s > limit_s and number >= len(TROUBLES):
            return
        tell(min(1.0, clock.elapsed_s / limit_s), trouble.__name__.replace("_", " "))
        trouble(world)


def holdings(stage: OutsourcingStage) -> Holdings:
    """All tokens now."""
    guests = (stage.account_of(name) for name in stage.guests)
    accounts = {stage.pool, stage.operator, *guests, *(actor.account for actor in stage.actors)}
    return read_holdings(stage.chain, stage.deployment, sorted(accounts))


def reckon(world: World, customer: Customer, before: Holdings) -> list[str]:
    """What must not have happened, and did."""
    found = [
        f"{trouble}: {each.question} is not answered by {each.by}"
        for trouble, each in world.asked
        if not each.answer
    ]
    found += [f"{a.name} does not run" for a in world.stage.actors if not a.runs]
    if not customer.outcomes[RIGHT]:
        found.append(f"no job had a result: {dict(customer.outcomes)}")
    try:
        wait_until("no token is locked", lambda: not holdings(world.stage).locked, SETTLE_S)
    except (AssertionError, EdgemarkError) as error:
        found.append(f"{holdings(world.stage).locked} locked: {error}")
    after = holdings(world.stage)
    if after.accounted != before.accounted:
        found.append(f"tokens had {before.accounted}, have {after.accounted}")
    return found


def show_progress() -> Callable[[float, str], None]:
    """A bar at a terminal, a line now and then elsewhere."""
    began = last = time.monotonic()

    def tell(part: float, what: str) -> None:
        nonlocal last
        now, at_terminal = time.monotonic(), sys.stderr.isatty()
        if not at_terminal and now - last < LINE_EVERY_S:
            return
        last = now
        filled = round(BAR_WIDTH * part)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        line = f"[{bar}] {what:<24} {now - began:.0f} s"
        sys.stderr.write(f"\r{line}" if at_terminal else f"{line}\n")
        sys.stderr.flush()

    return tell


def describe(week: Week) -> str:
    """The table of all questions, the jobs, and every violation."""
    times = Counter(trouble for trouble, _ in week.asked)
    rows = {(trouble, each.question, each.by): each.answer for trouble, each in week.asked}
    lines = [
        f"seed {week.seed}: {week.seconds:.0f} s, {week.chain_s / 86_400:.1f} days of chain time, "
        f"{len(week.asked)} questions",
        f"jobs: {', '.join(f'{n} {what}' for what, n in sorted(week.outcomes.items()))}",
        "",
        *(
            f"{trouble:<13} {question:<34} {by:<18} {(answer or 'NOTHING SAYS IT')[:WIDEST]}"
            for (trouble, question, by), answer in sorted(rows.items())
        ),
        "",
        f"questions by trouble: {dict(times)}",
        *(f"VIOLATION {each}" for each in week.violations),
        f"{len(week.violations)} violations",
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Run it and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.outsourcing.week")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=usual_seed())
    parser.add_argument("--folder", type=Path, help="empty; kept. A temporary one otherwise.")
    chosen = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="edgemark-week-") as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        week = play(folder, chosen.seed, 60 * chosen.minutes, show_progress())
    sys.stdout.write(f"\n{describe(week)}\n")
    return 1 if week.violations else 0


if __name__ == "__main__":
    sys.exit(main())
