"""[chain]: which chain, which contracts on it, and what is paid there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edgemark.files import expand_home
from edgemark.settings.section import Section, SettingInvalid, setting


def check_web_address(url: str, who: str) -> None:
    """Refuse what can be no http address; its words are not shown, for many hold a user's key."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        # the library drops line breaks in the middle of a name: another one would be asked
        is_one &= not any(each in '"<>' or each.isspace() or not each.isprintable() for each in url)
    except ValueError:
        is_one = False
    if not is_one:
        raise SettingInvalid(
            "is no address of a chain's node",
            who=who,
            needed="http://HOST:PORT or https://HOST",
        )


@dataclass(frozen=True)
class ChainSettings(Section):
    """The chain of a party.

    Attributes:
        url: JSON-RPC of the chain.
        id: the chain it must be; 0 takes any.
        confirmations: blocks on top of one before it counts.
        manifest: deployment manifest; empty for `deployments/<chain id>.json` in the home folder.
        max_fee_gwei: base fee and tip together at most, gwei per gas.
    """

    NAME = "chain"

    url: str = setting("http://127.0.0.1:8545", check=check_web_address, flat="chain_url")
    id: int = setting(0, within=(0, 2**63), flat="chain_id")
    confirmations: int = setting(2, within=(0, 10_000), flat="confirmations")
    manifest: str = setting("", flat="manifest")
    max_fee_gwei: float = setting(100.0, within=(0.000001, 1_000_000), flat="max_fee_gwei")

    def manifest_file(self, home: Path, chain_id: int) -> Path:
        """Where the deployment manifest of a chain is."""
        if self.manifest:
            return expand_home(self.manifest, who="chain.manifest")
        return home / "deployments" / f"{chain_id}.json"
