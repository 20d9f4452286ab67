"""The four runs: what each buyer does, and how its channel should end.

| run | the buyer                                             | ends                               |
|-----|-------------------------------------------------------|------------------------------------|
| 1   | is honest: overdraws, tops up, closes                 | the seller claims                  |
| 2   | is killed, its disk wiped                             | the seller claims                  |
| 3   | closes with an older voucher, then in another channel | a tower responds: the seller has   |
|     | with the highest index and the amount 0               | what it is owed, the tower both    |
|     |                                                       | bonds                              |
| 4   | deactivates its identity, then closes with an older   | the seller responds, and has the   |
|     | voucher                                               | bond                               |
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from edgemark.amounts import format_tokens
from edgemark.demo.commands import run_command
from edgemark.demo.progress import act_beside
from edgemark.demo.script import write_script
from edgemark.identifiers import NOBODY, TOKEN_UNIT, Address, Tokens
from edgemark.identity.did.registry import DidRegistry
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.demo.buying import LOOK_S, Customer, Money, Work, await_that
from edgemark.systems.trading.demo.cast import AUDITOR, RETAINER, TradingStage
from edgemark.systems.trading.demo.dishonest import Deed, read_oldest
from edgemark.systems.trading.demo.market import CATEGORY, PER, PRICE
from edgemark.systems.trading.demo.proof.checks import Held, Watched, Way
from edgemark.systems.trading.demo.proof.holding import Till
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import NO_TOKENS
from edgemark.systems.trading.station.deals import FOLDER as DEALS
from edgemark.systems.trading.station.deals import DealBook
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.story.reading import Chronicle

INTERVAL_S, SERVICE_S = 1, 600
GRACE_S = 60  # nobody waits for it to end; on a busy machine a voucher may be late by as much
CAP = Tokens(TOKEN_UNIT)
LONG, SHORT = 12, 4  # pieces, of half a token each
LONG_MONEY = Money(Tokens(4 * TOKEN_UNIT), Tokens(4 * TOKEN_UNIT), CAP)
SHORT_MONEY = Money(Tokens(4 * TOKEN_UNIT), Tokens(4 * TOKEN_UNIT), CAP)
TOP_UP = Tokens(4 * TOKEN_UNIT)
EVIDENCE_S = 60.0  # after the end
ENOUGH = 2  # settlements, before a buyer does what it has in mind
FIRST = 1  # number of a delegation


@dataclass(frozen=True)
class Played:
    """One channel that was played to its end.

    Attributes:
        held: what its parties have.
        work: what was ordered.
        answers: what came of it, as the buyer's file has it; None where nobody waited for it.
        notes: what was seen on the way, by what it is called, beside what should have been.
    """

    held: Held
    work: Work
    answers: list[list[int]] | None
    notes: Mapping[str, tuple[object, object]] = field(default_factory=dict)


class Scene:
    """The stage with everybody at work.

    Args:
        stage: its curtain is up.
    """

    def __init__(self, stage: TradingStage) -> None:
        self.stage = stage
        self._looking = looking = TradingStation.look(stage.settings_of(AUDITOR))
        place = (looking.chain.chain_id, looking.escrow.address)
        self.till = Till(stage.seller.home, DealBook(stage.seller.home / DEALS, *place))
        auditor = str(self._looking.did)
        terms = {
            "--category": CATEGORY,
            "--auditor": auditor,
            "--controller": stage.controller.account,
            "--interval": INTERVAL_S,
            "--grace": GRACE_S,
            "--for": SERVICE_S,
        }
        options = [str(word) for pair in terms.items() for word in pair]
        self.customers = [Customer(actor, options) for actor in stage.buying]

    def close(self) -> None:
        """Look no more."""
        self._looking.close()

    def await_all_signed(self, channel: ChannelId, work: Work) -> None:
        """Until the seller has the buyer's signature for all of some work."""
        due = work.units * PRICE // PER
        await_that("last voucher", lambda: self.till.owed(channel) >= due)

    def watch(self, channel: ChannelId) -> None:
        """The seller's user lets the tower watch a channel."""
        words = ["trading", "watch", channel.hex(), "--tower", self.stage.tower.account]
        run_command(self.stage.folder, [*words, "--home", str(self.till.home), "--yes"])

    def await_receipt(self, channel: ChannelId) -> Watched:
        """Until the seller keeps a receipt of the tower for all that both signed."""
        tower = self.stage.tower.account

        def amount() -> Tokens:
            kept = self.till.receipt_of(channel, tower)
            return NO_TOKENS if kept is None else kept.receipt.amount

        await_that("receipt of the tower", lambda: amount() >= self.till.owed(channel) > 0)
        cover = self._looking.towers.cover_of(tower, channel)
        return Watched(tower, FIRST, RETAINER, amount(), cover.amount)

    def claim(self, channel: ChannelId) -> None:
        """The seller's user ends a channel whose buyer says nothing any more."""
        words = ["trading", "claim", channel.hex(), "--close"]
        home = ["--home", str(self.till.home), "--yes"]
        run_command(self.stage.folder, [*words, *home])

    def deactivate(self, customer: Customer) -> Address:
        """End a buyer's identity, whose process has its lane: it signs, the auditor sends.

        Returns:
            Whoever owns it then.
        """
        file = customer.home.with_name(f"{customer.home.name}.act")
        customer.type("identity", "deactivate", "--sign-only", str(file))
        sender = ["--home", str(self.stage.folder / AUDITOR), "--yes"]
        run_command(self.stage.folder, ["identity", "submit", str(file), *sender])
        registry = DidRegistry(self._looking.chain, self.stage.deployment.contract("DidRegistry"))
        return registry.owner(customer.actor.account)

    def await_end(self, channel: ChannelId) -> None:
        """Until the chain says that a channel has ended."""
        escrow = self._looking.escrow
        await_that(
            f"end of channel {channel.hex()}",
            lambda: escrow.phases([channel], block="latest") == [ChannelPhase.ENDED],
        )

    def await_evidence(self, channel: ChannelId, chronicle: Chronicle) -> None:
        """Until the chain has evidence of first and last credential, or it has come to be late."""
        ends_at = time.monotonic() + EVIDENCE_S
        while time.monotonic() < ends_at:
            recorded = chronicle.read(channel).evidence
            is_begun = any(each.kind is EvidenceKind.INITIATION for each in recorded)
            newest = max((each.index for each in recorded), default=0)
            if is_begun and newest >= self.till.settled(channel):
                return
            time.sleep(LOOK_S)

    def hold(self, customer: Customer, channel: ChannelId, number: str, work: Work) -> Held:
        """What both have of a channel, while both have it."""
        state = customer.state(channel)
        return Held(
            name=number,
            buyer=customer.name,
            channel=channel,
            terms=state.known.terms,
            deposit=state.known.terms.deposit,
            owed=self.till.owed(channel),
            signed=state.signed.amount,
            units=work.units,
        )


