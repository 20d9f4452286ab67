"""Definitions of chaincodes: who approves and commits which, and in which order.

Rule 1: a definition has a sequence, from 1; the next is one more.
Rule 2: an organisation approves the next, as often as it changes its mind, or the present one as it
        stands, with another package.
Rule 3: the next is committed as it was approved: each organisation that endorses the commit has
        approved just this, and validation asks for the endorsement of the majority.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.approvals import list_mismatches, parse_approval, write_approval
from edgemark.ledger.embedded.definitions import (
    APPROVALS,
    approval_key,
    metadata_key,
    write_definition,
)
from edgemark.ledger.embedded.simulation.recording import Simulation
from edgemark.ledger.fabric.wire.definitions import (
    OWN_PLUGINS,
    Approval,
    ChaincodeDefinition,
    read_definition,
)
from edgemark.ledger.fabric.wire.limits import MAX_NAME
from edgemark.ledger.fabric.wire.names import CHAINCODE, LIFECYCLE, RESERVED, VERSION
from edgemark.ledger.fabric.wire.policy.policies import (
    ENDORSEMENT,
    OfChannel,
    Policy,
    least_sets,
    make_policy,
    organisations_of,
    parse_policy,
)

MAX_PACKAGE_ID = 256


class NotDefined(RefusedInput):
    """The channel has not agreed on such a chaincode."""


def read_asked(message: Any) -> ChaincodeDefinition:
    """The definition that a message of the lifecycle asks for, with what it leaves open filled in.

    Raises:
        RefusedInput: name, version or policy are none, or it asks for what is not in this ledger.
        MessageMalformed: its policy is none.
    """
    name, version = message.name, message.version
    if not CHAINCODE.fits(name):
        raise RefusedInput(f"invalid chaincode name '{name[:MAX_NAME]}'", needed=CHAINCODE.needed)
    if name in RESERVED:
        raise RefusedInput(f"chaincode name '{name}' is the name of a system chaincode")
    if not VERSION.fits(version):
        what = f"invalid chaincode version '{version[:MAX_NAME]}'"
        raise RefusedInput(what, needed=VERSION.needed)
    _check_plugins(message)
    asked = read_definition(name, message)
    policy = asked.policy or make_policy(ENDORSEMENT)
    _check_policy(parse_policy(policy))
    return replace(asked, policy=policy)


def _check_policy(policy: Policy) -> None:
    """Refuse what could be committed and then never be endorsed: a ledger has a peer of each."""
    if not isinstance(policy, OfChannel) and not least_sets(policy, organisations_of(policy)):
        raise RefusedInput(
            "policy cannot be satisfied by a peer of each organisation",
            needed="each organisation once, by a peer or member",
            remedy="Ask for no organisation twice, and for no client, admin or orderer.",
        )


def _check_plugins(message: Any) -> None:
    if message.collections.config:
        raise RefusedInput(
            "collections of private data are not in the development ledger",
            remedy="Leave them out, or use Fabric itself.",
        )
    plugins = message.endorsement_plugin, message.validation_plugin
    for had, needed in zip(plugins, OWN_PLUGINS, strict=True):
        if had and had != needed:
            raise RefusedInput("plugin is unknown", had=had[:64], needed=needed)


def approve(
    simulation: Simulation, msp_id: str, definition: ChaincodeDefinition, package_id: str
) -> None:
    """Have an organisation approve a definition.

    Raises:
        RefusedInput: it is not its turn, or changes what is committed, or changes nothing.
    """
    if len(package_id) > MAX_PACKAGE_ID:
        raise RefusedInput("package id is too long", needed=f"<= {MAX_PACKAGE_ID} characters")
    current = simulation.definition(definition.name)
    held, asked = 0 if current is None else current.sequence, definition.sequence
    if asked == held == 0:
        raise RefusedInput(
            f"requested sequence is {asked}, but first definable sequence number is 1"
        )
    if asked < held:
        raise RefusedInput(
            f"currently defined sequence {held} is larger than requested sequence {asked}"
        )
    if asked > held + 1:
        raise RefusedInput(
            f"requested sequence {asked} is larger than the next available sequence number "
            f"{held + 1}"
        )
    if current is not None and asked == held and definition != current:
        raise RefusedInput(
            f"attempted to redefine the current committed sequence ({held}) for namespace "
            f"{definition.name} with different parameters",
            remedy=f"Approve sequence {held + 1}.",
        )
    approval = Approval(definition, package_id)
    key = approval_key(msp_id, definition.name, asked)
    if parse_approval(simulation.get(LIFECYCLE, key)) == approval:
        which = "the current committed" if asked == held else "uncommitted"
        raise RefusedInput(
            f"attempted to redefine {which} sequence ({asked}) for namespace {definition.name} "
            "with unchanged content"
        )
    simulation.put(LIFECYCLE, key, write_approval(approval))


def check_readiness(
    simulation: Simulation, msp_ids: Iterable[str], definition: ChaincodeDefinition
) -> dict[str, list[str]]:
    """By organisation, what of a definition it did not approve; empty where it did.

    Raises:
        RefusedInput: it is not the next one's turn.
    """
    current = simulation.definition(definition.name)
    following = 1 if current is None else current.sequence + 1
    if definition.sequence != following:
        raise RefusedInput(
            f"requested sequence is {definition.sequence}, "
            f"but new definition must be sequence {following}"
        )
    return compare_approvals(simulation, msp_ids, definition)


def compare_approvals(
    simulation: Simulation, msp_ids: Iterable[str], definition: ChaincodeDefinition
) -> dict[str, list[str]]:
    """By organisation, what of a definition it did not approve; empty where it did."""
    found = {}
    for msp_id in sorted(msp_ids):
        key = approval_key(msp_id, definition.name, definition.sequence)
        found[msp_id] = list_mismatches(parse_approval(simulation.get(LIFECYCLE, key)), definition)
    return found


def commit(
    simulation: Simulation, msp_ids: Iterable[str], msp_id: str, definition: ChaincodeDefinition
) -> None:
    """Have a channel of these organisations agree on a definition; one of them endorses.

    Raises:
        RefusedInput: it is not the next one's turn, or the endorsing one did not approve it.
    """
    found = check_readiness(simulation, msp_ids, definition)
    if found.get(msp_id, ["membership"]):
        others = "; ".join(f"{each}: {', '.join(what)}" for each, what in found.items() if what)
        raise RefusedInput(
            f"chaincode definition not agreed to by this org ({msp_id})",
            had=f"differences: {others}",
            remedy="Approve what is to be committed; see CheckCommitReadiness.",
        )
    for key, value in write_definition(definition):
        simulation.put(LIFECYCLE, key, value)


def find(simulation: Simulation, name: str) -> ChaincodeDefinition:
    """The definition of a chaincode.

    Raises:
        NotDefined: there is none.
    """
    found = simulation.definition(name)
    if found is None:
        raise NotDefined(f"namespace {name[:MAX_NAME]} is not defined")
    return found


def list_definitions(simulation: Simulation) -> Iterator[ChaincodeDefinition]:
    """All definitions of the channel, by name."""
    for name in _names_below(simulation, metadata_key("")):
        found = simulation.definition(name)
        if found is not None:
            yield found


def list_approvals(simulation: Simulation, msp_id: str) -> Iterator[Approval]:
    """All that an organisation ever approved, by name and sequence."""
    prefix = f"{APPROVALS}{msp_id}/"
    for name in _names_below(simulation, prefix):
        found = parse_approval(simulation.get(LIFECYCLE, prefix + name))
        if found is not None:
            yield found


def list_packages(simulation: Simulation, msp_id: str) -> Iterator[tuple[ChaincodeDefinition, str]]:
    """All definitions of the channel that an organisation approved, with its package's id."""
    for definition in list_definitions(simulation):
        key = approval_key(msp_id, definition.name, definition.sequence)
        approval = parse_approval(simulation.get(LIFECYCLE, key))
        if approval is not None and approval.package_id:
            yield definition, approval.package_id


def find_approval(simulation: Simulation, msp_id: str, name: str, sequence: int) -> Approval:
    """What an organisation approved.

    Args:
        simulation: to read on.
        msp_id: of the organisation.
        name: of the chaincode.
        sequence: of the definition; 0 for the newest that it approved.

    Raises:
        NotDefined: nothing.
    """
    if not sequence:
        current = simulation.definition(name)
        held = 0 if current is None else current.sequence
        following = parse_approval(simulation.get(LIFECYCLE, approval_key(msp_id, name, held + 1)))
        if following is not None:
            return following
        sequence = held
    found = parse_approval(simulation.get(LIFECYCLE, approval_key(msp_id, name, sequence)))
    if found is None:
        raise RefusedInput(
            "could not fetch approved chaincode definition "
            f"(name: '{name[:MAX_NAME]}', sequence: '{sequence}')",
            who=msp_id,
        )
    return found


def _names_below(simulation: Simulation, prefix: str) -> list[str]:
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    cursor = simulation.range(LIFECYCLE, prefix, end)
    try:
        found = []
        while (row := cursor.next_row()) is not None:
            found.append(row.key.removeprefix(prefix))
        return found
    finally:
        cursor.close()
