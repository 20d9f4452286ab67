"""What a party says when it stops, and what the other makes of it. Pure."""

from __future__ import annotations

from edgemark.identifiers import NO_TIME, Timestamp
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.ceasing import MAX_VIEWS_S
from edgemark.systems.trading.protocol.agreement import Head, Reason
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.messages import Stop

_EITHER = frozenset({Reason.EXPIRED, Reason.CONTROLLER_LOST})
SAYS = {  # why a party can have stopped; its word for anything else is that it wanted to
    Role.BUYER: _EITHER | {Reason.PROPOSAL_WRONG, Reason.DISK_LOST},
    Role.SELLER: _EITHER | {Reason.OVERDRAWN, Reason.VOUCHER_LATE},
}
WANTED = {Role.BUYER: Reason.ASKED_BY_BUYER, Role.SELLER: Reason.ASKED_BY_SELLER}


def hear_stop(stop: Stop, role: Role, head: Head) -> on.HeardStop:
    """What it means that the other stopped: the reason that it gives, if it can be its own.

    Since when, it says itself, if that is not to come: it asked for nothing from then on, and signs
    for no more. Who waits for it does so from now on. A buyer that sees newer blocks binds itself.
    """
    reason = stop.reason if stop.reason in SAYS[role] else WANTED[role]
    ahead = MAX_VIEWS_S if role is Role.BUYER else 0
    since = stop.at if stop.at <= head.block + ahead else NO_TIME
    return on.HeardStop(reason, Timestamp(head.block), since)
