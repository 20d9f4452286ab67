"""What every shell of every system stands on: keys, chain, contracts, peers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.closing import Closing
from edgemark.deployment.deployment import Deployment, open_deployment
from edgemark.deployment.group import ContractGroup
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry, ServerEntry
from edgemark.identity.visiting import Visitor
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import ContractRefused, NoFunds
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.loop.machine import TryAgain
from edgemark.party.evm.contracts import BaseContracts
from edgemark.settings import Settings
from edgemark.token.metacoin import MetaCoin
from edgemark.transport.asking.http import HttpClient

TAKEN = b"taken"  # what a server answers when it keeps what it was handed


@dataclass(frozen=True)
class Station(Closing):
    """Everything a shell uses, opened once.

    A system's own station names its contracts and adds fields for them.

    Attributes:
        allowing: held from the look at an allowance until another is on the chain: what one thread
            allows takes the place of what another did.
    """

    GROUPS: ClassVar[tuple[type[ContractGroup], ...]] = (BaseContracts,)  # that it deals with
    CONTRACTS: ClassVar[tuple[str, ...]] = ()  # of the system: followed
    LOCKERS: ClassVar[tuple[str, ...]] = ()  # those that lock this party's tokens in the anchor

    settings: Settings
    keys: KeyStore
    chain: EvmChain
    deployment: Deployment
    lane: TransactionLane
    registry: ParticipantRegistry
    accounts: AnchorAccounts
    token: MetaCoin
    client: HttpClient
    visitor: Visitor
    allowing: threading.RLock = field(
        default_factory=threading.RLock, init=False, repr=False, compare=False
    )

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open keys and chain as the settings say, and check that the contracts are there.

        Raises:
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
        """
        keys = KeyStore.of(settings)
        chain, deployment = open_deployment(settings, cls.GROUPS)
        furniture = cls.furnish(settings, chain, deployment)
        registry = ParticipantRegistry(chain, deployment.contract("ParticipantRegistry"))
        lane = TransactionLane(
            chain,
            keys.account,
            Path(settings.home) / "lane.journal",
            max_fee_gwei=settings.max_fee_gwei,
        )
        return cls(
            settings=settings,
            keys=keys,
            chain=chain,
            deployment=deployment,
            lane=lane,
            registry=registry,
            accounts=AnchorAccounts(chain, deployment.contract("AssetAnchor")),
            token=MetaCoin(chain, deployment.contract("MetaCoin")),
            client=HttpClient(timeout_s=settings.request_timeout_s),
            visitor=Visitor(keys.account, registry.domain()),
            **furniture,
        )

    @classmethod
    def furnish(
        cls,
        settings: Settings,  # noqa: ARG003 - for the stations of systems
        chain: EvmChain,  # noqa: ARG003
        deployment: Deployment,  # noqa: ARG003
    ) -> Mapping[str, Any]:
        """The fields that a system's station adds, by name."""
        return {}

    def close(self) -> None:
        """Let another process send for this account."""
        self.lane.close()

    @property
    def address(self) -> Address:
        """This party's account."""
        return self.keys.account.address

    @property
    def contracts(self) -> list[Contract]:
        """The system's contracts."""
        return [self.deployment.contract(name) for name in self.CONTRACTS]

    @property
    def lockers(self) -> list[Address]:
        """The contracts that this party lets lock its tokens."""
        return [self.deployment.contracts[name] for name in self.LOCKERS]

    def submit(self, call: Call) -> Receipt:
        """Send a call that others may send too.

        Raises:
            TryAgain: the contract refuses it now, and the next view of the chain tells why; or the
                account cannot pay for it, and somebody may fund it.
        """
        try:
            return self.lane.send(call)
        except NoFunds as poor:
            raise TryAgain(poor.what, who=poor.who, had=poor.had, needed=poor.needed) from poor
        except ContractRefused as refused:
            raise TryAgain(
                f"{call.function} is refused for the moment",
                who=refused.contract,
                had=refused.error_name,
            ) from refused

    def ask(
        self, server: Address, path: str, body: bytes, *, most: int, method: str = "POST"
    ) -> bytes:
        """Ask a registered server over TLS, with the key that it registered, and say who asks.

        Raises:
            PeerUnreachable, WrongCertificate, PeerRefused, AnswerTooLarge, AnswerMalformed.
            TryAgain: it registered no endpoint; a stranger's entry must not stop this party.
        """
        try:
            entry = self.server(server)
        except RefusedInput as unusable:
            raise TryAgain(unusable.what, who=server, had=unusable.had) from unusable
        return self.client.request(
            entry.endpoint,
            entry.pin,
            method,
            path,
            body,
            most_bytes=most,
            card=self.visitor.card_for(server),
        )

    def server(self, account: Address) -> ServerEntry:
        """Endpoint and TLS pin of a registered server."""
        return self.registry.server(account)
