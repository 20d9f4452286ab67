"""`_lifecycle`: what `peer lifecycle chaincode` sends, by Fabric's names and messages.

| function | who may ask |
|---|---|
| install, approve, and what of it is queried | administrators of the endorser's organisation |
| readiness, commit, definitions | writers of the channel |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.embedded.simulation import rights
from edgemark.ledger.embedded.simulation.calls import (
    FAILED,
    NOT_FOUND,
    Call,
    Completion,
)
from edgemark.ledger.embedded.simulation.ground import Ground
from edgemark.ledger.embedded.simulation.recording import Simulation
from edgemark.ledger.embedded.system import rules
from edgemark.ledger.embedded.system.installed import Installed
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.packages.reading import Package
from edgemark.ledger.fabric.wire.codes import OK
from edgemark.ledger.fabric.wire.definitions import (
    OWN_PLUGINS,
    Approval,
    ChaincodeDefinition,
    fill_approval,
    fill_definition,
)
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.ledger.fabric.wire.names import LIFECYCLE


class _User(NamedTuple):
    """A chaincode on a channel, and the package that an organisation runs for it."""

    channel: str
    definition: ChaincodeDefinition
    package_id: str


class Lifecycle:
    """The chaincode `_lifecycle`.

    Args:
        installed: packages of all organisations.
        channels: by name.
    """

    needs_state = True

    def __init__(self, installed: Installed, channels: Mapping[str, Ground]) -> None:
        self._installed = installed
        self._channels = channels

    def answer(self, call: Call) -> Completion:
        """What a function answers: a message of the lifecycle, or an error."""
        name = call.arguments[0].decode(errors="replace") if call.arguments else ""
        found = FUNCTIONS.get(name)
        if found is None or len(call.arguments) != 2:
            had = f"{len(call.arguments)} arguments, the first {name[:64]!r}"
            return Completion(FAILED, f"{LIFECYCLE} needs a function and its argument, had {had}")
        kind, function, is_of_channel = found
        try:
            _authorize(call, name, is_of_channel)
            result = function(self, call, parse(kind, call.arguments[1], f"argument of {name}"))
        except IdentityRefused as error:
            return Completion(FAILED, f"Failed to authorize invocation: access denied: {error}")
        except rules.NotDefined as error:
            return Completion(NOT_FOUND, str(error))
        except EdgemarkError as error:
            return Completion(FAILED, f"failed to invoke '{name}': {error}")
        return Completion(OK, payload=result.SerializeToString())

    def install(self, call: Call, asked: Any) -> Any:
        """InstallChaincode."""
        package = self._installed.install(call.asked.msp_id, asked.chaincode_install_package)
        return lifecycle_pb2.InstallChaincodeResult(
            package_id=package.package_id, label=package.label
        )

    def query_installed(self, call: Call, asked: Any) -> Any:
        """QueryInstalledChaincode."""
        package = self._installed.find(call.asked.msp_id, asked.package_id)
        result = lifecycle_pb2.QueryInstalledChaincodeResult()
        _describe(result, package, self._list_users(call.asked.msp_id))
        return result

    def list_installed(self, call: Call, asked: Any) -> Any:
        """QueryInstalledChaincodes."""
        del asked
        result = lifecycle_pb2.QueryInstalledChaincodesResult()
        users = self._list_users(call.asked.msp_id)
        for package in self._installed.of(call.asked.msp_id).values():
            _describe(result.installed_chaincodes.add(), package, users)
        return result

    def read_package(self, call: Call, asked: Any) -> Any:
        """GetInstalledChaincodePackage."""
        raw = self._installed.read(call.asked.msp_id, asked.package_id)
        return lifecycle_pb2.GetInstalledChaincodePackageResult(chaincode_install_package=raw)

    def approve(self, call: Call, asked: Any) -> Any:
        """ApproveChaincodeDefinitionForMyOrg."""
        package_id = asked.source.local_package.package_id
        rules.approve(_state(call), call.asked.msp_id, rules.read_asked(asked), package_id)
        return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgResult()

    def query_approved(self, call: Call, asked: Any) -> Any:
        """QueryApprovedChaincodeDefinition."""
        found = rules.find_approval(_state(call), call.asked.msp_id, asked.name, asked.sequence)
        result = lifecycle_pb2.QueryApprovedChaincodeDefinitionResult()
        _describe_approval(result, found)
        return result

    def list_approved(self, call: Call, asked: Any) -> Any:
        """QueryApprovedChaincodeDefinitions."""
        del asked
        result = lifecycle_pb2.QueryApprovedChaincodeDefinitionsResult()
        for found in rules.list_approvals(_state(call), call.asked.msp_id):
            _describe_approval(result.approved_chaincode_definitions.add(), found)
        return result

    def check_readiness(self, call: Call, asked: Any) -> Any:
        """CheckCommitReadiness."""
        members = _ground(call).organisations
        found = rules.check_readiness(_state(call), members, rules.read_asked(asked))
        result = lifecycle_pb2.CheckCommitReadinessResult()
        for msp_id, mismatches in found.items():
            result.approvals[msp_id] = not mismatches
            if mismatches:
                result.mismatches[msp_id].items.extend(mismatches)
        return result

    def commit(self, call: Call, asked: Any) -> Any:
        """CommitChaincodeDefinition."""
        members = _ground(call).organisations
        rules.commit(_state(call), members, call.asked.msp_id, rules.read_asked(asked))
        return lifecycle_pb2.CommitChaincodeDefinitionResult()

    def query_definition(self, call: Call, asked: Any) -> Any:
        """QueryChaincodeDefinition."""
        state = _state(call)
        found = rules.find(state, asked.name)
        result = lifecycle_pb2.QueryChaincodeDefinitionResult()
        _describe_definition(result, found)
        members = _ground(call).organisations
        for msp_id, mismatches in rules.compare_approvals(state, members, found).items():
            result.approvals[msp_id] = not mismatches
        return result

    def list_definitions(self, call: Call, asked: Any) -> Any:
        """QueryChaincodeDefinitions."""
        del asked
        result = lifecycle_pb2.QueryChaincodeDefinitionsResult()
        for found in rules.list_definitions(_state(call)):
            _describe_definition(result.chaincode_definitions.add(), found)
        return result

    def _list_users(self, msp_id: str) -> list[_User]:
        """All that an organisation's packages are used for; each state is read once."""
        found = []
        for name, channel in sorted(self._channels.items()):
            if msp_id not in channel.organisations:
                continue
            view = channel.view()
            try:
                for definition, package_id in rules.list_packages(Simulation(view), msp_id):
                    found.append(_User(name, definition, package_id))
            finally:
                view.close()
        return found


