"""`protos.Endorser/ProcessProposal` at the door of one organisation's peer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from fabric_protos.peer import proposal_pb2, proposal_response_pb2
from grpc import StatusCode

from edgemark.ledger.embedded.doors.admission import ProposalRefused, admit_proposal
from edgemark.ledger.embedded.doors.behind import Behind
from edgemark.ledger.embedded.doors.endorsing import Outcome, ask_peer
from edgemark.ledger.embedded.doors.serving.calls import Answers, Method
from edgemark.ledger.embedded.doors.serving.refusing import refusal
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.proposals import parse_proposal
from edgemark.logs import about

FAILED = 500


class PeerEndorser:
    """The endorser of one organisation.

    Args:
        behind: the doors.
        msp_id: of the organisation.
    """

    def __init__(self, behind: Behind, msp_id: str) -> None:
        self._behind = behind
        self._own = msp_id

    def methods(self) -> list[Method]:
        """What it serves."""
        takes, calls = proposal_pb2.SignedProposal, self._behind.places_of(self._own).calls
        return [Method("ProcessProposal", takes, calls, Answers(self.process))]

    async def process(self, signed: Any) -> Any:
        """What a chaincode would do, signed; one that says no answers with a status of 500."""
        try:
            proposal = parse_proposal(signed.proposal_bytes)
        except MessageMalformed as error:
            raise refusal(StatusCode.UNKNOWN, f"error validating proposal: {error}") from error
        with about(transaction=proposal.transaction_id), ExitStack() as held:
            channel = None
            if proposal.channel:
                channel = self._behind.channel_of(proposal.channel, self._own)
                if channel is None:
                    return _failed(f"channel '{proposal.channel[:64]}' not found")
            try:
                admitted = admit_proposal(self._behind, signed, proposal, channel, self._own)
            except ProposalRefused as error:
                raise refusal(StatusCode.UNKNOWN, error.what) from error
            calls = self._behind.places_of(self._own).calls
            held.enter_context(calls.share(admitted.member.msp_id))
            heights, chaincode = self._behind.heights, proposal.chaincode
            view = None if channel is None else held.enter_context(heights.view(channel, chaincode))
            return _answer(await ask_peer(self._behind, admitted, self._own, view, signs=True))


def _answer(outcome: Outcome) -> Any:
    endorsed = outcome.endorsed
    if endorsed is None:
        return _failed(outcome.words)
    simulated = endorsed.simulated
    answer = proposal_response_pb2.ProposalResponse(version=1, payload=endorsed.payload)
    answer.response.status, answer.response.message = simulated.status, simulated.message
    answer.response.payload = simulated.response
    if endorsed.endorsement is not None:
        answer.endorsement.endorser = endorsed.endorsement.endorser
        answer.endorsement.signature = endorsed.endorsement.signature
    return answer


def _failed(words: str) -> Any:
    said = proposal_response_pb2.Response(status=FAILED, message=words)
    return proposal_response_pb2.ProposalResponse(response=said)
