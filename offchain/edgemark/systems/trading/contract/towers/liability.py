"""What a tower owes a seller for a channel that it did not watch; twin of `Watchtowers.sol`. Pure.

Rule 1: a tower answers for what it could have brought: of a channel that ended by a payer's or a
        stranger's window, or by nobody's closing, with the very keys in force whose signatures it
        holds, and the last second for more was one in which it watched.
Rule 2: it owes what the seller has less than the receipt says, at most what went back to the
        payer: a deposit that both parties had reduced is no loss.
Rule 3: what is set aside for one channel pays for no other. Were a bond shared, by who comes first
        or by parts, a tower that failed would claim the most of it through friends with a channel
        of their own.

A seller reads here what it can claim; the contract decides the same. Source of the rules: EFSC has
no towers; ours stand in docs/trading.md.
"""

from __future__ import annotations

from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.towers.records import Cover, Receipt, Watching


def compute_due(
    channel: Channel, receipt: Receipt, cover: Cover, watching: Watching, now: int
) -> int:
    """What a seller can claim with a receipt, smallest units; 0: nothing.

    Args:
        channel: as the chain keeps it.
        receipt: of the tower, of this channel.
        cover: what the tower has set aside for it.
        watching: what all towers hold to.
        now: second of the claim.
    """
    until = min(receipt.until, cover.until)
    if channel.phase is not ChannelPhase.ENDED or receipt.channel != channel.id:
        return 0
    if receipt.keys != channel.signers.keys:
        return 0
    if not 0 < channel.deadline <= until or now > until + watching.claim_seconds:
        return 0
    lost = min(max(receipt.amount - channel.paid, 0), channel.locked)
    return min(max(lost - cover.paid, 0), cover.amount)


def may_be_due(channel: Channel, cover: Cover, watching: Watching, now: int) -> bool:
    """Whether a cover may still have to pay, for any receipt: else anyone may have it given up."""
    if now > cover.until + watching.claim_seconds:
        return False
    if channel.phase is not ChannelPhase.ENDED:
        return True
    answers = 0 < channel.deadline <= cover.until
    return answers and cover.amount > 0 and channel.locked > cover.paid
