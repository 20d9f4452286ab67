"""The chains of identities and their registries, as the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgemark.deployment.deployment import Deployment, ManifestInvalid
from edgemark.deployment.group import ContractGroup
from edgemark.deployment.settings import ChainSettings
from edgemark.ledger.evm.faults import NoChain
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.resolver.settings import IdentitySettings, manifest_of_identities
from edgemark.settings.section import SettingInvalid
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
    wanted = settings.of(IdentitySettings)
    chain = _connect(settings, wanted.url_among(settings), wanted.id)
    return chain, _load(chain, wanted.manifest_among(settings, chain.chain_id), known)


def open_all_identities(
    settings: Settings, known: Sequence[type[ContractGroup]]
) -> list[tuple[EvmChain, Deployment]]:
    """Connect to the chain of identities and to the further ones that the settings name.

    Args:
        settings: say where.
        known: the group that has the registry.

    Raises:
        SettingInvalid: two of them are one chain.
        NoChain, ChainIdMismatch, NoCode, ManifestInvalid: as `open_identities`.
    """
    found = [open_identities(settings, known)]
    for url in settings.of(IdentitySettings).more.split():
        chain = _connect(settings, url)
        if chain.chain_id in {other.chain_id for other, _ in found}:
            raise SettingInvalid(
                "names a chain twice",
                who="identity.more",
                had=f"chain id {chain.chain_id}",
                needed="each chain once, beside that of identity.url",
            )
        manifest = manifest_of_identities(settings.home, chain.chain_id)
        found.append((chain, _load(chain, manifest, known)))
    return found


def open_identities_of(
    settings: Settings, known: Sequence[type[ContractGroup]], chain_id: int
) -> tuple[EvmChain, Deployment]:
    """The chain with this id, of those that the settings name; the first one when none has it.

    One that does not answer hinders no identity of another.

    Args:
        settings: say where.
        known: the group that has the registry.
        chain_id: of a DID.

    Raises:
        NoChain: none of those that answer has it, and another one does not answer.
        ChainIdMismatch, NoCode, ManifestInvalid: as `open_identities`.
    """
    silent: list[NoChain] = []
    try:
        first = open_identities(settings, known)
    except NoChain as fault:
        silent.append(fault)
    else:
        if first[0].chain_id == chain_id:
            return first
    for url in settings.of(IdentitySettings).more.split():
        try:
            chain = _connect(settings, url)
        except NoChain as fault:
            silent.append(fault)
            continue
        if chain.chain_id == chain_id:
            return chain, _load(chain, manifest_of_identities(settings.home, chain_id), known)
    if silent:
        raise silent[0]
    return first


def _connect(settings: Settings, url: str, chain_id: int = 0) -> EvmChain:
    confirmations = settings.of(ChainSettings).confirmations
    return EvmChain(url, chain_id=chain_id or None, confirmations=confirmations).connect()


def _load(chain: EvmChain, manifest: Path, known: Sequence[type[ContractGroup]]) -> Deployment:
    if not manifest.exists():
        raise ManifestInvalid(
            "cannot read the manifest",
            who=manifest.absolute(),
            had="no such file",
            needed=f"the file that the deployment on chain id {chain.chain_id} wrote",
            remedy="Deploy the registry (`ape run deploy --identities`), or put its manifest "
            "there; that of identity.url may be elsewhere, see identity.manifest.",
        )
    deployment = Deployment.load(manifest, known, chain.chain_id)
    deployment.verify(chain)
    return deployment
