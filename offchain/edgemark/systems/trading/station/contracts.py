"""The contracts of this system: what they log, how they are made, what is decided for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.anchoring.events import WorkStopped
from edgemark.deployment.group import ContractGroup, integers_of
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Tokens, parse_address
from edgemark.ledger.evm.contract.kind import Addresses, ContractKind
from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.trading.contract import events
from edgemark.systems.trading.contract.records import Limits
from edgemark.systems.trading.contract.terms import AMOUNTS

DEFAULT_LIMITS = Limits(
    min_window=3600,  # for a tower that was restarted, a chain that was busy, a reorganisation
    max_window=7 * 86_400,
    exit_grace=30 * 86_400,  # for anybody to settle; then the anchor returns what is left
    max_deposit=Tokens(10**5 * 10**18),  # early releases hold little
)
RESPONDING_BLOCKS = 4  # to see a window, choose what to show, and have it mined


def _of_escrow(at: Addresses, decided: Any) -> tuple[object, ...]:
    return (at["AssetAnchor"], decided.guardian, decided.limits.as_abi())


def _fixed_of_escrow(decided: Any) -> Mapping[str, object]:
    return {"guardian": decided.guardian, "limits": decided.limits.as_abi()}


CHANNEL_ESCROW = ContractKind(
    "ChannelEscrow",
    events=(
        events.ChannelOpened,
        events.DepositAdded,
        events.DepositReduced,
        events.AmountPaid,
        events.ChannelAmended,
        events.ChannelClosed,
        events.ResponseShown,
        events.ChannelEnded,
        WorkStopped,
    ),
    constructor=_of_escrow,
    wired=(("anchor", "AssetAnchor"),),
    fixed=_fixed_of_escrow,
    amounts={**AMOUNTS, "limits": ("max_deposit",)},
)


@dataclass(frozen=True)
class TradingContracts(ContractGroup):
    """The escrow, with what is decided for it.

    Args:
        guardian: may stop new channels.
        limits: bounds of every channel.
    """

    NAME = "trading"
    KINDS = (CHANNEL_ESCROW,)
    LOCKERS = (CHANNEL_ESCROW.name,)

    guardian: Address
    limits: Limits

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> TradingContracts:
        """Of a manifest; raises as `ContractGroup.from_dict`."""
        return cls(
            guardian=parse_address(facts["guardian"], who="guardian"),
            limits=Limits(**integers_of(Limits, facts["limits"])),
        )

    def check_pace(self, confirmations: int, block_s: int) -> None:
        """Check that whoever watches can respond within the shortest window.

        Raises:
            RefusedInput: the window is over before a response can have been mined.
        """
        needed = (confirmations + RESPONDING_BLOCKS) * block_s
        if self.limits.min_window < needed:
            raise RefusedInput(
                "shortest window is over before anybody can respond",
                who="deployment",
                had=f"{self.limits.min_window} s",
                needed=f"{needed} s: {confirmations} + {RESPONDING_BLOCKS} blocks of {block_s} s",
                remedy="Deploy with a longer window, or wait for fewer confirmations.",
            )


def draft_contracts(
    base: BaseContracts, guardian: Address, limits: Limits = DEFAULT_LIMITS
) -> Sequence[ContractGroup]:
    """This system with the contracts it stands on."""
    return (base, TradingContracts(guardian, limits))
