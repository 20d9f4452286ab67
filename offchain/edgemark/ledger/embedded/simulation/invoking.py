"""Which process runs a chaincode, and how chaincodes call one another.

In the same channel what the called one reads and writes joins the caller's, under its own
namespace, and so under its own endorsement policy. In another channel it reads only, with the
rights that the proposal's creator has there: what it writes is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgemark.errors import about
from edgemark.ledger.embedded.approvals import list_mismatches, parse_approval
from edgemark.ledger.embedded.definitions import approval_key
from edgemark.ledger.embedded.simulation import rights
from edgemark.ledger.embedded.simulation.calls import Asked, Call, Completion, Runner, Systems
from edgemark.ledger.embedded.simulation.faults import NotSimulated
from edgemark.ledger.embedded.simulation.ground import Ground
from edgemark.ledger.embedded.simulation.recording import Simulation
from edgemark.ledger.fabric.wire.definitions import ChaincodeDefinition
from edgemark.ledger.fabric.wire.limits import (
    MAX_ARGUMENTS,
    MAX_ARGUMENTS_BYTES,
    MAX_DEPTH,
)

INITIALIZED = "\x00\U0010ffffinitialized"  # Fabric's key for the version that was initialised


class Invoker:
    """Runs chaincode, whichever process it stands in.

    Args:
        channels: by name.
        runner: of chaincodes in processes of their own.
        systems: chaincodes that are part of the ledger, by name.
    """

    def __init__(self, channels: Mapping[str, Ground], runner: Runner, systems: Systems) -> None:
        self._channels = channels
        self._runner = runner
        self._systems = systems

    def is_system(self, chaincode: str) -> bool:
        """Whether it is part of the ledger."""
        return chaincode in self._systems

    def needs_state(self, chaincode: str) -> bool:
        """Whether it reads and writes."""
        return chaincode not in self._systems or self._systems[chaincode].needs_state

    def begin(
        self, asked: Asked, ground: Ground | None, simulation: Simulation | None, is_init: bool
    ) -> Call:
        """The outermost call of a proposal."""
        proposal = asked.proposal
        return Call(
            asked=asked,
            ground=ground,
            chaincode=proposal.chaincode,
            arguments=proposal.arguments,
            is_init=is_init,
            simulation=simulation,
            above=(),
            invoke=self.invoke,
        )

    async def run(self, call: Call) -> tuple[Completion, str]:
        """What a chaincode answers, and its version.

        Raises:
            NotSimulated: it is not defined, not installed, or has to be initialised first.
            ChaincodeSilent, ChaincodeEnded, ChaincodeBroke: its process did not answer rightly.
        """
        system = self._systems.get(call.chaincode)
        if system is not None:
            return system.answer(call), "syscc"
        if call.simulation is None:
            raise NotSimulated("chaincode needs a channel", who=f"chaincode {call.chaincode[:64]}")
        definition = call.simulation.definition(call.chaincode)
        if definition is None:
            raise NotSimulated(
                f"make sure the chaincode {call.chaincode[:64]} has been successfully defined "
                f"on channel {call.channel} and try again: chaincode not found"
            )
        _check_initialised(call, definition, call.simulation)
        package_id = _find_package(call, definition, call.simulation)
        return await self._runner.execute(package_id, call), definition.version

    async def invoke(
        self, caller: Call, name: str, arguments: tuple[bytes, ...]
    ) -> tuple[Call, Completion]:
        """What a chaincode answers that another one calls.

        Args:
            caller: the one that calls.
            name: NAME, NAME:VERSION, NAME/CHANNEL: the version says nothing.
            arguments: for it.

        Raises:
            NotSimulated: it is at work in this call already, or too deep, or see `run`.
            IdentityRefused: the proposal's creator has no right on the other channel.
        """
        chaincode, channel = _parse_name(name, caller.channel)
        chain = (*caller.above, caller.place)
        _check_call(caller, chaincode, channel, chain, arguments)
        same = channel == caller.channel
        ground = caller.ground if same else self._other(caller, channel)
        call = Call(
            asked=caller.asked,
            ground=ground,
            chaincode=chaincode,
            arguments=arguments,
            is_init=False,
            simulation=caller.simulation,
            above=chain,
            invoke=self.invoke,
        )
        if same or ground is None:
            return call, (await self.run(call))[0]
        view = ground.view()
        try:
            apart = replace(call, simulation=Simulation(view))
            return apart, (await self.run(apart))[0]
        finally:
            view.close()

    def _other(self, caller: Call, channel: str) -> Ground:
        ground = self._channels.get(channel)
        if ground is None or caller.asked.msp_id not in ground.organisations:
            raise NotSimulated(f"failed to find ledger for channel: {channel[:64]}")
        with about(f"transaction {caller.transaction_id}"):
            rights.check_writer(ground, caller.asked.proposal.creator)
        return ground


def _parse_name(name: str, channel: str) -> tuple[str, str]:
    whole, _, other = name.partition("/")
    return whole.partition(":")[0], other or channel


def _check_call(
    caller: Call,
    chaincode: str,
    channel: str,
    chain: tuple[tuple[str, str], ...],
    arguments: tuple[bytes, ...],
) -> None:
    if (channel, chaincode) in chain:
        raise NotSimulated(
            f"txid: {caller.transaction_id}({channel}) exists",
            who=f"chaincode {chaincode[:64]}",
            had="a call of it that is not over",
            remedy="A chaincode cannot be called again by those that it calls.",
        )
    if len(chain) >= MAX_DEPTH:
        raise NotSimulated("chaincodes call one another too deep", needed=f"<= {MAX_DEPTH}")
    size = sum(map(len, arguments))
    if len(arguments) > MAX_ARGUMENTS or size > MAX_ARGUMENTS_BYTES:
        raise NotSimulated(
            "arguments are out of bounds",
            who=f"chaincode {chaincode[:64]}",
            had=f"{len(arguments)} of {size} bytes",
            needed=f"<= {MAX_ARGUMENTS} of {MAX_ARGUMENTS_BYTES} bytes",
        )


def _check_initialised(call: Call, definition: ChaincodeDefinition, simulation: Simulation) -> None:
    who = f"chaincode '{call.chaincode}'"
    if not definition.init_required:
        if call.is_init:
            raise NotSimulated(f"{who} does not require initialization but called as init")
        return
    version = definition.version.encode()
    is_done = simulation.get(call.chaincode, INITIALIZED) == version
    if call.is_init:
        if is_done:
            raise NotSimulated(f"{who} is already initialized but called as init")
        simulation.put(call.chaincode, INITIALIZED, version)
    elif not is_done:
        raise NotSimulated(
            f"{who} has not been initialized for this version, must call as init first"
        )


def _find_package(call: Call, definition: ChaincodeDefinition, simulation: Simulation) -> str:
    msp_id, name = call.asked.msp_id, definition.name
    approval = parse_approval(simulation.peek(approval_key(msp_id, name, definition.sequence)))
    if approval is None or list_mismatches(approval, definition):
        raise NotSimulated(
            f"chaincode definition for '{name}' at sequence {definition.sequence} on channel "
            f"'{call.channel}' has not yet been approved by this org",
            who=msp_id,
            remedy="Approve it, with the id of an installed package.",
        )
    if not approval.package_id:
        raise NotSimulated(
            f"chaincode definition for '{name}' exists, but chaincode is not installed",
            who=msp_id,
            remedy=f"Approve sequence {definition.sequence} with the id of an installed package.",
        )
    return approval.package_id