def play_all(scene: Scene) -> list[Played]:
    """All runs side by side; in their order."""
    runs: list[Callable[[Scene, Customer], list[Played]]] = [
        play_honest,
        play_killed,
        play_cheating,
        play_deactivated,
    ]
    with ThreadPoolExecutor(len(runs)) as beside:
        begun = [
            act_beside(beside, customer.name, run, scene, customer)
            for run, customer in zip(runs, scene.customers, strict=True)
        ]
        return [played for each in begun for played in each.result()]


def play_honest(scene: Scene, customer: Customer) -> list[Played]:
    """Run 1: the deposit does not last; service stops, goes on after a top-up, and ends."""
    work = Work(1, LONG)
    with ThreadPoolExecutor(1) as beside:
        buying = beside.submit(customer.buy, work, LONG_MONEY)
        channel = customer.await_channel(beside=buying)
        await_that("overdraft", lambda: scene.till.is_overdrawn(channel), beside=buying)
        warned = "buyer warned of the deposit"
        await_that(warned, lambda: customer.state(channel).warned > 0, beside=buying)
        then = customer.state(channel)
        customer.top_up(channel, TOP_UP)
        buying.result()
    scene.await_all_signed(channel, work)
    customer.close(channel)
    scene.await_end(channel)
    held = scene.hold(customer, channel, "run 1", work)
    held = replace(held, deposit=Tokens(held.deposit + TOP_UP))
    notes = {
        "run 1: deposit of which the seller had warned": (
            format_tokens(then.warned),
            format_tokens(LONG_MONEY.deposit),
        ),
        "run 1: service had stopped with orders waiting": (bool(then.requests), True),
    }
    return [Played(held, work, customer.answers(work), notes)]


