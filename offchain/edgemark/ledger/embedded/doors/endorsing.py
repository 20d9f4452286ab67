"""One proposal at the peers of several organisations: simulated at the same height, compared.

asked at one peer   -> `Outcome`: an endorsement, or its words and what a Gateway makes of them
asked at several    -> all answers equal, byte by byte; else where they differ
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import grpc

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.doors.admission import Admitted, ProposalRefused
from edgemark.ledger.embedded.doors.behind import Behind
from edgemark.ledger.embedded.simulation.differences import compare as compare_answers
from edgemark.ledger.embedded.simulation.endorsing import Endorsed
from edgemark.ledger.embedded.simulation.faults import ChaincodeSilent
from edgemark.ledger.embedded.state.views import StateView
from edgemark.ledger.fabric.faults import EndorserWords
from edgemark.ledger.fabric.wire.limits import MAX_ENDORSERS_TOLD

MAX_DIFFERENCES = 10  # told of one comparison


@dataclass(frozen=True)
class Outcome:
    """What one organisation's peer made of a proposal.

    Attributes:
        msp_id: of the organisation.
        endorsed: what it answers; None when it did not take it, or failed.
        words: why there is no good answer; empty when there is one.
        code: of gRPC that Evaluate answers.
        is_final: whether another peer would say the same.
        is_silent: whether its chaincode did not answer in time.
    """

    msp_id: str
    endorsed: Endorsed | None = None
    words: str = ""
    code: grpc.StatusCode = grpc.StatusCode.OK
    is_final: bool = True
    is_silent: bool = False


def refuse(msp_id: str, error: ProposalRefused) -> Outcome:
    """Of a proposal that a peer does not take."""
    if error.is_filtered:
        code = grpc.StatusCode.UNAVAILABLE
        return Outcome(msp_id, words=error.what, code=code, is_final=False)
    return Outcome(msp_id, words=error.what, code=grpc.StatusCode.FAILED_PRECONDITION)


async def ask_peer(
    behind: Behind, admitted: Admitted, msp_id: str, view: StateView | None, *, signs: bool
) -> Outcome:
    """Have one organisation's peer simulate a proposal.

    Args:
        behind: the doors.
        admitted: the proposal.
        msp_id: of the organisation.
        view: the state it reads; None for a proposal without a channel.
        signs: whether it endorses what comes out.
    """
    asked = (admitted.proposal, admitted.signed, admitted.member, admitted.channel, view, msp_id)
    try:
        if signs:
            endorsed = await behind.endorser.endorse(*asked)
            _note(admitted, endorsed)
        else:
            simulated = await behind.endorser.simulate(*asked)
            endorsed = Endorsed(simulated, b"", None)
    except EdgemarkError as error:
        return Outcome(
            msp_id,
            words=str(error),
            code=grpc.StatusCode.ABORTED,
            is_final=False,
            is_silent=isinstance(error, ChaincodeSilent),
        )
    simulated = endorsed.simulated
    if not simulated.is_good:
        words = f"chaincode response {simulated.status}, {simulated.message}"
        return Outcome(msp_id, endorsed, words, grpc.StatusCode.UNKNOWN)
    return Outcome(msp_id, endorsed)


def _note(admitted: Admitted, endorsed: Endorsed) -> None:
    """Spare validation the check of what was signed here."""
    made = endorsed.endorsement
    if made is not None and admitted.channel is not None:
        message = endorsed.payload + made.endorser
        admitted.channel.members.note_made(made.endorser, message, made.signature)


async def ask_peers(
    behind: Behind, admitted: Admitted, msp_ids: Sequence[str], view: StateView, own: str
) -> list[Outcome]:
    """Have several organisations' peers endorse a proposal, all at once, on the same state.

    Args:
        behind: the doors.
        admitted: the proposal.
        msp_ids: of the organisations.
        view: the newest state.
        own: organisation of the Gateway; with a skew the others read an older state.
    """
    channel = admitted.channel
    with nullcontext() if channel is None else behind.snapshots[channel.name].older() as older:
        views = [view if each == own or older is None else older for each in msp_ids]
        if len(views) == 1:  # as with two organisations, of which one was asked first
            return [await ask_peer(behind, admitted, msp_ids[0], views[0], signs=True)]
        asked = [
            asyncio.create_task(ask_peer(behind, admitted, each, one, signs=True))
            for each, one in zip(msp_ids, views, strict=True)
        ]
        try:
            return await asyncio.gather(*asked)
        finally:  # none reads on when its view is closed
            for each in asked:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)


def compare(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The same outcomes, where one that differs from the first has words that say where."""
    good = [each for each in outcomes if not each.words]
    if not good:
        return list(outcomes)
    first = good[0]
    return [
        each if each.words or _payload_of(each) == _payload_of(first) else _differing(first, each)
        for each in outcomes
    ]


def words_of(behind: Behind, outcomes: Sequence[Outcome]) -> list[EndorserWords]:
    """What each peer said that has no good answer."""
    told = [each for each in outcomes if each.words][:MAX_ENDORSERS_TOLD]
    return [
        EndorserWords(behind.addresses.get(each.msp_id, ""), each.msp_id, each.words)
        for each in told
    ]


def _payload_of(outcome: Outcome) -> bytes:
    return b"" if outcome.endorsed is None else outcome.endorsed.payload


def _differing(first: Outcome, other: Outcome) -> Outcome:
    answers = {each.msp_id: _payload_of(each) for each in (first, other)}
    where = "; ".join(map(str, compare_answers(answers)[:MAX_DIFFERENCES]))
    words = f"ProposalResponsePayloads do not match: {first.msp_id} and {other.msp_id}: {where}"
    return Outcome(other.msp_id, words=words, code=grpc.StatusCode.ABORTED)
