"""What it takes to change identities on their chain: keys, chain, registry, and a lane there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from edgemark.closing import Closing
from edgemark.deployment.deployment import Deployment
from edgemark.deployment.settings import ChainSettings
from edgemark.identifiers import Address, Timestamp
from edgemark.identity.did.registry import DidRegistry
from edgemark.identity.keys import KeyStore
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.closed_lane import ClosedLane
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import check_owner, identify
from edgemark.ledger.evm.sending.rehearsed_lane import RehearsedLane
from edgemark.party.evm.contracts import DidContracts
from edgemark.party.evm.station import find_lane, rehearse_lane
from edgemark.resolver.opening import open_identities
from edgemark.resolver.settings import IdentitySettings
from edgemark.settings.settings import Settings


@dataclass(frozen=True)
class IdentityStation(Closing):
    """An account on the chain of identities, which needs no other contract than their registry.

    Attributes:
        settings: home folder, and where identities are.
        keys: of the account.
        chain: of the registry.
        deployment: has the registry.
        registry: in Python.
        lane: sends; that of the transactions where they are on this chain.
        lane_path: its file, whether or not this station holds it.
    """

    settings: Settings
    keys: KeyStore
    chain: EvmChain
    deployment: Deployment
    registry: DidRegistry
    lane: TransactionLane
    lane_path: Path

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open keys and chain as the settings say, to send; keys are made on the first run.

        Raises:
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
            JournalInUse: another process sends for this account on this chain.
            OtherChainsFile: the home was used on another chain of this number.
        """
        looking = cls._look(settings, KeyStore.of(settings))
        most = settings.of(ChainSettings).max_fee_gwei
        key = looking.keys.account
        lane = TransactionLane(looking.chain, key, looking.lane_path, max_fee_gwei=most)
        return replace(looking, lane=lane)

    @classmethod
    def look(cls, settings: Settings, *, may_make: bool = False) -> Self:
        """The same to look only: nothing is locked, so that others of this home may be at work.

        Args:
            settings: say where.
            may_make: make keys where there are none yet; else a home that was mistyped is refused.

        Raises:
            RefusedInput: this home has no keys, and none may be made.
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid, OtherChainsFile: as `open`.
        """
        looking = cls._look(settings, KeyStore.of(settings, may_make=may_make))
        check_owner(looking.lane_path, looking._owner())
        return looking

    @classmethod
    def rehearse(cls, settings: Settings) -> Self:
        """The same to try what would be sent: nothing is locked, nothing made, nothing sent.

        Raises:
            RefusedInput: this home has no keys yet.
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid, OtherChainsFile: as `open`.
        """
        looking = cls.look(settings)
        return looking.with_lane(looking.rehearsed_lane())

    @classmethod
    def _look(cls, settings: Settings, keys: KeyStore) -> Self:
        chain, deployment = open_identities(settings, (DidContracts,))
        registry = DidRegistry(chain, deployment.contract("DidRegistry"))
        lane = ClosedLane(keys.account)
        found = cls(settings, keys, chain, deployment, registry, lane, settings.home)
        is_main = not settings.of(IdentitySettings).url
        path = find_lane(settings.home, chain.chain_id, found._owner(), is_main=is_main)
        return replace(found, lane_path=path)

    def _owner(self) -> bytes:
        return identify(self.chain.chain_id, self.chain.block(0).hash, self.address)

    def rehearsed_lane(self) -> RehearsedLane:
        """A lane that sends nothing and says what sending would come to."""
        return rehearse_lane(self.lane, self.settings, self.keys, self.chain)

    def with_lane(self, lane: TransactionLane) -> Self:
        """The same with another lane."""
        return replace(self, lane=lane)

    @property
    def is_rehearsed(self) -> bool:
        """Whether nothing is really sent: what else lasts is not to be done either."""
        return isinstance(self.lane, RehearsedLane)

    @property
    def address(self) -> Address:
        """This home's account."""
        return self.keys.account.address

    def now(self) -> Timestamp:
        """Chain time, of the latest block."""
        return Timestamp(self.chain.block("latest").timestamp)

    def close(self) -> None:
        """Let another process send for this account."""
        self.lane.close()