def play_killed(scene: Scene, customer: Customer) -> list[Played]:
    """Run 2: after some settlements nothing of the buyer is left but what it signed."""
    work, actor = Work(2, LONG), customer.actor
    with ThreadPoolExecutor(1) as beside:
        buying = beside.submit(customer.buy, work, SHORT_MONEY)
        channel = customer.await_channel(beside=buying)
        await_that("settlements", lambda: scene.till.settled(channel) >= ENOUGH, beside=buying)
        actor.kill()
        shutil.rmtree(actor.home)
        scene.claim(channel)
        buying.exception()  # the command has lost its home
    scene.await_end(channel)
    sale = scene.till.sale(channel)
    terms, owed = sale.known.terms, sale.signed
    held = Held("run 2", customer.name, channel, terms, terms.deposit, owed, None, None)
    notes = {"run 2: something of the buyer is left": (actor.home.exists(), False)}
    return [Played(held, work, None, notes)]


def play_cheating(scene: Scene, customer: Customer) -> list[Played]:
    """Run 3: two channels that the buyer closes below what it signed, while a tower watches."""
    works = {Deed.OLDER: Work(3, SHORT), Deed.HIGHEST: Work(4, SHORT)}
    channels: dict[Deed, ChannelId] = {}
    with ThreadPoolExecutor(len(works)) as beside:
        begun = []
        for deed, work in works.items():
            begun.append(beside.submit(customer.buy, work, SHORT_MONEY))
            known = list(channels.values())
            channels[deed] = customer.await_channel(known, beside=begun[-1])
            await_that(
                "settlements",
                lambda channel=channels[deed]: scene.till.settled(channel) > 0,  # type: ignore[misc]
                beside=begun[-1],
            )
            scene.watch(channels[deed])
        for each in begun:
            each.result()
    for deed, channel in channels.items():
        scene.await_all_signed(channel, works[deed])
    watched = {deed: scene.await_receipt(channel) for deed, channel in channels.items()}
    held = {
        deed: replace(
            scene.hold(customer, channel, f"run 3, {deed}", works[deed]),
            way=Way.ANSWERED,
            said=read_oldest(customer.home, channel).amount if deed is Deed.OLDER else NO_TOKENS,
            watched=watched[deed],
        )
        for deed, channel in channels.items()
    }
    write_script(customer.home, {channel: deed for deed, channel in channels.items()})
    for channel in channels.values():
        scene.await_end(channel)
    return [Played(held[deed], work, customer.answers(work)) for deed, work in works.items()]


def play_deactivated(scene: Scene, customer: Customer) -> list[Played]:
    """Run 4: before it closes below what it signed, the buyer's identity ends, for good."""
    work = Work(5, SHORT)
    customer.buy(work, SHORT_MONEY)
    (channel,) = customer.channels()
    scene.await_all_signed(channel, work)
    held = scene.hold(customer, channel, "run 4", work)
    said = read_oldest(customer.home, channel).amount
    owner = scene.deactivate(customer)
    write_script(customer.home, {channel: Deed.OLDER})
    scene.await_end(channel)
    held = replace(held, way=Way.ANSWERED, said=said)
    notes = {"run 4: owner of the buyer's identity": (owner, NOBODY)}
    return [Played(held, work, customer.answers(work), notes)]
