"""One chaincode at work in one transaction, and what it answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fabric_protos.peer import chaincode_shim_pb2, proposal_response_pb2

from edgemark.ledger.embedded.simulation.ground import Ground
from edgemark.ledger.embedded.simulation.recording import Simulation
from edgemark.ledger.fabric.identities.members import Member
from edgemark.ledger.fabric.wire.envelopes import Event
from edgemark.ledger.fabric.wire.proposals import Proposal

NOT_FOUND = 404
FAILED = 500


@dataclass(frozen=True)
class Asked:
    """A proposal that one organisation simulates.

    Attributes:
        proposal: taken apart.
        signed: `SignedProposal`, as it came: a chaincode takes creator and transient data from it.
        member: who signed it.
        msp_id: organisation that simulates.
    """

    proposal: Proposal
    signed: bytes
    member: Member
    msp_id: str


@dataclass(frozen=True)
class Completion:
    """What a chaincode answered.

    Attributes:
        status: one of `GOOD` for a good answer.
        message: for an error, why.
        payload: whatever it says.
        event: that it tells once the transaction counts; None for none.
    """

    status: int
    message: str = ""
    payload: bytes = b""
    event: Event | None = None

    def to_message(self, channel: str, transaction_id: str) -> bytes:
        """The message COMPLETED: what a chaincode gets that called this one."""
        response = proposal_response_pb2.Response(
            status=self.status, message=self.message, payload=self.payload
        )
        made: bytes = chaincode_shim_pb2.ChaincodeMessage(
            type=chaincode_shim_pb2.ChaincodeMessage.COMPLETED,
            payload=response.SerializeToString(),
            txid=transaction_id,
            channel_id=channel,
        ).SerializeToString()
        return made


@dataclass(frozen=True)
class Call:
    """One chaincode at work.

    Attributes:
        asked: the proposal that began it all.
        ground: channel it runs on; None for a proposal without one.
        chaincode: its name, which is its namespace.
        arguments: the first is the function's name.
        is_init: whether it is the first call that a definition may require.
        simulation: what it reads and writes on; None without a channel.
        above: (channel, chaincode) of those that called it, the outermost first.
        invoke: has another chaincode called by this one, given its name and arguments.
    """

    asked: Asked
    ground: Ground | None
    chaincode: str
    arguments: tuple[bytes, ...]
    is_init: bool
    simulation: Simulation | None
    above: tuple[tuple[str, str], ...]
    invoke: Callable[[Call, str, tuple[bytes, ...]], Awaitable[tuple[Call, Completion]]]

    @property
    def channel(self) -> str:
        """Name of the channel; empty for none."""
        return "" if self.ground is None else self.ground.name

    @property
    def transaction_id(self) -> str:
        """Of the proposal."""
        return self.asked.proposal.transaction_id

    @property
    def place(self) -> tuple[str, str]:
        """(channel, chaincode)."""
        return self.channel, self.chaincode


class Runner(Protocol):
    """Runs chaincode in its own process."""

    async def execute(self, package_id: str, call: Call) -> Completion:
        """What the process of the package answers, for the organisation of the call."""


class SystemChaincode(Protocol):
    """A chaincode that is part of the ledger."""

    needs_state: bool  # whether it reads and writes on a simulation

    def answer(self, call: Call) -> Completion:
        """What it says."""


Systems = Mapping[str, SystemChaincode]
