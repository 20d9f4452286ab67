"""What a transaction pays per gas (EIP-1559). Pure.

The base fee of a block is at most 9/8 of the one before, so twice the present base fee carries a
transaction through at least five full blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.ledger.evm.faults import FeeAboveCap

WEI_PER_GWEI = 10**9
DEFAULT_TIP = WEI_PER_GWEI  # where the node suggests none
RAISE = (9, 8)  # nodes replace a transaction when both fees grew by at least a tenth


@dataclass(frozen=True)
class Fees:
    """Wei per gas.

    Args:
        tip: priority fee.
        most: base fee and tip together at most.
    """

    tip: int
    most: int


@dataclass(frozen=True)
class Market:
    """What the chain asks for, wei per gas.

    Args:
        base_fee: of the latest block.
        tip: that is suggested.
    """

    base_fee: int
    tip: int

    @property
    def next_base_fee(self) -> int:
        """Of the next block at most."""
        return self.base_fee + max(1, self.base_fee // 8)


def choose_fees(base_fee: int, suggested_tip: int, cap: int) -> Fees:
    """Fees for a new transaction, all in wei per gas.

    Raises:
        FeeAboveCap: the base fee alone is above `cap`.
    """
    if base_fee > cap:
        raise FeeAboveCap(
            "gas is too dear at present",
            who="transaction",
            had=f"a base fee of {base_fee / WEI_PER_GWEI:g} gwei",
            needed=f"<= {cap / WEI_PER_GWEI:g} gwei",
            remedy="Wait, or raise the setting chain.max_fee_gwei.",
        )
    most = min(cap, 2 * base_fee + suggested_tip)
    return Fees(min(suggested_tip, most), most)


def raise_fees(old: Fees, base_fee: int, suggested_tip: int, cap: int) -> Fees | None:
    """Fees that replace `old` in the nodes' pools; None when the cap leaves no room for that."""
    up, down = RAISE
    tip = max(suggested_tip, old.tip * up // down + 1)
    most = max(old.most * up // down + 1, 2 * base_fee + tip)
    least = max(old.most * up // down + 1, tip)
    if least > cap:
        return None
    return Fees(tip, min(cap, most))
