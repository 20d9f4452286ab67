"""A seeded sample of all mixes of behaviours, against the contracts: equal to the model, to the
token, and no honest party loses.

The mixes, and the model of the amounts that they are walked on, are those of
`tests/offchain/systems/outsourcing/jobs/test_mixes.py`. Here every call of a walk is sent to the
contracts at its second, between them calls that somebody tries without a right to; whatever the
model refuses, the contract refuses with the same error and the same values.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from tests.contracts.conftest import deploy_settlement
from tests.contracts.outsourcing.mix_chain import Pair, Place, Translation
from tests.contracts.outsourcing.mix_walks import Mix, Walk, draw_mixes, walk
from tests.contracts.outsourcing.stray_acts import StrayActs
from tests.contracts.world import MIN_STAKE, PAUSE, UNBONDING, World
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.model import SettlementModel

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address, Tokens, parse_address
from edgemark.identity.records import Staking
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.outsourcing.contract.hashes import compute_job_id
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.contract.terms import compute_least_stake
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts, draft_contracts

IS_SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
MIXES = draw_mixes(600 if IS_SOAK else 60)
OUTSIDE = [
    *(Mix(1, (kind, *["honest"] * 5), "honest", "dead") for kind in ("lying", "silent", "mute")),
    *(Mix(number, ("honest",) * 6, "slandering", "dead") for number in (1, 2, 3)),
    *(Mix(1, (*["honest"] * 5, "absent"), device, "verdict") for device in ("honest", "leaving")),
]
ENDS_OF_MIXES = {
    IndexPhase.PAID,
    IndexPhase.UNEARNED,
    IndexPhase.CONVICTED,
    IndexPhase.REFUTED,
    IndexPhase.ANSWERED,
    IndexPhase.LAPSED,
}
FORTUNE = (
    4 * 10**25
)  # in the anchor for each payer and node: a stake is at most 6 of the largest fee
STRAYS = 6  # refused calls that are tried in a mix, and as many again while a charge is open
MOST_FEE_DIGITS = 24  # of the limits in `cast`


@dataclass
class Ground:
    """The settlement of the mixes on chain, and everybody in it.

    Attributes:
        accounts: account on chain of everybody in a walk.
        keys: of nodes and judges, and of payer and outsider, who sign what they may not.
        free: balances at the start of every mix.
    """

    chain: EvmChain
    settlement: SettlementContract
    anchor: AnchorAccounts
    accounts: dict[Address, Address]
    keys: dict[Address, SecretKey]
    free: dict[Address, int]
    payer: Address
    pool: Address
    outsider: Address
    judges: tuple[Address, ...]
    providers: dict[Address, Address]
    judge_providers: dict[Address, Address]

    def model(self) -> SettlementModel:
        """The model in the state of the contracts at the start of a mix."""
        return SettlementModel(
            limits=cast.LIMITS,
            judges=self.judges,
            pool=self.pool,
            free=dict(self.free),
            providers=self.providers,
            judge_providers=self.judge_providers,
        )


def address(account: Any) -> Address:
    return parse_address(str(account))


def deploy_for_mixes(world: World, project: Any) -> Any:
    """A settlement with the limits of the walks, and enough in every account for any fee."""
    settlement = deploy_settlement(world, project, cast.LIMITS.as_abi())
    world.token.approve(world.anchor, 10 * FORTUNE, sender=world.deployer)
    for account in [world.payer, *world.nodes]:
        world.anchor.deposit(account, FORTUNE, sender=world.deployer)
        world.allow(account, settlement, FORTUNE)
    return settlement


def describe_deployment(world: World, settlement: Any, chain_id: int) -> Deployment:
    """What the manifest of these contracts would say."""
    judges = tuple(address(judge) for judge in world.judges)
    made = {
        "MetaCoin": world.token,
        "Allocations": world.token.allocations(),
        "ParticipantRegistry": world.registry,
        "AssetAnchor": world.anchor,
        "EnclaveManager": world.enclaves,
        "JobSettlement": settlement,
    }
    holder, pool, guardian = map(address, (world.deployer, world.pool, world.guardian))
    staking = Staking(Tokens(MIN_STAKE), UNBONDING, PAUSE)
    groups = draft_contracts(holder, judges, pool, guardian, cast.LIMITS, staking=staking)
    groups = tuple(group.filled(groups) for group in groups)
    contracts = {name: address(contract) for name, contract in made.items()}
    return Deployment(chain_id, 0, contracts, groups)


@pytest.fixture(scope="module")
def ground(deployed: World, project: Any) -> Ground:
    settlement = deploy_for_mixes(deployed, project)
    chain = EvmChain(deployed.chain.provider.web3.provider.endpoint_uri, confirmations=0).connect()
    deployment = describe_deployment(deployed, settlement, chain.chain_id)
    deployment.verify(chain)
    anchor = AnchorAccounts(chain, deployment.contract("AssetAnchor"))
    nodes = [address(node) for node in deployed.nodes]
    payer, pool = address(deployed.payer), address(deployed.pool)
    judges = deployment.group(OutsourcingContracts).judges
    # both ascending: what is in order in a walk is in order on chain
    ascending = sorted(judges, key=lambda judge: int(judge, 16))
    places = [cast.PAYER.address, *cast.NODE_ADDRESSES, *cast.JUDGE_ADDRESSES]
    signers = [*deployed.nodes, *deployed.judges, deployed.outsider, deployed.payer]
    return Ground(
        chain=chain,
        settlement=SettlementContract(chain, deployment, judges),
        anchor=anchor,
        accounts=dict(zip(places, [payer, *nodes, *ascending], strict=True)),
        keys={
            address(signer): SecretKey(bytes.fromhex(signer.private_key.removeprefix("0x")))
            for signer in signers
        },
        free={each: anchor.free_balance(each) for each in [payer, *nodes, *judges, pool]},
        payer=payer,
        pool=pool,
        outsider=address(deployed.outsider),
        judges=judges,
        providers=dict(zip(nodes, map(address, deployed.node_providers), strict=True)),
        judge_providers=dict(zip(judges, map(address, deployed.judge_providers), strict=True)),
    )


def draw_amounts(draw: random.Random) -> dict[str, int]:
    """Fee, judges' fee and stake of any size; the stake near its least, so that all is used up."""
    fee = max(cast.LIMITS.min_fee, int(10 ** draw.uniform(1, MOST_FEE_DIGITS)))
    least_judge_fee, most = -(-fee // 4), fee // 3
    judge_fee = draw.choice((least_judge_fee, most, draw.randint(least_judge_fee, most)))
    least = compute_least_stake(fee, cast.NODE_COUNT, cast.WISH.errors)
    return {"fee": fee, "judge_fee": judge_fee, "stake": least + draw.randrange(fee)}


def place_of(ground: Ground, translation: Translation) -> Place:
    nonce = 1
    domain = ground.settlement.domain
    job = compute_job_id(domain.chain_id, domain.contract, ground.payer, nonce)
    nodes = tuple(ground.accounts[node] for node in cast.NODE_ADDRESSES)
    return Place(job, nonce, translation.terms(cast.small_order().terms), ground.payer, nodes)


class Play:
    """One mix on the contracts and on the model, from the posting to the last token.

    Args:
        ground: contracts and accounts.
        mix: who behaves how.

    Attributes:
        refusals: errors by name.
    """

    def __init__(self, ground: Ground, mix: Mix) -> None:
        self.draw = random.Random(f"amounts and strays of {mix}")
        self.walk: Walk = walk(mix)
        amounts = draw_amounts(self.draw)
        seconds = ground.chain.now() + 10 - cast.START
        translation = Translation(ground.accounts, seconds, amounts)
        self.place = place_of(ground, translation)
        self.acts = [translation.act(act) for act in self.walk.acts]
        self.pair = Pair(
            ground.chain,
            ground.settlement,
            ground.anchor,
            ground.model(),
            ground.keys,
            ground.outsider,
            self.place,
        )
        people = list(ground.keys)
        self.strays = StrayActs(self.draw, self.pair.model, self.place, self.acts[0], people)
        self.refusals: Counter[str] = Counter()

    def run(self) -> None:
        """Play everything; compare in the middle, at a drawn moment, and at the end."""
        gaps = len(self.acts) - 1
        strays = Counter(self.draw.randrange(gaps) for _ in range(STRAYS))
        compared = self.draw.randrange(gaps)
        for place, (act, following) in enumerate(pairwise(self.acts)):
            self._play(act)
            since = act.now
            for _ in range(strays[place] + len(self.strays.charged) * STRAYS // 2):
                stray = self.strays.between(since, following.now)
                if stray is not None:
                    since = stray.now
                    assert self._play(stray), stray
            if place == compared:
                assert self.pair.differences() == {}
        self._play(self.acts[-1])
        assert self.pair.differences() == {}
        assert self.pair.model.held == 0
        seats = self.pair.model.index_views(self.place.job)
        assert tuple(seat.phase for seat in seats) == self.walk.ends

    def _play(self, act: Any) -> str:
        refusal = self.pair.play(act)
        self.refusals[refusal] += 1
        return refusal


def gains_on_chain(ground: Ground) -> dict[Address, int]:
    """What everybody has more in the anchor than before the mix."""
    return {each: ground.anchor.free_balance(each) - had for each, had in ground.free.items()}


def check_nobody_honest_loses(ground: Ground, mix: Mix, play: Play) -> None:
    """Read from the chain alone."""
    gains, terms = gains_on_chain(ground), play.place.terms
    assert sum(gains.values()) == 0
    for account in [*ground.judges, ground.pool]:
        assert gains[account] >= 0
    nodes = [ground.accounts[node] for node in cast.NODE_ADDRESSES]
    for node, kind in zip(nodes, mix.kinds, strict=True):
        assert gains[node] >= 0 or kind != "honest", kind
    payer, faulty = gains[ground.payer], sum(kind != "honest" for kind in mix.kinds)
    price = cast.NODE_COUNT * terms.fee
    if play.walk.slanders:
        assert payer < 0  # it gains nothing by it
    elif faulty <= cast.WISH.errors:
        assert payer >= -price
    else:  # more liars than e: the device may charge, at its own risk, whom it suspects
        assert payer >= -price - terms.bond
    if faulty == 1 and mix.device == "honest" and mix.judges == "verdict":
        assert payer == 0  # five paid, one that pays for five
    if faulty == 0 and not play.walk.slanders:
        assert all(gains[node] == terms.fee for node in nodes)


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_mix_on_the_contracts__equals_the_model_and_no_honest_party_loses(
    ground: Ground, mix: Mix
) -> None:
    play = Play(ground, mix)
    play.run()
    check_nobody_honest_loses(ground, mix, play)
    assert play.refusals.total() > len(play.acts)  # some strays were tried, all of them refused


@pytest.mark.parametrize("mix", OUTSIDE, ids=str)
def test_end_outside_the_mixes__equals_the_model(ground: Ground, mix: Mix) -> None:
    play = Play(ground, mix)
    play.run()
    assert {IndexPhase.VOID, IndexPhase.RELEASED} & set(play.walk.ends)
    gains = gains_on_chain(ground)
    for node in ground.accounts.values():
        assert gains[node] >= 0 or node == ground.payer
    if IndexPhase.RELEASED in play.walk.ends:
        assert not any(gains.values())


def test_sample__has_every_behaviour_and_every_end() -> None:
    assert len(set(MIXES)) == len(MIXES)
    assert {kind for mix in MIXES for kind in mix.kinds} == {"honest", "lying", "silent", "mute"}
    rest = {(mix.device, mix.judges) for mix in MIXES}
    assert rest == {
        (device, judges)
        for device in ("honest", "leaving", "slandering")
        for judges in ("verdict", "none")
    }
    assert {end for mix in MIXES for end in walk(mix).ends} == ENDS_OF_MIXES
