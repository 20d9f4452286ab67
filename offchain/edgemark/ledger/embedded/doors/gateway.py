"""`gateway.Gateway` at the door of one organisation: evaluate, endorse, submit, status of a commit.

Every answer that says no has the code that a Gateway of Fabric 3.1 gives, and what each endorser
said in its details.
"""

from __future__ import annotations

from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_response_pb2
from grpc import StatusCode

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.doors import choosing
from edgemark.ledger.embedded.doors.admission import (
    Admitted,
    ProposalRefused,
    admit_proposal,
    check_asker,
)
from edgemark.ledger.embedded.doors.behind import Behind
from edgemark.ledger.embedded.doors.broadcast import order
from edgemark.ledger.embedded.doors.endorsing import (
    Outcome,
    ask_peer,
    ask_peers,
    compare,
    refuse,
    words_of,
)
from edgemark.ledger.embedded.doors.events import ChaincodeEvents
from edgemark.ledger.embedded.doors.serving.calls import Answers, Method, Streams
from edgemark.ledger.embedded.doors.serving.refusing import refusal
from edgemark.ledger.embedded.state.views import StateView
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.envelopes import join_payload
from edgemark.ledger.fabric.wire.limits import (
    MAX_ENVELOPE_BYTES,
    MAX_QUESTION_BYTES,
    MAX_TRANSACTION_ID,
)
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import (
    LIFECYCLE_ENDORSEMENT,
    Rule,
    parse_policy,
    resolve,
)
from edgemark.ledger.fabric.wire.proposals import Proposal, parse_proposal
from edgemark.logs import about

SIGNED_BYTES = 128  # at most, that a client's signature adds to an envelope
SEE_DETAILS = "see attached details for more info"
NO_COMBINATION = "no combination of peers can be derived which satisfy the endorsement policy"


