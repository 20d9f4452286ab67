"""The chain of identities and its registry, as the settings say."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.deployment.deployment import Deployment
from edgemark.deployment.group import ContractGroup
from edgemark.deployment.settings import ChainSettings
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.resolver.settings import IdentitySettings
from edgemark.settings.settings import Settings


def open_identities(
    settings: Settings, known: Sequence[type[ContractGroup]]
) -> tuple[EvmChain, Deployment]:
    """Connect to the chain of identities, and check that the registry of its manifest is there.

    Args:
        settings: say where.
        known: the group that has the registry.

    Raises:
        NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
    """
    wanted, common = settings.of(IdentitySettings), settings.of(ChainSettings)
    url = wanted.url_among(settings)
    chain = EvmChain(url, chain_id=wanted.id or None, confirmations=common.confirmations).connect()
    manifest = wanted.manifest_among(settings, chain.chain_id)
    deployment = Deployment.load(manifest, known, chain.chain_id)
    deployment.verify(chain)
    return chain, deployment
