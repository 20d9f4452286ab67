"""A chain and its contracts, from which anybody reads what happened to a system's matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from edgemark.deployment.deployment import Deployment, open_deployment
from edgemark.deployment.group import ContractGroup
from edgemark.errors import RefusedInput
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.settings.settings import Settings

C = TypeVar("C")


class MatterUnknown(RefusedInput):
    """No such matter stands on a chain, or not deep enough yet; a system says what it is called."""

    WORD = "matter"

    @classmethod
    def on(cls, matter: bytes, chain: EvmChain, until: int) -> Self:
        """Of a matter that the chain does not name until a block."""
        return cls(
            f"no such {cls.WORD} on this chain",
            who=f"{cls.WORD} {matter.hex()}",
            had=f"chain {chain.chain_id} until block {until}",
            remedy=f"Check the settings chain.url and chain.manifest; a new {cls.WORD} needs "
            "confirmations.",
        )


@dataclass(frozen=True)
class MatterLookout(Generic[C]):
    """To read from; makes no key and no folder.

    Attributes:
        chain, deployment: where.
        chronicle: of the system.
    """

    chain: EvmChain
    deployment: Deployment
    chronicle: C

    @classmethod
    def of(
        cls,
        settings: Settings,
        groups: Sequence[type[ContractGroup]],
        chronicle: Callable[[EvmChain, Deployment], C],
    ) -> Self:
        """Connect as the settings say, and check that the contracts are there.

        Raises:
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
        """
        chain, deployment = open_deployment(settings, groups)
        return cls(chain, deployment, chronicle(chain, deployment))