class Gateway:
    """The Gateway of one organisation.

    Args:
        behind: the doors.
        msp_id: of the organisation.
    """

    def __init__(self, behind: Behind, msp_id: str) -> None:
        self._behind = behind
        self._own = msp_id
        self._places = behind.places_of(msp_id)

    def methods(self) -> list[Method]:
        """What it serves."""
        places, calls = self._places, self._places.calls
        events = ChaincodeEvents(self._behind, self._own)
        asked = gateway_pb2.SignedCommitStatusRequest
        listening = gateway_pb2.SignedChaincodeEventsRequest
        return [
            Method("Evaluate", gateway_pb2.EvaluateRequest, calls, Answers(self.evaluate)),
            Method("Endorse", gateway_pb2.EndorseRequest, calls, Answers(self.endorse)),
            Method("Submit", gateway_pb2.SubmitRequest, calls, Answers(self.submit)),
            Method(
                "CommitStatus",
                asked,
                places.waiters,
                Answers(self.commit_status),
                most_bytes=MAX_QUESTION_BYTES,
            ),
            Method(
                "ChaincodeEvents",
                listening,
                places.streams,
                Streams(events.listen),
                most_bytes=MAX_QUESTION_BYTES,
            ),
        ]

    async def evaluate(self, request: Any) -> Any:
        """What a chaincode answers on the newest state; nothing is written."""
        proposal = _unpack(request.proposed_transaction, "failed to unpack transaction proposal")
        with about(transaction=proposal.transaction_id):
            channel = self._behind.channel_of(proposal.channel, self._own)
            if channel is None:
                # as Fabric words it: clients tell by it a wrong name from a silent peer
                known = self._behind.tell_channels(self._own)
                text = f"could not get last config for channel {proposal.channel[:64]}: {known}"
                raise refusal(StatusCode.UNAVAILABLE, text)
            admitted = self._admit(request.proposed_transaction, proposal, channel, self._own)
            if isinstance(admitted, Outcome):
                raise self._not_evaluated([admitted])
            wanted = list(request.target_organizations)
            if proposal.transient and not wanted:
                wanted = [self._own]
            peers = self._peers_of(channel, proposal.chaincode, wanted)
            if not peers:
                where = f"chaincode {proposal.chaincode[:64]} in channel {channel.name}"
                raise refusal(
                    StatusCode.FAILED_PRECONDITION, f"no peers available to evaluate {where}"
                )
            with self._places.calls.share(admitted.member.msp_id):
                good = await self._evaluate_at(admitted, channel, peers)
            result = proposal_response_pb2.Response(
                status=good.status, message=good.message, payload=good.response
            )
            return gateway_pb2.EvaluateResponse(result=result)

    async def _evaluate_at(self, admitted: Admitted, channel: Channel, peers: list[str]) -> Any:
        outcomes: list[Outcome] = []
        with self._behind.heights.view(channel, admitted.proposal.chaincode) as view:
            for msp_id in peers:
                outcome = await self._ask(admitted, msp_id, view, signs=False)
                if not outcome.words and outcome.endorsed is not None:
                    return outcome.endorsed.simulated
                outcomes.append(outcome)
                if outcome.is_final:
                    break
        raise self._not_evaluated(outcomes)

    def _not_evaluated(self, outcomes: list[Outcome]) -> RefusedInput:
        last = outcomes[-1]
        text = f"failed to evaluate transaction, {SEE_DETAILS}"
        if last.is_final:
            text = f"evaluate call to endorser returned error: {last.words}"
        # A Gateway waits no longer for another's peer than that peer for its chaincode.
        is_late = last.is_silent and last.msp_id != self._own
        code = StatusCode.UNAVAILABLE if is_late else last.code
        return refusal(code, text, words_of(self._behind, outcomes))

    async def endorse(self, request: Any) -> Any:
        """A transaction that as many organisations endorsed as its policies ask for."""
        signed = request.proposed_transaction
        if not signed.proposal_bytes:
            text = "the proposed transaction must contain a signed proposal"
            raise refusal(StatusCode.INVALID_ARGUMENT, text)
        proposal = _unpack(signed, "failed to unpack transaction proposal")
        with about(transaction=proposal.transaction_id):
            channel = self._behind.channel_of(proposal.channel, self._own)
            named = list(dict.fromkeys(request.endorsing_organizations))
            if channel is None:
                raise _no_endorsers(named, proposal)
            first = named[0] if named and named[0] in channel.organisations else self._own
            admitted = self._admit(signed, proposal, channel, first)
            if isinstance(admitted, Outcome):
                raise self._not_enough([admitted]) if named else self._not_endorsed(admitted)
            share = self._places.calls.share(admitted.member.msp_id)
            with share, self._behind.ordering_of(channel.name).expected:
                if named:
                    outcomes = await self._endorse_at(admitted, channel, named)
                else:
                    outcomes = await self._endorse_as_policies_say(admitted, channel)
            return _prepare(proposal, outcomes)

    async def _endorse_at(
        self, admitted: Admitted, channel: Channel, named: list[str]
    ) -> list[Outcome]:
        """Endorse by those whom the client named, and by nobody else."""
        having = self._behind.having(channel, admitted.proposal.chaincode)
        missing = [each for each in named if each not in having]
        if missing:
            raise _no_endorsers(missing, admitted.proposal)
        with self._behind.heights.view(channel, admitted.proposal.chaincode) as view:
            return self._check(await self._ask_all(admitted, named, view))

    async def _endorse_as_policies_say(self, admitted: Admitted, channel: Channel) -> list[Outcome]:
        """Endorse at one peer, then at those that the policies of what it wrote ask for."""
        proposal = admitted.proposal
        having = self._peers_of(channel, proposal.chaincode, [])
        if not having:
            raise _no_endorsers([], proposal)
        if proposal.transient and self._own not in having:
            text = "no endorsers found in the gateway's organization; retry specifying endorsing "
            text += "organization(s) to protect transient data"
            raise refusal(StatusCode.FAILED_PRECONDITION, text)
        with self._behind.heights.view(channel, proposal.chaincode) as view:
            first = await self._ask(admitted, having[0], view, signs=True)
            if first.words or first.endorsed is None:
                raise self._not_endorsed(first)
            layouts = self._layouts(channel, proposal.chaincode, first, having)
            outcomes = [first]
            for layout in layouts:
                known = {each.msp_id for each in outcomes}
                asked = [each for each in sorted(layout) if each not in known]
                outcomes = compare([*outcomes, *await self._ask_all(admitted, asked, view)])
                good = [one for one in outcomes if one.msp_id in layout and not one.words]
                if len(good) == len(layout):
                    return good
        raise self._not_enough(outcomes)

    def _layouts(
        self, channel: Channel, chaincode: str, first: Outcome, having: list[str]
    ) -> list[frozenset[str]]:
        results = b"" if first.endorsed is None else first.endorsed.simulated.results
        names = choosing.find_namespaces(chaincode, results)
        rules = [rule for name in names for rule in self._rules_of(channel, name, results)]
        layouts = choosing.find_layouts(rules, having, first.msp_id)
        if not layouts:
            raise refusal(StatusCode.FAILED_PRECONDITION, f"{NO_COMBINATION} of {', '.join(names)}")
        return layouts

    def _rules_of(self, channel: Channel, namespace: str, results: bytes) -> list[Rule]:
        msp_ids = channel.organisations
        if namespace == LIFECYCLE:
            approvers = choosing.find_approvers(results)
            if approvers is not None:
                return choosing.rules_of_approvers(approvers)
            return [resolve(LIFECYCLE_ENDORSEMENT, msp_ids)]
        definition = channel.definition(namespace)
        if definition is None:
            if self._behind.endorser.is_system(namespace):
                return [resolve(LIFECYCLE_ENDORSEMENT, msp_ids)]
            raise refusal(StatusCode.FAILED_PRECONDITION, f"{NO_COMBINATION} of {namespace[:64]}")
        return [resolve(parse_policy(definition.policy), msp_ids)]

    def _not_endorsed(self, first: Outcome) -> RefusedInput:
        text = f"failed to endorse transaction, {SEE_DETAILS}"
        return refusal(StatusCode.ABORTED, text, words_of(self._behind, [first]))

    async def _ask(
        self, admitted: Admitted, msp_id: str, view: StateView, *, signs: bool
    ) -> Outcome:
        return await ask_peer(self._behind, admitted, msp_id, view, signs=signs)

    def _admit(
        self, signed: Any, proposal: Proposal, channel: Channel, msp_id: str
    ) -> Admitted | Outcome:
        try:
            return admit_proposal(self._behind, signed, proposal, channel, msp_id)
        except ProposalRefused as error:
            return refuse(msp_id, error)

    async def _ask_all(
        self, admitted: Admitted, msp_ids: list[str], view: StateView
    ) -> list[Outcome]:
        return await ask_peers(self._behind, admitted, msp_ids, view, self._own)

    def _check(self, outcomes: list[Outcome]) -> list[Outcome]:
        compared = compare(outcomes)
        if any(each.words for each in compared):
            raise self._not_enough(compared)
        return compared

    def _not_enough(self, outcomes: list[Outcome]) -> RefusedInput:
        text = f"failed to collect enough transaction endorsements, {SEE_DETAILS}"
        return refusal(StatusCode.ABORTED, text, words_of(self._behind, outcomes))

    def _peers_of(self, channel: Channel, chaincode: str, wanted: list[str]) -> list[str]:
        """Who can run a chaincode, the Gateway's own organisation first."""
        having = self._behind.having(channel, chaincode)
        allowed = [each for each in having if not wanted or each in wanted]
        return sorted(allowed, key=lambda each: each != self._own)

    async def submit(self, request: Any) -> Any:
        """Give a transaction to whoever orders; that it counts is another question."""
        envelope = request.prepared_transaction
        with about(transaction=request.transaction_id[:64]):
            if not request.HasField("prepared_transaction"):
                raise refusal(StatusCode.INVALID_ARGUMENT, "a prepared transaction is required")
            if not envelope.signature:
                raise refusal(StatusCode.INVALID_ARGUMENT, "prepared transaction must be signed")
            self._behind.ordering_of(request.channel_id)
            raw = envelope.SerializeToString()
            answer = await order(self._behind, raw)
            if answer.status != common_pb2.SUCCESS:
                status = common_pb2.Status.Name(answer.status)
                text = f"received unsuccessful response from orderer: status={status}"
                raise refusal(StatusCode.ABORTED, f"{text}, info={answer.info}")
            return gateway_pb2.SubmitResponse()

    async def commit_status(self, signed: Any) -> Any:
        """Where a transaction stands, as soon as it stands in a block."""
        if not signed.request:
            raise refusal(StatusCode.INVALID_ARGUMENT, "a commit status request is required")
        request = parse(gateway_pb2.CommitStatusRequest, signed.request, "commit status request")
        for what, had in (
            ("identity", request.identity),
            ("channel", request.channel_id),
            ("transaction id", request.transaction_id),
        ):
            if not had:
                raise refusal(StatusCode.INVALID_ARGUMENT, f"no {what} provided")
        if len(request.transaction_id) > MAX_TRANSACTION_ID:
            text = f"transaction id is too long; needed <= {MAX_TRANSACTION_ID} characters"
            raise refusal(StatusCode.INVALID_ARGUMENT, text)
        with about(transaction=request.transaction_id[:64]):
            channel, member = check_asker(self._behind, request, signed, self._own)
            ordering = self._behind.ordering_of(channel.name)
            with self._places.waiters.share(member.msp_id):
                status = await ordering.wait_for(request.transaction_id)
            return gateway_pb2.CommitStatusResponse(
                result=int(status.code), block_number=status.block
            )


