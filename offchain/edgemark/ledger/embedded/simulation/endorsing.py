"""Simulates a proposal for one organisation, and has its endorser sign what came out.

What an endorser signs: the hash of the proposal (its headers, and what was asked, without transient
data), all reads with their versions and all writes, the event, the chaincode's answer, its name and
version; and behind them its own identity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgemark.ledger.embedded.simulation.calls import (
    FAILED,
    Asked,
    Completion,
    Runner,
    Systems,
)
from edgemark.ledger.embedded.simulation.faults import NotSimulated
from edgemark.ledger.embedded.simulation.ground import Ground, View
from edgemark.ledger.embedded.simulation.invoking import Invoker
from edgemark.ledger.embedded.simulation.recording import Simulation
from edgemark.ledger.fabric.identities.members import Member
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.codes import GOOD
from edgemark.ledger.fabric.wire.envelopes import Endorsement, Event, make_event, make_response
from edgemark.ledger.fabric.wire.limits import MAX_EVENT_BYTES, MAX_KEYS_OF_TRANSACTION
from edgemark.ledger.fabric.wire.proposals import Proposal


@dataclass(frozen=True)
class Simulated:
    """What a simulation gave.

    Attributes:
        status: of the chaincode's answer; `is_good` below 400.
        message: of an error.
        response: its payload.
        results: `TxReadWriteSet`; empty for what reads and writes no state.
        event: `ChaincodeEvent`; empty for none.
        version: of the chaincode.
        is_question: it read more than a transaction may, so it is not endorsed.
    """

    status: int
    message: str
    response: bytes
    results: bytes
    event: bytes
    version: str
    is_question: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it may be endorsed."""
        return self.status < GOOD.stop


@dataclass(frozen=True)
class Endorsed:
    """What one organisation's endorser answers.

    Attributes:
        simulated: what came out.
        payload: `ProposalResponsePayload`; empty where Fabric gives none.
        endorsement: its signature; None for what is not endorsed.
    """

    simulated: Simulated
    payload: bytes
    endorsement: Endorsement | None


class Endorser:
    """Simulates and endorses for every organisation of the ledger.

    Args:
        channels: by name.
        runner: of chaincodes in processes of their own.
        systems: chaincodes that are part of the ledger, by name.
        signer_of: of an organisation's endorser, by MSP id.
    """

    def __init__(
        self,
        channels: Mapping[str, Ground],
        runner: Runner,
        systems: Systems,
        signer_of: Callable[[str], Signer],
    ) -> None:
        self._invoker = Invoker(channels, runner, systems)
        self._signer_of = signer_of

    def is_system(self, chaincode: str) -> bool:
        """Whether a chaincode is part of the ledger: it has rules of its own who may ask it."""
        return self._invoker.is_system(chaincode)

    async def simulate(
        self,
        proposal: Proposal,
        signed: bytes,
        member: Member,
        channel: Ground | None,
        view: View | None,
        msp_id: str,
    ) -> Simulated:
        """What a chaincode would read, write and answer.

        Args:
            proposal: taken apart; its signature, time and newness are checked by now.
            signed: `SignedProposal`.
            member: who signed it.
            channel: that it is for; None for none.
            view: snapshot to read; None without a channel.
            msp_id: organisation whose process runs it.

        Raises:
            NotSimulated: not defined or installed, or other reasons of the organisation's.
            ChaincodeSilent, ChaincodeEnded, ChaincodeBroke: the process did not answer rightly.
        """
        needs_state = self._invoker.needs_state(proposal.chaincode)
        simulation = Simulation(view) if view is not None and needs_state else None
        asked = Asked(proposal, signed, member, msp_id)
        call = self._invoker.begin(asked, channel, simulation, proposal.is_init)
        completion, version = await self._invoker.run(call)
        return Simulated(
            status=completion.status,
            message=completion.message,
            response=completion.payload,
            results=b"" if simulation is None else simulation.results(),
            event=_event_of(completion, proposal),
            version=version,
            is_question=simulation is not None and simulation.is_question,
        )

    async def endorse(
        self,
        proposal: Proposal,
        signed: bytes,
        member: Member,
        channel: Ground | None,
        view: View | None,
        msp_id: str,
    ) -> Endorsed:
        """Simulate, and sign what came out when it is good; for arguments and errors see above."""
        simulated = await self.simulate(proposal, signed, member, channel, view, msp_id)
        if simulated.is_question and simulated.is_good:
            raise NotSimulated(
                "reads too many keys for a transaction",
                who=f"chaincode {proposal.chaincode[:64]}",
                needed=f"<= {MAX_KEYS_OF_TRANSACTION}",
                remedy="Evaluate it, or read less of the range.",
            )
        return endorse(proposal, simulated, self._signer_of(msp_id))


def endorse(proposal: Proposal, simulated: Simulated, signer: Signer) -> Endorsed:
    """Sign what a simulation gave: the response's bytes followed by the endorser's identity.

    Nothing is signed for a chaincode's error, nor for a proposal without a channel.
    """
    payload = make_response(
        proposal.hash,
        simulated.results,
        chaincode=proposal.chaincode,
        version=simulated.version,
        response=simulated.response,
        status=simulated.status,
        message=simulated.message,
        event=simulated.event,
    )
    if simulated.status >= FAILED:
        return Endorsed(simulated, payload, None)
    if not simulated.is_good or not proposal.channel:
        return Endorsed(simulated, b"", None)
    identity = signer.identity
    return Endorsed(simulated, payload, Endorsement(identity, signer.sign(payload + identity)))


def _event_of(completion: Completion, proposal: Proposal) -> bytes:
    if completion.event is None or completion.status >= GOOD.stop:
        return b""
    name, payload = completion.event.name, completion.event.payload
    size = len(name.encode()) + len(payload)
    if size > MAX_EVENT_BYTES:
        raise NotSimulated(
            "event is too long",
            who=f"chaincode {proposal.chaincode}",
            had=f"{size} bytes",
            needed=f"<= {MAX_EVENT_BYTES}",
        )
    return make_event(Event(proposal.chaincode, proposal.transaction_id, name, payload))
