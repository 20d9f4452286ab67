"""Homes of participants on one small chain, and the commands that they run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.offchain.small_chain import SmallChain, small_chain
from tests.stage.command_line import Finished, edgemark_here

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.cli.terminal.exits import Exit
from edgemark.identifiers import Address
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry
from edgemark.token.metacoin import MetaCoin

__all__ = ["MTC", "NEEDED", "Town", "small_chain", "town"]

MTC = 10**18
NEEDED = 1000 * MTC


@dataclass(frozen=True)
class Town:
    """Homes of participants on one chain, and the commands that they run."""

    ground: SmallChain
    folder: Path

    @property
    def registry(self) -> ParticipantRegistry:
        """As the chain has it."""
        deployment = self.ground.deployment
        return ParticipantRegistry(self.ground.chain, deployment.contract("ParticipantRegistry"))

    @property
    def anchor(self) -> AnchorAccounts:
        """As the chain has it."""
        contract = self.ground.deployment.contract("AssetAnchor")
        return AnchorAccounts(self.ground.chain, contract)

    def address(self, home: str) -> Address:
        """The account of a home."""
        return KeyStore.open(self.folder / home / "keys").account.address

    def enrich(self, home: str, tokens: int = 0) -> Address:
        """Give the account of a home gas and tokens."""
        me = self.address(home)
        self.ground.operator.transfer_many([(me, 10**18)])
        token = MetaCoin(self.ground.chain, self.ground.deployment.contract("MetaCoin"))
        if tokens:
            self.ground.operator.send(token.transfer(me, tokens))
        return me

    def run(self, home: str, *words: str | Path, **settings: object) -> Finished:
        """A command of a home."""
        self.ground.deployment.save(self.folder / "deployment.json")
        environ = {f"EDGEMARK_{name.upper()}": str(value) for name, value in settings.items()}
        environ |= {
            "EDGEMARK_CHAIN_URL": self.ground.chain.url,
            "EDGEMARK_CONFIRMATIONS": "0",
            "EDGEMARK_MANIFEST": str(self.folder / "deployment.json"),
        }
        return edgemark_here(*words, "--json", "--home", self.folder / home, environ=environ)

    def do(self, home: str, *words: str | Path, **settings: object) -> dict[str, object]:
        """A command that has to succeed; what it printed."""
        ran = self.run(home, *words, **settings)
        assert ran.status == Exit.DONE, ran.out + ran.error
        found: dict[str, object] = ran.value
        return found

    def pass_to(self, second: int) -> None:
        """Mine a block of this chain time."""
        self.ground.chain.rpc("evm_setNextBlockTimestamp", second)
        self.ground.chain.rpc("evm_mine")

    def set_up_provider(self, home: str) -> Address:
        """An organisation with its stake."""
        me = self.enrich(home, NEEDED)
        self.do(home, "provider", "register", "Edge Ltd")
        self.do(home, "provider", "stake")
        return me

    def set_up_node(self, home: str, provider: str) -> Address:
        """A node that its provider relays the registration of."""
        me, organisation = self.address(home), self.address(provider)
        self.do(provider, "provider", "admit", me)
        file = self.folder / f"{home}.json"
        wish = ("account", "register", "--role", "node", "--sign-only", file)
        self.do(home, *wish, provider=organisation, advertise="https://127.0.0.1:8443")
        self.do(provider, "account", "register", "--relay", file)
        return me


@pytest.fixture
def town(small_chain: SmallChain, tmp_path: Path) -> Town:
    return Town(small_chain, tmp_path)
