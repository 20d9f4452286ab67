"""What a station needs so that a command may spend with it: whichever contracts it knows."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.rehearsed_lane import RehearsedLane
from edgemark.settings.settings import Settings


class Payer(Protocol):
    """An account with a lane on one chain; `EvmStation` and `IdentityStation` are such."""

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open it to send, with its lane locked."""

    @classmethod
    def rehearse(cls, settings: Settings) -> Self:
        """Open it to try what would be sent; nothing is locked, nothing made."""

    @property
    def deployment(self) -> Deployment:
        """The contracts whose events say what it comes to."""

    @property
    def address(self) -> Address:
        """Who pays."""

    @property
    def lane_path(self) -> Path:
        """File of its lane."""

    def rehearsed_lane(self) -> RehearsedLane:
        """A lane that sends nothing."""

    def with_lane(self, lane: TransactionLane) -> Self:
        """The same with another lane."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
