"""The demonstration on a network of others: as one identity, what one identity can show there.

Nothing is started, deployed or fixed: a channel's definitions and the parameters of a registry are
its organisations' to decide. What is missing is refused with the commands that bring it.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from edgemark.demo.consortium.network import NetworkStage
from edgemark.demo.progress import step
from edgemark.errors import RefusedInput
from edgemark.identifiers import NO_TIME
from edgemark.ledger.fabric.faults import ChaincodeRefused
from edgemark.ledger.fabric.lifecycle.administrator import Administrator
from edgemark.ledger.fabric.lifecycle.deploying import members_of
from edgemark.ledger.fabric.profile.reading import read_profile
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.ledger.fabric.wire.definitions import ChaincodeDefinition
from edgemark.ledger.fabric.wire.policy.policies import least_sets, parse_policy, resolve
from edgemark.party.consortium.station import ConsortiumStation
from edgemark.receipt import Receipt
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.demo.consortium import play
from edgemark.systems.trading.demo.consortium.scene import RECORDER, RIVAL, Scene
from edgemark.systems.trading.demo.consortium.trade import SignedTrade
from edgemark.systems.trading.station.ledgers.consortium import CHAINCODE, ConsortiumEvidence

ACTS = (play.COMMANDS, play.PARALLEL, play.CONFLICT, play.ALONE, play.KILLED_CLIENT, play.EVENTS)
NOT_PLAYED = {  # elsewhere than on a ledger that the demonstration starts
    play.DISAGREEMENT[0]: "it needs administrators of most organisations, who deploy "
    "older code for one of them",
    play.ROOTS: "it needs an organisation's CA, which names "
    "the demonstration's controller in a certificate, and a registry whose `init` named a deadline "
    "within the next minute",
    play.KILLED_LEDGER[0]: "it needs the ledger's own process",
    play.VERIFY[0]: "it needs the ledger's own files",
}
STAYS = "What was recorded stays on that ledger: settlements of parties who were drawn for this."
ONE_IDENTITY = "Everybody here is one identity of {msp_id}; other organisations endorsed only."


def tell_elsewhere(folder: Path, console: Console, access: LedgerSettings) -> Receipt:
    """Play it and return the receipt, which names what was not played and why.

    Args:
        folder: keys, journals and logs.
        console: where progress goes.
        access: a connection profile, a channel, and an identity of it.

    Raises:
        RefusedInput: the registry is not on the channel, or has no parameters.
        ProfileInvalid, IdentityRefused, LedgerSilent: as of every command of the ledger.
    """
    about = {"ledger": access.profile, "channel": access.channel, "identity": access.msp_id}
    receipt = Receipt("ledger", about=about)
    receipt.caveats = [ONE_IDENTITY.format(msp_id=access.msp_id), STAYS]
    with NetworkStage(folder, kind=access.kind, access=access) as stage:
        with step(console, receipt, "the registry of that channel"):
            stage.set()
            scene, missing = _open(stage)
        for name, why in missing.items():
            receipt.caveats.append(f"Not played: {name}; {why}.")
        for name, act in ACTS:
            if name not in missing:
                with step(console, receipt, name):
                    act(scene, receipt)
    return receipt


def _open(stage: NetworkStage) -> tuple[Scene, Mapping[str, str]]:
    """Everybody as the one identity, and which acts cannot be played, by name, with why."""
    msp_id = stage.access.msp_id
    station = stage.enter(RECORDER, msp_id, "")
    profile = read_profile(Path(stage.access.profile))
    administrator = Administrator(station.gateway, profile.peers_of(msp_id))
    definition = administrator.definition(CHAINCODE)
    if definition is None:
        raise RefusedInput(
            "is not there",
            who=f"chaincode {CHAINCODE} on channel {stage.access.channel}",
            needed="the registry of evidence, which most organisations' administrators deploy",
            remedy=_how_to_deploy(stage.access, list(profile.peers)),
        )
    parameters = _parameters_of(station, stage.access, list(profile.peers))
    missing = dict(NOT_PLAYED)
    if _is_enough(administrator, definition, msp_id):
        missing[play.ALONE[0]] = f"the policy of {CHAINCODE} is satisfied by {msp_id} alone"
    recorder, rival = (
        ConsortiumEvidence(each.door(CHAINCODE))
        for each in (station, stage.enter(RIVAL, msp_id, ""))
    )
    trade = SignedTrade.begin(int(time.time()), domains=parameters.domains[0])
    begun = station.gateway.height()
    scene = Scene(stage, trade, NO_TIME, recorder, rival, recorder, station, msp_id, begun)
    return scene, missing


def _is_enough(administrator: Administrator, definition: ChaincodeDefinition, msp_id: str) -> bool:
    """Whether one organisation's endorsement satisfies the chaincode's policy."""
    policy = parse_policy(definition.policy)
    rule = resolve(policy, members_of(administrator, definition.name))
    return bool(least_sets(rule, [msp_id]))


def _parameters_of(
    station: ConsortiumStation, access: LedgerSettings, msp_ids: list[str]
) -> Parameters:
    try:
        return ConsortiumEvidence(station.door(CHAINCODE)).parameters
    except ChaincodeRefused as refused:
        if "NoParameters" not in str(refused.had):
            raise
        raise RefusedInput(
            "has no parameters yet",
            who=f"chaincode {CHAINCODE} on channel {access.channel}",
            needed="`init`, with one text, by an administrator of each organisation that it names "
            "and of most of the channel",
            remedy=_how_to_begin(access, msp_ids),
        ) from refused


def _how_to_deploy(access: LedgerSettings, msp_ids: list[str]) -> str:
    """Commands that bring the registry to the channel."""
    deploy = f"edgemark ledger chaincode deploy {CHAINCODE} --address HOST:PORT"
    run = f"edgemark ledger chaincode run {CHAINCODE} --package-id LABEL:HASH --address HOST:PORT"
    return (
        f"As an administrator of each of {', '.join(msp_ids)}, one after the other, where its peer "
        f"reaches HOST:PORT: `{deploy} {_options(access)}`, which installs and approves; then "
        f"`{run}`, by the package id that was told, and the first again until it is committed. "
        f"{_how_to_begin(access, msp_ids)}"
    )


def _how_to_begin(access: LedgerSettings, msp_ids: list[str]) -> str:
    """The command that agrees to parameters, for contracts that are drawn."""
    drawn = SignedTrade.begin(int(time.time())).domains
    said = requests.tell(Parameters, Parameters((drawn,), tuple(msp_ids))).decode().strip()
    words = f"edgemark ledger invoke {CHAINCODE} {requests.INIT} {shlex.quote(said)}"
    return (
        f"Then, as an administrator of each organisation: `{words} {_options(access)}`; the "
        "contracts in it were drawn, put those of your chain instead."
    )


def _options(access: LedgerSettings) -> str:
    """That name this ledger, for an administrator."""
    return (
        f"--ledger-profile {shlex.quote(access.profile)} --channel {access.channel} "
        "--msp-id MSP --msp-folder FOLDER"
    )
