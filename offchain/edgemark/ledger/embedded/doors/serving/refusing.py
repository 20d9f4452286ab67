"""What a call is answered that is refused: a code of gRPC, words, and what each endorser said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc

from edgemark.errors import EdgemarkError, LedgerUnavailable, Overloaded, RefusedInput
from edgemark.ledger.fabric.faults import EndorserWords, MessageMalformed


class CallRefused(RefusedInput):
    """A call is answered by a code of gRPC that says no.

    Attributes:
        code: of gRPC.
        endorsers: what each of them said.
    """

    code: grpc.StatusCode = grpc.StatusCode.FAILED_PRECONDITION
    endorsers: Sequence[EndorserWords] = ()


def refusal(
    code: grpc.StatusCode, text: str, endorsers: Sequence[EndorserWords] = ()
) -> CallRefused:
    """A refusal with that code; its text is told as it stands."""
    refused = CallRefused(text)
    refused.code, refused.endorsers = code, tuple(endorsers)
    return refused


def explain(error: BaseException) -> CallRefused:
    """What is answered for an error."""
    if isinstance(error, CallRefused):
        return error
    if isinstance(error, Overloaded):
        return refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
    if isinstance(error, MessageMalformed):
        return refusal(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    if isinstance(error, LedgerUnavailable | asyncio.TimeoutError):
        return refusal(grpc.StatusCode.UNAVAILABLE, str(error))
    if isinstance(error, EdgemarkError):
        return refusal(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    return refusal(grpc.StatusCode.INTERNAL, "the ledger failed; its log says more")
