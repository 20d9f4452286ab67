"""[identity]: the chain whose registry has the identities, where it is another than [chain]'s."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgemark.deployment.settings import ChainSettings, check_web_address
from edgemark.files import expand_home
from edgemark.settings.section import Section, setting
from edgemark.settings.settings import Settings


def _check_address_or_none(url: str, who: str) -> None:
    if url:
        check_web_address(url, who)


def _check_addresses(urls: str, who: str) -> None:
    for url in urls.split():
        check_web_address(url, who)


@dataclass(frozen=True)
class IdentitySettings(Section):
    """Where identities are.

    Attributes:
        url: JSON-RPC of the chain; empty for `chain.url`.
        id: the chain it must be; 0 takes any.
        manifest: of the registry; empty for that of [chain] where the chain is its own and one is
            named, else for `deployments/<chain id>-did.json` in the home folder.
        more: JSON-RPC of further chains whose identities are resolved too, with spaces between
            them; the manifest of each is `deployments/<chain id>-did.json` in the home folder.
        poll_s: seconds between two looks of a resolver that serves at each of its chains.
    """

    NAME = "identity"

    url: str = setting("", check=_check_address_or_none)
    id: int = setting(0, within=(0, 2**63))
    manifest: str = setting("")
    more: str = setting("", check=_check_addresses)
    poll_s: float = setting(1.0, within=(0.01, 3600))

    def url_among(self, settings: Settings) -> str:
        """JSON-RPC of the chain."""
        return self.url or settings.of(ChainSettings).url

    def manifest_among(self, settings: Settings, chain_id: int) -> Path:
        """Where the manifest of the registry is."""
        common = settings.of(ChainSettings).manifest if not self.url else ""
        if named := self.manifest or common:
            return expand_home(
                named, who="identity.manifest" if self.manifest else "chain.manifest"
            )
        return manifest_of_identities(settings.home, chain_id)


def manifest_of_identities(home: Path, chain_id: int) -> Path:
    """Where the manifest of a registry of identities is that stands alone on its chain."""
    return home / "deployments" / f"{chain_id}-did.json"
