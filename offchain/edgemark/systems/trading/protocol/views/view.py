"""What the chain shows of a channel, and what that tells a party that has not heard it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase, Signers
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Reason
from edgemark.systems.trading.protocol.side import Side


@dataclass(frozen=True)
class ChannelView:
    """What the chain shows of a channel, at confirmed depth, in one block.

    Args:
        phase: of the escrow; NONE before it is opened.
        now: time of the block.
        opened_at: when it was opened.
        deposit, paid, agreements, signers: as long as it is open.
        counted, deadline: of a window.
        closed_by: the closing phase that it was in, also when it has ended; NONE: no window was.
        ending, amount: of one that has ended, as its event tells.
    """

    phase: ChannelPhase
    now: Timestamp
    opened_at: Timestamp = NO_TIME
    deposit: Tokens = NO_TOKENS
    paid: Tokens = NO_TOKENS
    agreements: int = 0
    signers: Signers | None = None
    counted: Tokens = NO_TOKENS
    deadline: Timestamp = NO_TIME
    closed_by: ChannelPhase = ChannelPhase.NONE
    ending: ChannelEnding | None = None
    amount: Tokens = NO_TOKENS


def _observe_open(side: Side, view: ChannelView) -> list[on.OnChain]:
    found: list[on.OnChain] = []
    had = (side.deposit, side.paid, side.agreements)
    if side.opened_at == NO_TIME or had != (view.deposit, view.paid, view.agreements):
        found.append(on.SawMoney(view.deposit, view.paid, view.agreements))
    if view.signers not in (None, side.in_force):
        found.append(on.SawAmended(view.signers or side.in_force))
    if any(until < view.now for until in side.said) and view.agreements == side.agreements:
        found.append(accord.SawLapsed(view.now))
    return found


def observe(side: Side, view: ChannelView) -> list[on.OnChain]:
    """What a view of the chain tells a party that it has not heard yet."""
    never = (Reason.NEVER_OPENED, Reason.OPENING_REFUSED)
    if side.agreement is None or side.ending is not None or side.why in never:
        return []
    if view.phase is ChannelPhase.NONE:
        until = side.opening.valid_until if side.opening else side.agreement.terms.expires_at
        return [on.SawNeverOpened()] if side.opened_at == NO_TIME and view.now > until else []
    found: list[on.OnChain] = []
    if side.opened_at == NO_TIME:
        found.append(on.SawOpened(side.agreement.terms.deposit, view.opened_at))
    if side.deadline == NO_TIME and view.phase is not ChannelPhase.ENDED:
        found += _observe_open(side, view)
    if view.closed_by is not ChannelPhase.NONE and side.deadline == NO_TIME:
        found.append(on.SawClosing(view.closed_by, view.counted, view.deadline))
    elif view.phase.is_closing and view.counted != side.counted:
        found.append(on.SawShown(view.counted))
    if view.ending is not None:
        found.append(on.SawEnded(view.ending, view.amount))
    return found
