"""What both parties send to the escrow, effect by effect; sending is a party's own word.

So each call bears the other's signature alone, where the escrow wants both. What is drafted anew
while it is under way, as with a newer voucher, joins what is under way (`Call.about`). What one
party alone sends stands in its own room: `seller.sending`, `buyer.money.sending`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, assert_never

from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.escrow import (
    BroughtAmendment,
    BroughtClosing,
    EscrowContract,
)
from edgemark.systems.trading.contract.records import check_list
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.side import Side

SharedSubmits = do.SubmitAmending | do.SubmitCloseTogether | do.SubmitSettle | do.SubmitEndUnclosed
T = TypeVar("T")


class NothingToSend(LookupError):
    """A state does not have what an effect of its own brings: the machine is wrong."""


def call_of_both(escrow: EscrowContract, side: Side, effect: SharedSubmits, role: Role) -> Call:
    """The call by which either party carries out an effect that its state owes.

    Args:
        escrow: of the channel.
        side: the party's state.
        effect: owed by it.
        role: of the party.

    Raises:
        NothingToSend: the state does not have the other's signature.
    """
    terms = side.known.terms
    match effect:
        case do.SubmitAmending():
            told = held(side.offered)
            said = (terms, told.number, told.amount, told.signers, told.valid_until)
            return escrow.amend([BroughtAmendment(*said, *_by_other(told.signature, role))])
        case do.SubmitCloseTogether():
            back = held(side.closing_back)
            signed = _by_other(back.signature, role)
            return escrow.close_together(
                [BroughtClosing(terms, back.amount, back.valid_until, *signed)]
            )
        case do.SubmitSettle():
            return escrow.settle([terms])
        case do.SubmitEndUnclosed():
            return escrow.end_unclosed([terms])
        case _:
            assert_never(effect)


def as_one(calls: Sequence[Call]) -> Call:
    """What several calls of one function bring, in one: each takes a list of channels.

    Args:
        calls: of one contract and function, 1 .. `MAX_CHANNELS` pieces in all.

    Raises:
        RefusedInput: too many pieces for one transaction, or none.
    """
    if len(calls) == 1:
        return calls[0]
    pieces = [piece for call in calls for piece in call.args[0]]
    check_list(calls[0].function if calls else "call", pieces)
    return Call(calls[0].contract, calls[0].function, (pieces,))


def _by_other(signature: bytes, role: Role) -> tuple[bytes, bytes]:
    """(payer's, seller's): the sender's own word is that it sends this."""
    return (signature, b"") if role is Role.SELLER else (b"", signature)


def about(what: str, side: Side) -> bytes:
    """Names a call, so that the same of the same channel joins it."""
    return what.encode() + b" of " + side.known.channel


def held(part: T | None) -> T:
    """What an effect brings; raises `NothingToSend`."""
    if part is None:
        raise NothingToSend("a state owes to send what it does not have")
    return part
