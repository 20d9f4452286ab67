"""What `edgemark doctor` finds about identities: their chain, and this account on it."""

from __future__ import annotations

from collections.abc import Iterator

from edgemark.amounts import Coin
from edgemark.cli.doctor.findings import Finding, look
from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY
from edgemark.identity.keys import ACCOUNT_FILE
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.evm.contracts import DidContracts
from edgemark.party.evm.did.station import IdentityStation
from edgemark.resolver.opening import open_all_identities
from edgemark.resolver.settings import IdentitySettings, manifest_of_identities
from edgemark.settings.settings import Settings


def find_identities(settings: Settings, reached: EvmChain | None) -> Iterator[Finding]:
    """What there is where the settings name a chain of identities, or its manifest is there.

    Args:
        settings: say where.
        reached: the chain of transactions, if it answered.
    """
    wanted = settings.of(IdentitySettings)
    is_named = bool(wanted.url or wanted.more or wanted.manifest)
    if not is_named:
        alone = reached and manifest_of_identities(settings.home, reached.chain_id).exists()
        if not alone:
            return
    chains = look("identities", is_named, lambda: _describe(settings))
    yield chains
    if chains.fine and (settings.home / "keys" / ACCOUNT_FILE).exists():
        yield look("identity", False, lambda: _describe_own(settings))


def _describe(settings: Settings) -> str:
    found = open_all_identities(settings, (DidContracts,))
    return ", ".join(
        f"DidRegistry at {deployment.contract('DidRegistry').address} on chain {chain.chain_id:#x}"
        for chain, deployment in found
    )


def _describe_own(settings: Settings) -> str:
    """Whether this home's account owns itself, and can pay.

    Raises:
        RefusedInput: it does not, or cannot; or the home was used on another chain.
    """
    with IdentityStation.look(settings) as station:
        did, owner = station.registry.did(station.address), station.registry.owner(station.address)
        coins = station.chain.balance(station.address)
    if owner != station.address:
        raise RefusedInput(
            "was deactivated" if owner == NOBODY else "belongs to another account",
            who=did,
            had=owner,
            remedy="Use another identity."
            if owner == NOBODY
            else "Change it from the home folder of its owner.",
        )
    if not coins:
        raise RefusedInput(
            "has no coins on the chain of identities",
            who=did,
            remedy="Sign with --sign-only and let somebody else submit it, or send it coins.",
        )
    return f"{did}, {Coin(coins).rounded()} for gas there"