def _unpack(signed: Any, what: str) -> Proposal:
    try:
        return parse_proposal(signed.proposal_bytes)
    except MessageMalformed as error:
        raise refusal(StatusCode.INVALID_ARGUMENT, f"{what}: {error}") from error


def _no_endorsers(missing: list[str], proposal: Proposal) -> RefusedInput:
    """Of a proposal that nobody can endorse, or not all of those who were named."""
    if not missing:
        text = f"{NO_COMBINATION}: {proposal.channel}"
        return refusal(StatusCode.FAILED_PRECONDITION, text)
    who = ", ".join(each[:64] for each in missing[:16])
    text = f"failed to find any endorsing peers for org(s): {who}"
    return refusal(StatusCode.UNAVAILABLE, text)


def _prepare(proposal: Proposal, outcomes: list[Outcome]) -> Any:
    endorsed = [each.endorsed for each in outcomes if each.endorsed is not None]
    endorsements = [each.endorsement for each in endorsed if each.endorsement is not None]
    if not endorsements:
        raise refusal(StatusCode.ABORTED, "failed to assemble transaction: nobody endorsed it")
    payload = join_payload(proposal, endorsed[0].payload, endorsements)
    # An orderer takes none that is larger, and its client would hear that only after it signed.
    if len(payload) + SIGNED_BYTES > MAX_ENVELOPE_BYTES:
        text = f"failed to assemble transaction: {len(payload)} bytes are too many to be ordered"
        raise refusal(StatusCode.ABORTED, text)
    envelope = common_pb2.Envelope(payload=payload)
    return gateway_pb2.EndorseResponse(prepared_transaction=envelope)
