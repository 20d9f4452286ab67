"""A party on a stage with an EVM: what it registers as, for whom, and what it has in its wallet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.demo.actor import Actor
from edgemark.identifiers import Address, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Role

NO_TOKENS = Tokens(0)


@dataclass
class EvmActor(Actor):
    """One party; who registers as a server has a provider of its own, with a key of its own.

    Attributes:
        role: in which it registers itself; NONE when it does not.
        tokens: in its wallet before the curtain rises.
    """

    role: Role = Role.NONE
    tokens: Tokens = NO_TOKENS

    @property
    def has_provider(self) -> bool:
        """Only servers are admitted by an organisation."""
        return self.role.is_server

    @property
    def provider_key(self) -> SecretKey:
        """Of its provider.

        Raises:
            LookupError: it has none.
        """
        if not self.has_provider:
            raise LookupError(f"{self.name} has no provider")
        return KeyStore.open(provider_home(self.home) / "keys").account

    @property
    def provider(self) -> Address:
        """Account of its provider; raises as `provider_key`."""
        return self.provider_key.address


def provider_home(home: Path) -> Path:
    """Where the provider of the server with this home keeps its things."""
    return home.with_name(f"provider-of-{home.name}")
