"""How the owner of an identity changes it, or has it changed by what it signs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY, Address, Timestamp
from edgemark.identity.did.acts import Act
from edgemark.identity.did.signed_act import SignedAct, StatementInvalid
from edgemark.ledger.evm.sending.intent import Call
from edgemark.party.evm.did.station import IdentityStation
from edgemark.party.evm.joining import refusing_as_asked, send_as_asked

STATEMENT_S = 7 * 86_400  # who sends it may take their time; a nonce makes it count once
SEE = "See `edgemark identity resolve DID`."

Wish = Callable[[Timestamp], Act]  # of chain time: what is to be valid for so long


class NotTheOwner(RefusedInput):
    """An identity is to be changed by an account that it does not belong to."""


def check_owned(station: IdentityStation, identity: Address) -> None:
    """Check that this account may change an identity.

    Raises:
        NotTheOwner: it belongs to another account, or to nobody any more.
    """
    owner = station.registry.owner(identity)
    if owner == station.address:
        return
    raise NotTheOwner(
        "was deactivated" if owner == NOBODY else "belongs to another account",
        who=station.registry.did(identity),
        had="nobody owns it, for good" if owner == NOBODY else owner,
        needed=station.address,
        remedy="Use another identity."
        if owner == NOBODY
        else "Use the home folder of its owner, or have it sign with --sign-only.",
    )


def act_as_owner(station: IdentityStation, wish: Wish) -> Act:
    """Do something to an identity of this account's, and wait until it is final.

    Raises:
        NotTheOwner: it belongs to another account.
        RefusedInput: the registry refuses it.
    """
    now = station.now()
    act = wish(now)
    check_owned(station, act.identity)
    send_as_asked(station, station.registry.by_owner(act, now), SEE)
    return act


def void_signatures(station: IdentityStation, identity: Address) -> None:
    """Void what was signed for an identity of this account's, and not used.

    Raises:
        NotTheOwner, RefusedInput: as `act_as_owner`.
    """
    check_owned(station, identity)
    send_as_asked(station, station.registry.revoke_signatures(identity), SEE)


def sign_act(station: IdentityStation, wish: Wish) -> SignedAct:
    """Sign it instead, for anybody to send; needs no gas.

    Raises:
        NotTheOwner: the identity belongs to another account.
        RefusedInput: the registry would refuse it, whoever sends it.
    """
    now, registry = station.now(), station.registry
    act = wish(now)
    check_owned(station, act.identity)
    _check_taken(station, registry.by_owner(act, now))
    deadline = Timestamp(now + STATEMENT_S)
    nonce = registry.nonce(act.identity)
    return SignedAct.sign(act, station.keys.account, registry.domain(), nonce, deadline)


def _check_taken(station: IdentityStation, call: Call) -> None:
    """Check that the registry would take it of the owner now; the node sees nothing signed."""
    with refusing_as_asked(station.address, call, SEE):
        station.chain.call(
            call.contract, call.function, *call.args, block="latest", sender=station.address
        )


def submit_act(station: IdentityStation, path: Path) -> SignedAct:
    """Send what the owner of an identity signed, and pay for it.

    Raises:
        StatementInvalid: it is none, is for another registry, or counts no more.
        RefusedInput: the registry refuses it.
    """
    signed = SignedAct.load(path)
    signed.check(station.registry.domain())
    _check_counts(station, signed)
    send_as_asked(station, station.registry.by_signature(signed), SEE)
    return signed


def _check_counts(station: IdentityStation, signed: SignedAct) -> None:
    """Check what the contract would say in numbers, before anybody pays for it."""
    identity, registry = signed.act.identity, station.registry
    owner, nonce, now = registry.owner(identity), registry.nonce(identity), station.now()
    if owner != signed.signer:
        had, needed = f"signed by {signed.signer}", f"signed by {owner}, who owns it"
        if owner == NOBODY:
            needed = "nothing: the identity was deactivated"
    elif nonce != signed.nonce:
        had = f"statement {signed.nonce}"
        needed = f"statement {nonce}: the identity was changed since, or it was sent already"
    elif now > signed.deadline:
        had, needed = f"valid until {signed.deadline}", f"valid at {now}, chain time"
    else:
        return
    raise StatementInvalid(
        "does not count any more",
        who=registry.did(identity),
        had=had,
        needed=needed,
        remedy="Ask its owner for a new one.",
    )
