"""Who stands on the stage of this system: six compute nodes and four judges, ten providers."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.demo.actor import Actor
from edgemark.demo.stage import PARTY_TOKENS, Stage
from edgemark.identifiers import Address, Tokens
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.parameters import DeploymentParameters
from edgemark.ledger.records import Limits, Role
from edgemark.receipt import TOKEN_UNIT

NODE_COUNT = 6  # m for t = 1, d = 2, e = 1
JUDGE_COUNT = 4  # n; k = 3
DISHONEST_NODE = "edgemark.systems.outsourcing.demo.dishonest"
LIMITS = Limits(
    min_fee=Tokens(10),
    max_fee=Tokens(10**6 * TOKEN_UNIT),
    min_window=2,
    max_window=86_400,
    judge_window=8,
    exit_grace=30 * 86_400,
)


@dataclass
class OutsourcingStage(Stage):
    """A stage with nodes and judges, and a device for a guest.

    Args:
        dishonest: numbers (from 1) of nodes that run with a plan of misdeeds.
        limits: what the settlement is deployed with.
        node_count, judge_count: servers of each kind.
    """

    dishonest: frozenset[int] = frozenset()
    limits: Limits = LIMITS
    node_count: int = NODE_COUNT
    judge_count: int = JUDGE_COUNT

    @property
    def nodes(self) -> list[Actor]:
        """The compute nodes, in order."""
        return [actor for actor in self.actors if actor.role is Role.COMPUTE_NODE]

    @property
    def judges(self) -> list[Actor]:
        """The judges, in order."""
        return [actor for actor in self.actors if actor.role is Role.ENCLAVE]

    def draft_cast(self) -> list[Actor]:
        """Nodes, then judges; a node deposits all its tokens."""
        nodes = range(1, self.node_count + 1)
        judges = range(1, self.judge_count + 1)
        return [
            *(self._draft_node(number) for number in nodes),
            *(Actor.draft(self.folder, "judge", number, Role.ENCLAVE) for number in judges),
        ]

    def draft_parameters(self, operator: Address, pool: Address) -> DeploymentParameters:
        """The judges judge; the operator holds the tokens and may deprecate."""
        return DeploymentParameters(
            holder=operator,
            judges=tuple(actor.account for actor in self.judges),
            pool=pool,
            guardian=operator,
            limits=self.limits,
        )

    def has_settled_in(self, chain: EvmChain, actor: Actor) -> bool:
        """A node has let the settlement lock its tokens."""
        anchor = self.deployment.contract("AssetAnchor")
        settlement = self.deployment.contracts["Settlement"]
        return actor.role is not Role.COMPUTE_NODE or bool(
            chain.call(anchor, "lockerAllowance", actor.account, settlement)
        )

    def _draft_node(self, number: int) -> Actor:
        node = Actor.draft(self.folder, "node", number, Role.COMPUTE_NODE)
        node.tokens, node.settings = PARTY_TOKENS, {"deposit": int(PARTY_TOKENS)}
        if number in self.dishonest:
            node.module, node.words = DISHONEST_NODE, [str(node.home)]
        return node
