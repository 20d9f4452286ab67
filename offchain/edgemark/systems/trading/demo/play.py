"""The demonstration: four runs of channels side by side, and the receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from edgemark.demo.evm.holdings import read_holdings
from edgemark.demo.progress import step
from edgemark.identifiers import Address
from edgemark.identity.did.identifier import parse_did
from edgemark.identity.did.registry import DidRegistry
from edgemark.ledger.evm.development.launching import DEFAULT_KIND
from edgemark.receipt import Receipt
from edgemark.systems.trading.demo.cast import AUDITOR, TradingStage
from edgemark.systems.trading.demo.market import MOST_CYCLES, PER, PRICE, Market
from edgemark.systems.trading.demo.proof.checks import (
    check_amounts,
    check_answers,
    check_end,
    check_income,
    check_profits,
    check_tokens,
)
from edgemark.systems.trading.demo.proof.costs import note_costs
from edgemark.systems.trading.demo.proof.exhibit import exhibit
from edgemark.systems.trading.demo.proof.papers import (
    KeyOf,
    check_evidence,
    check_first,
    check_papers,
    check_vouchers,
)
from edgemark.systems.trading.demo.runs import Played, Scene, play_all
from edgemark.systems.trading.story.reading import Chronicle

BUYERS = 4
TAKES_PROFITS = "run 1"  # whose channel is long enough
DISHONEST = frozenset({3, 4})
START_S = 300.0  # so many servers at once, on a machine that is busy with much else
STAGE_STEP = "chain, contracts, an auditor's word, an offer"
START_STEP = "a controller, a seller, a tower and four buyers start"
RUNS_STEP = "four runs side by side"
CHECK_STEP = "checking"


def tell(
    folder: Path,
    console: Console,
    *,
    chain_url: str | None = None,
    chain_kind: str = DEFAULT_KIND,
) -> Receipt:
    """Play the four runs and return the receipt.

    Args:
        folder: keys, journals and logs of all parties.
        console: where progress goes.
        chain_url: a running development node; an own chain when None.
        chain_kind: of the own chain, "anvil" or "hardhat".
    """
    receipt = Receipt("trading")
    with TradingStage(
        folder,
        chain_url=chain_url,
        chain_kind=chain_kind,
        start_limit_s=START_S,
        buyers=BUYERS,
        has_tower=True,
        dishonest=DISHONEST,
    ) as stage:
        with step(console, receipt, STAGE_STEP):
            stage.set()
            stage.write_guest_home(AUDITOR)
        with step(console, receipt, START_STEP):
            stage.raise_curtain()
        play_on(stage, receipt, console)
    return receipt


def play_on(stage: TradingStage, receipt: Receipt, console: Console) -> None:
    """Play all runs on a stage where everybody works, then check everything."""
    names, scene = name_parties(stage), Scene(stage)
    first = stage.chain.head() + 1
    before = read_holdings(stage.chain, stage.deployment, names)
    try:
        with step(console, receipt, RUNS_STEP):
            played = play_all(scene)
            chronicle = Chronicle(stage.chain, stage.deployment)
            for each in played:
                scene.await_evidence(each.held.channel, chronicle)
    finally:
        scene.close()
    after = read_holdings(stage.chain, stage.deployment, names)
    with step(console, receipt, CHECK_STEP):
        check_channels(receipt, scene, played, chronicle)
        held = [each.held for each in played]
        check_tokens(receipt, names, before, after, held, stage.limits)
        if stage.has_tower:
            check_income(receipt, stage.tower.account, before, after, held)
        note_costs(receipt, stage, scene.till, [each.held for each in played], first)
        exhibit(receipt, chronicle, [each.held for each in played], names)


def check_channels(
    receipt: Receipt, scene: Scene, played: Sequence[Played], chronicle: Chronicle
) -> None:
    """Everything of each channel, and then every credential."""
    stage = scene.stage
    settled: list[str] = []
    for each in played:
        held, work = each.held, each.work
        story = chronicle.read(held.channel)
        kept = scene.till.settlements(held.channel)
        settled += [one.credential.token for one in kept]
        if each.answers is not None:
            check_answers(receipt, held.name, each.answers, work.expected)
        for name, (seen, expected) in each.notes.items():
            receipt.compare(name, seen, expected)
        check_amounts(receipt, held, PRICE, PER)
        check_end(receipt, held, story, stage.limits)
        if held.name == TAKES_PROFITS:
            check_profits(receipt, held.name, story)
        check_vouchers(receipt, held.name, kept, story)
        check_first(receipt, held.name, story)
        check_evidence(receipt, held.name, kept, story, MOST_CYCLES)
    papers = list_papers(stage.market, [scene.till.initiation(p.held.channel) for p in played])
    check_papers(receipt, {**papers, "settlement credentials": settled}, key_reader(stage))


def list_papers(market: Market, initiations: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """What was signed before anything was settled."""
    return {"qualification": [market.qualification], "initiation credentials": initiations}


def key_reader(stage: TradingStage) -> KeyOf:
    """Asks the registry of identities whose key is behind a DID."""
    registry = DidRegistry(stage.chain, stage.deployment.contract("DidRegistry"))
    return lambda did: registry.owner(parse_did(did).identity)


def name_parties(stage: TradingStage) -> dict[Address, tuple[str, str]]:
    """Name and role of every account that holds tokens."""
    names = {actor.account: (actor.name, "buyer") for actor in stage.buying}
    names[stage.seller.account] = ("seller", "seller")
    names[stage.controller.account] = ("controller", "controller")
    if stage.has_tower:
        names[stage.tower.account] = ("tower", "watches for the seller")
    names[stage.account_of(AUDITOR)] = ("auditor", "vouches for the seller")
    names[stage.pool] = ("pool", "incentives pool")
    names[stage.operator] = ("operator", "has the community's tokens")
    return names
