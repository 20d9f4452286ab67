"""What the controller issues a credential of: a voucher that both signed, and nothing else. Pure.

It can refuse a voucher, and make or change none: EFSC lets a controller sign on behalf of a party.
"""

from __future__ import annotations

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.agreement import Head, check_fresh
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.messages import Settlement


class NotIssued(RefusedInput):
    """No credential of a voucher as things are."""


class IndexTwice(PeerFault):
    """Two vouchers of one index, each signed by both parties: no second credential is issued."""


def check_settlement(
    desk: Desk,
    settlement: Settlement,
    domain: ChannelDomain,
    head: Head,
    me: Address,
    stale_after_s: int,
) -> at.HeardSettlement | None:
    """What becomes of a voucher with both signatures; None when it has its credential already.

    Args:
        desk: the channel.
        settlement: from a letter of a party.
        domain: of the escrow.
        head: time.
        me: the controller's account.
        stale_after_s: age of the newest block at which nothing is issued.

    Raises:
        BlocksStopped, NotIssued: not now, or not by this controller.
        IndexTwice: its index has another voucher.
        BadSignature: a party did not sign it.
    """
    check_fresh(head, stale_after_s)
    voucher, channel = settlement.proposal.voucher, desk.known.channel
    digest = domain.voucher(channel, voucher)
    if is_known(desk, digest, domain):
        return None
    signers, terms = desk.in_force, desk.known.terms
    _need("controller", (voucher.controller, voucher.epoch), (me, signers.epoch))
    _need("template", voucher.template_hash.hex(), terms.settlement_template.hex())
    check_signature(digest, settlement.proposal.signature, signers.seller_key)
    check_signature(digest, settlement.payer_signature, signers.payer_key)
    newest = desk.due.proposal.voucher if desk.due else desk.issued.voucher if desk.issued else None
    if newest is not None:
        if voucher.index == newest.index:
            raise IndexTwice("index has another voucher", who="parties", had=voucher.index)
        if voucher.index < newest.index or voucher.amount < newest.amount:
            had = f"index {voucher.index}, amount {voucher.amount}"
            needed = f"above {newest.index}, at least {newest.amount}"
            raise NotIssued("index or amount goes back", who="voucher", had=had, needed=needed)
    if voucher.index <= desk.floor:
        needed = f"above {desk.floor}"
        raise NotIssued("index goes back", who="voucher", had=voucher.index, needed=needed)
    if voucher.amount > desk.deposit:
        needed = f"<= {desk.deposit}"
        raise NotIssued("is above the deposit", who="voucher", had=voucher.amount, needed=needed)
    if desk.due is not None:
        raise NotIssued("another is being issued", who="controller", had=desk.due.proposal.voucher)
    return at.HeardSettlement(settlement)


def is_known(desk: Desk, digest: Hash32, domain: ChannelDomain) -> bool:
    """Whether a voucher is the one that is due or was issued last."""
    channel = desk.known.channel
    known = [desk.due.proposal.voucher] if desk.due else []
    known += [desk.issued.voucher] if desk.issued else []
    return digest in [domain.voucher(channel, each) for each in known]


def _need(what: str, had: object, needed: object) -> None:
    if had != needed:
        raise NotIssued(f"is for another {what}", who="voucher", had=had, needed=needed)
