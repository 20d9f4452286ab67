"""Who stands on the stage of this system: six compute nodes and four judges, ten providers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.amounts import write_tokens
from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.crypto.polynomial import DenseQuadratic
from edgemark.demo.evm.actor import EvmActor, provider_home
from edgemark.demo.evm.stage import PARTY_TOKENS, EvmStage
from edgemark.deployment.group import ContractGroup
from edgemark.files import write_whole
from edgemark.identifiers import TOKEN_UNIT, Address, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.station.contracts import (
    COMPUTE_NODE,
    DEFAULT_LIMITS,
    ENCLAVE,
    draft_contracts,
)
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.words import count

NODE_COUNT = 6  # m for t = 1, d = 2, e = 1
JUDGE_COUNT = 4  # n; k = 3
GUEST = "device"  # its home folder's name
NETWORK_START_S = 300.0  # so many servers at once, on a machine that is busy with much else
DISHONEST_NODE = "edgemark.systems.outsourcing.demo.dishonest"
LIMITS = Limits(
    min_fee=Tokens(12),
    max_fee=Tokens(10**6 * TOKEN_UNIT),
    judge_floor=Tokens(1),
    judge_price=Tokens(10**9),
    min_window=2,
    max_window=86_400,
    judge_window=8,
    exit_grace=30 * 86_400,
)


def hand_out_providers(homes: Sequence[Path]) -> None:
    """Make a provider for each server, ascending by address in the order of the servers."""
    folders = [provider_home(home) for home in homes]
    made = [folder.with_name(f"{folder.name}.new") for folder in folders]
    ascending = sorted(
        made, key=lambda folder: int(KeyStore.open(folder / "keys").account.address, 16)
    )
    for source, target in zip(ascending, folders, strict=True):
        source.rename(target)


@dataclass
class OutsourcingStage(EvmStage):
    """A stage with nodes and judges, and a device for a guest.

    Args:
        dishonest: numbers (from 1) of nodes that run with a script of misdeeds.
        limits: what the settlement is deployed with.
        node_count, judge_count: servers of each kind.
    """

    SECTIONS = OutsourcingStation.SECTIONS

    guests: Sequence[str] = (GUEST,)
    dishonest: frozenset[int] = frozenset()
    limits: Limits = LIMITS
    node_count: int = NODE_COUNT
    judge_count: int = JUDGE_COUNT

    @property
    def nodes(self) -> list[EvmActor]:
        """The compute nodes, in order."""
        return [actor for actor in self.actors if actor.role is COMPUTE_NODE]

    @property
    def judges(self) -> list[EvmActor]:
        """The judges, in order."""
        return [actor for actor in self.actors if actor.role is ENCLAVE]

    def draft_cast(self) -> list[EvmActor]:
        """Nodes, then judges; a node deposits all its tokens.

        A job names its nodes ascending by provider, so the providers are handed out in that order:
        node j has index j in every job.
        """
        nodes = range(1, self.node_count + 1)
        hand_out_providers([self.folder / f"node-{number}" for number in nodes])
        judges = range(1, self.judge_count + 1)
        return [
            *(self._draft_node(number) for number in nodes),
            *(EvmActor.draft(self.folder, "judge", n, role=ENCLAVE) for n in judges),
        ]

    def draft_groups(self, operator: Address, pool: Address) -> tuple[ContractGroup, ...]:
        """The judges judge; the operator holds the tokens and may deprecate."""
        return draft_contracts(
            holder=operator,
            judges=tuple(actor.account for actor in self.judges),
            pool=pool,
            guardian=operator,
            limits=self.limits,
        )

    def has_settled_in(self, actor: EvmActor) -> bool:
        """A node has let the settlement lock its tokens."""
        if actor.role is not COMPUTE_NODE:
            return True
        anchor = AnchorAccounts(self.chain, self.deployment.contract("AssetAnchor"))
        settlement = self.deployment.contracts["JobSettlement"]
        return anchor.locker_allowance(actor.account, settlement).amount > 0

    def _draft_node(self, number: int) -> EvmActor:
        node = EvmActor.draft(self.folder, "node", number, role=COMPUTE_NODE)
        node.tokens, node.settings = (
            PARTY_TOKENS,
            {"registration.deposit": write_tokens(PARTY_TOKENS)},
        )
        if number in self.dishonest:
            node.module, node.words = DISHONEST_NODE, [str(node.home)]
        return node


class NodesNetwork:
    """A network for development: nodes, judges, and a device that may ask them at once.

    The contracts have the limits of a deployment by hand, not the short ones of a demonstration.
    """

    def draft(self, folder: Path, servers: int, **of_the_stage: Any) -> OutsourcingStage:
        """See `Network`."""
        return OutsourcingStage(
            folder,
            node_count=servers,
            limits=DEFAULT_LIMITS,
            start_limit_s=NETWORK_START_S,
            **of_the_stage,
        )

    def describe(self, stage: OutsourcingStage) -> str:
        """See `Network`."""
        return f"{count(stage.node_count, 'node')} and {count(stage.judge_count, 'judge')}"

    def furnish(self, stage: OutsourcingStage) -> list[list[str]]:
        """Write F(x, y) = x^2 + 2xy + 3 and two inputs; how to look around, and to order a job."""
        home = stage.folder / GUEST
        function, inputs = home / "example.function", home / "example.json"
        terms = {(0, 0): (1,), (0, 1): (2,), (): (3,)}
        write_whole(function, DenseQuadratic.from_terms(2, 1, terms).to_bytes())
        write_whole(inputs, b"[[2, 5], [-4, 7]]\n")
        files = ["--function", str(function), "--input", str(inputs)]
        own = ["--home", str(home)]
        return [
            ["index", "nodes", "--ask", *own],
            ["outsourcing", "submit", *own, *files, "--nodes", "auto"],
        ]


NODES = NodesNetwork()
