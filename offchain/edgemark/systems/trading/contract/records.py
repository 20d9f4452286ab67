"""What the ChannelEscrow contract stores and takes, as values: pure, for whoever reasons about it.

Amounts are in the token's smallest unit, times in Unix seconds of chain time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum

from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY, Address, Hash32, Tokens

MAX_CHANNELS = 32  # of one call
MAX_DELEGATION = 2**24 - 1  # the highest number of a delegation


class ChannelPhase(IntEnum):
    """Phases of a channel, in the order of `IChannelEscrow.ChannelPhase`."""

    NONE = 0
    OPEN = 1
    CLOSING_BY_PAYER = 2
    CLOSING_BY_SELLER = 3
    CLOSING_BY_OTHER = 4
    ENDED = 5

    @property
    def is_closing(self) -> bool:
        """Whether a window runs, or is over and was not settled yet."""
        return ChannelPhase.OPEN < self < ChannelPhase.ENDED


class ChannelEnding(IntEnum):
    """Why a channel ended, in the order of `IChannelEscrow.ChannelEnding`."""

    TOGETHER = 0
    CLAIMED = 1
    SETTLED = 2
    UNCLOSED = 3
    LAPSED = 4


@dataclass(frozen=True)
class Limits:
    """Bounds of all channels, in the order of `IChannelEscrow.Limits`.

    Args:
        min_window, max_window: of W, seconds.
        exit_grace: seconds from the last possible window to the expiry of the lock.
        max_deposit: most that a channel may ever hold, and the most of a bond.
    """

    min_window: int
    max_window: int
    exit_grace: int
    max_deposit: Tokens

    def as_abi(self) -> tuple[int, ...]:
        """The tuple that the constructor takes."""
        return astuple(self)


@dataclass(frozen=True)
class Voucher:
    """What the payer owes, in the order of `IChannelEscrow.Voucher`; `amount` alone decides.

    Args:
        index: orders credentials, and never restarts.
        amount: all that was ever owed in this channel.
        template_hash: of the settlement template (TST).
        controller: that issues the credential around it.
        epoch: of that controller.
    """

    index: int
    amount: Tokens
    template_hash: Hash32
    controller: Address
    epoch: int = 0

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        head = (self.index, self.amount, self.template_hash)
        return (*head, self.controller, self.epoch)


@dataclass(frozen=True)
class Signers:
    """Who signs, and who issues, in a channel; in the order of `IChannelEscrow.Signers`."""

    payer_key: Address
    seller_key: Address
    controller: Address
    epoch: int = 0

    @property
    def keys(self) -> tuple[Address, Address]:
        """The payer's and the seller's."""
        return self.payer_key, self.seller_key

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return astuple(self)


@dataclass(frozen=True)
class Delegation:
    """Who watches a channel for a party: the highest number shown in a window counts.

    Args:
        tower: its account.
        number: 1 .. `MAX_DELEGATION`.
        signer: whose signature stands under it.
    """

    tower: Address
    number: int
    signer: Address


@dataclass(frozen=True)
class Said:
    """Who stands behind a statement: its sender, and whose signatures it has; NOBODY: none."""

    sender: Address
    payer_signer: Address = NOBODY
    seller_signer: Address = NOBODY


def check_list(function: str, brought: Sequence[object], most: int = MAX_CHANNELS) -> None:
    """Check how long a list is that one call takes.

    Raises:
        RefusedInput: it is empty, or longer than the contract takes.
    """
    if not 1 <= len(brought) <= most:
        raise RefusedInput(
            "takes no list of this length", who=function, had=len(brought), needed=f"1..{most}"
        )
