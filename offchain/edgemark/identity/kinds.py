"""What is to be known of the ParticipantRegistry; `decided` has `staking`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from edgemark.identity.events import (
    MemberAdmitted,
    MemberDismissed,
    ParticipantRegistered,
    ParticipantRetired,
    ParticipantSucceeded,
    ProviderNamed,
    ProviderStaked,
    ProviderStakeReleased,
    ProviderUnbonding,
    ServerUpdated,
)
from edgemark.ledger.evm.contract.chain_event import SignaturesRevoked
from edgemark.ledger.evm.contract.kind import ContractKind
from edgemark.ledger.evm.contract.token_values import BOUNDS


def _fixed(decided: Any) -> Mapping[str, object]:
    return {
        "minStake": decided.staking.min_stake,
        "unbondingSeconds": decided.staking.unbonding_seconds,
        "pauseSeconds": decided.staking.pause_seconds,
    }


PARTICIPANT_REGISTRY = ContractKind(
    "ParticipantRegistry",
    events=(
        ParticipantRegistered,
        MemberAdmitted,
        MemberDismissed,
        ProviderNamed,
        ServerUpdated,
        ParticipantRetired,
        ParticipantSucceeded,
        SignaturesRevoked,
        ProviderStaked,
        ProviderUnbonding,
        ProviderStakeReleased,
    ),
    constructor=lambda at, decided: (at["AssetAnchor"], *astuple(decided.staking)),
    wired=(("anchor", "AssetAnchor"),),
    fixed=_fixed,
    amounts={"StakeTooLow": ("had", "needed"), "OutOfBounds.minStake": BOUNDS, "minStake": ()},
)
