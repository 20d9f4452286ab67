"""What a party drafts, and takes of the other's, of what both sign. Pure; every check raises."""

from __future__ import annotations

from dataclasses import replace

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import PeerFault
from edgemark.identifiers import NOBODY, Address, Timestamp, Tokens
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Amending
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.side import Side


class AmendmentRefused(PeerFault):
    """The other's word for the next controller, which this party does not take."""


def draft_amending(side: Side, amount: int, head: Head) -> Amending:
    """One's own word for the next controller, not signed: a checkpoint at this amount as well."""
    signers = replace(side.in_force, controller=side.next_controller, epoch=side.in_force.epoch + 1)
    until = Timestamp(head.block + 2 * side.decided.patience_s)
    return Amending(side.agreements, Tokens(amount), signers, until, b"")


def check_amending(
    side: Side,
    amending: Amending,
    signer: Address,
    domain: ChannelDomain,
    head: Head,
    *,
    least: int,
    most: int,
) -> accord.HeardAmending:
    """The other's word for the next controller.

    Args:
        side: the channel.
        amending: from a letter of the other.
        signer: the other's key.
        domain: of the escrow.
        head: time.
        least: amount at which this party loses nothing.
        most: the same.

    Raises:
        AmendmentRefused: it names a controller that this party does not take, other keys, another
            number or epoch, or an amount at which this party would lose.
        BadSignature: another signed it.
    """
    had, now = amending.signers, side.in_force
    wanted = {*side.decided.controllers, side.next_controller} - {NOBODY, now.controller}
    keys = (had.payer_key, had.seller_key) == (now.payer_key, now.seller_key)
    is_next = (amending.number, had.epoch) == (side.agreements, now.epoch + 1)
    if not (keys and is_next and had.controller in wanted):
        raise AmendmentRefused(
            "names no next controller of this party",
            who="amendment",
            had=f"{had.controller}, epoch {had.epoch}, number {amending.number}",
            needed=f"epoch {now.epoch + 1}, number {side.agreements}, a controller of its policy",
        )
    if not least <= amending.amount <= most or amending.valid_until < head.block:
        needed = f"{least} to {most}, from {head.block} on"
        raise AmendmentRefused("amount or time", who="amendment", had=amending, needed=needed)
    told = (amending.number, amending.amount, had, amending.valid_until)
    check_signature(domain.amendment(side.known.channel, *told), amending.signature, signer)
    return accord.HeardAmending(amending)
