"""What a party drafts, and takes of the other's, of what both sign. Pure; every check raises.

| an amendment changes | is brought by  | the other holds until it came or lapsed               |
|----------------------|----------------|-------------------------------------------------------|
| the controller       | who was asked  | nothing: vouchers count as before                     |
| the seller's key     | who asked      | nothing, as above; its word is its consent            |
| the payer's key      | who asked      | bills: the old key's signatures would be worth no     |
|                      |                | more than the amount of the amendment                 |
"""

from __future__ import annotations

from dataclasses import replace

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import PeerFault
from edgemark.identifiers import NOBODY, Address, Timestamp, Tokens, format_time
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.contract.terms import are_keys
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Amending
from edgemark.systems.trading.protocol.agreement import Head, check_fresh
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.side import Side


class AmendmentRefused(PeerFault):
    """The other's word for who signs or issues next, which this party does not take."""


def draft_amending(side: Side, amount: int, head: Head) -> Amending:
    """One's own word for what one wants, not signed: a checkpoint at this amount as well.

    It counts no longer than the chain takes one.
    """
    signers = side.in_force
    if side.next_controller != NOBODY:
        signers = replace(signers, controller=side.next_controller, epoch=signers.epoch + 1)
    if side.next_key != NOBODY:
        if side.keys_in(signers)[0] == signers.payer_key:
            signers = replace(signers, payer_key=side.next_key)
        else:
            signers = replace(signers, seller_key=side.next_key)
    until = min(head.block + 2 * side.decided.patience_s, side.known.terms.expires_at)
    return Amending(side.agreements, Tokens(amount), signers, Timestamp(until), b"")


def draft_consent(side: Side, head: Head) -> Amending:
    """One's own word for the key that the other wants, not signed; it counts for a short time only.

    It ends with the service, so that a last bill that waits for it still comes before the channel
    expires.
    """
    offered = side.offered
    if offered is None:
        raise LookupError("the other wants no other key")
    until = min(offered.valid_until, head.block + side.decided.patience_s, side.service_ends)
    return replace(offered, valid_until=Timestamp(until), signature=b"")


def check_amending(
    side: Side,
    amending: Amending,
    signer: Address,
    domain: ChannelDomain,
    head: Head,
    *,
    least: int,
    most: int,
) -> accord.HeardAmending | None:
    """The other's word for the next controller or another key; None when it was consented to.

    Args:
        side: the channel.
        amending: from a letter of the other.
        signer: the other's key.
        domain: of the escrow.
        head: time.
        least: amount at which this party loses nothing.
        most: the same.

    Raises:
        AmendmentRefused: it names a controller or a key that this party does not take, another
            number or epoch, or an amount at which this party would lose; or one thing at a time.
        BlocksStopped: it is for another key, and the newest block is old.
        BadSignature: another signed it.
    """
    had, now = amending.signers, side.in_force
    _check_signers(side, had)
    if amending.number != side.agreements:
        _refuse("has another number", amending.number, side.agreements)
    if side.asks_consent(amending):
        check_fresh(head, side.decided.stale_after_s)
        if side.reason:
            _refuse("comes after the end of service", had.keys, now.keys)
        if side.consent is not None and side.consent.is_same(amending):
            return None
        if side.consent is not None:
            _refuse("another key waits for the chain", had.keys, side.consent.signers.keys)
    if not side.may_follow(had):
        _refuse("comes while a bill is out", had.keys, now.keys)
    last = side.known.terms.expires_at
    until = min(amending.valid_until, last)
    if not least <= amending.amount <= most or until < head.block:
        needed = f"{least} to {most}, from {head.block} on, by {format_time(last)}"
        _refuse("amount or time", amending, needed)
    told = (amending.number, amending.amount, had, amending.valid_until)
    check_signature(domain.amendment(side.known.channel, *told), amending.signature, signer)
    return accord.HeardAmending(amending)


def _check_signers(side: Side, had: Signers) -> None:
    """Check whom an amendment names: a controller of this party, one key at a time, never two."""
    now = side.in_force
    wanted = {*side.decided.controllers, side.next_controller} - {NOBODY, now.controller}
    is_kept = (had.controller, had.epoch) == (now.controller, now.epoch)
    if not is_kept and not (had.controller in wanted and had.epoch == now.epoch + 1):
        told = f"{had.controller}, epoch {had.epoch}"
        _refuse("names no next controller of this party", told, f"epoch {now.epoch + 1}")
    (mine, others), (my_key, others_key) = side.keys_in(had), side.keys_in(now)
    is_mine = mine == my_key or (mine == side.next_key and others == others_key)
    if not is_mine or not are_keys(*had.keys):
        _refuse("names keys that this party does not take", had.keys, now.keys)
    if had == now:
        _refuse("changes nothing", had, "another controller or key")


def _refuse(what: str, had: object, needed: object) -> None:
    raise AmendmentRefused(what, who="amendment", had=had, needed=needed)