def _authorize(call: Call, name: str, is_of_channel: bool) -> None:
    if call.above and not name.startswith("Query"):
        # Who calls a chaincode has not asked for whatever that one asks for.
        raise IdentityRefused(f"{name} answers no chaincode", who=call.above[-1][1])
    if is_of_channel:
        rights.check_writer(_ground(call), call.asked.proposal.creator)
    else:
        rights.check_admin(call.asked.member, call.asked.msp_id)


def _describe(result: Any, package: Package, users: Sequence[_User]) -> None:
    result.package_id, result.label = package.package_id, package.label
    for each in users:
        if each.package_id == package.package_id:
            told = result.references[each.channel].chaincodes
            told.add(name=each.definition.name, version=each.definition.version)


def _describe_definition(result: Any, definition: ChaincodeDefinition) -> None:
    fill_definition(result, definition, OWN_PLUGINS)
    result.collections.SetInParent()


def _describe_approval(result: Any, approval: Approval) -> None:
    fill_approval(result, approval, OWN_PLUGINS)
    result.collections.SetInParent()


def _state(call: Call) -> Simulation:
    if call.simulation is None:
        raise RefusedInput("needs a channel", who=LIFECYCLE)
    return call.simulation


def _ground(call: Call) -> Ground:
    if call.ground is None:
        raise IdentityRefused("needs a channel", who=LIFECYCLE)
    return call.ground


_L = lifecycle_pb2
FUNCTIONS: dict[str, tuple[type[Any], Callable[[Lifecycle, Call, Any], Any], bool]] = {
    "InstallChaincode": (_L.InstallChaincodeArgs, Lifecycle.install, False),
    "QueryInstalledChaincode": (
        _L.QueryInstalledChaincodeArgs,
        Lifecycle.query_installed,
        False,
    ),
    "QueryInstalledChaincodes": (
        _L.QueryInstalledChaincodesArgs,
        Lifecycle.list_installed,
        False,
    ),
    "GetInstalledChaincodePackage": (
        _L.GetInstalledChaincodePackageArgs,
        Lifecycle.read_package,
        False,
    ),
    "ApproveChaincodeDefinitionForMyOrg": (
        _L.ApproveChaincodeDefinitionForMyOrgArgs,
        Lifecycle.approve,
        False,
    ),
    "QueryApprovedChaincodeDefinition": (
        _L.QueryApprovedChaincodeDefinitionArgs,
        Lifecycle.query_approved,
        False,
    ),
    "QueryApprovedChaincodeDefinitions": (
        _L.QueryApprovedChaincodeDefinitionsArgs,
        Lifecycle.list_approved,
        False,
    ),
    "CheckCommitReadiness": (_L.CheckCommitReadinessArgs, Lifecycle.check_readiness, True),
    "CommitChaincodeDefinition": (_L.CommitChaincodeDefinitionArgs, Lifecycle.commit, True),
    "QueryChaincodeDefinition": (
        _L.QueryChaincodeDefinitionArgs,
        Lifecycle.query_definition,
        True,
    ),
    "QueryChaincodeDefinitions": (
        _L.QueryChaincodeDefinitionsArgs,
        Lifecycle.list_definitions,
        True,
    ),
}
