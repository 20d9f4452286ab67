"""What somebody without keys can see: the chain, the contracts, the life of every job."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.deployment.deployment import Deployment, open_deployment
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.settings import Settings
from edgemark.systems.outsourcing.chronicle import Chronicle


@dataclass(frozen=True)
class Lookout:
    """A chain and its contracts, to read from; makes no key and no folder."""

    chain: EvmChain
    deployment: Deployment
    chronicle: Chronicle

    @staticmethod
    def open(settings: Settings) -> Lookout:
        """Connect as the settings say, and check that the contracts are there.

        Raises:
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
        """
        chain, deployment = open_deployment(settings)
        return Lookout(chain, deployment, Chronicle(chain, deployment))
