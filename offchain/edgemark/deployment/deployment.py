"""The contracts of one chain: put there, written down, found again.

The manifest is a JSON file per chain id, beside the other files of the installation:

    {"version": 1, "chain_id": 31337, "block": 5, "contracts": {"MetaCoin": "0x…", …},
     "parameters": {"holder": …, "judges": […], "pool": …, "guardian": …, "limits": {…},
                    "allocations": [{…}, {…}, {…}, {…}], "staking": {…}},
     "origins": {"MetaCoin": {"arguments": "0x…", "block": 5, "code_hash": …, "compiler": …}, …}}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from edgemark.deployment.parameters import (
    DeploymentParameters,
    check_judge_window,
    constructor_of,
)
from edgemark.errors import RefusedInput
from edgemark.files import write_whole
from edgemark.identifiers import Address, parse_address
from edgemark.ledger.evm.contract.deployed_code import Origin, check_code
from edgemark.ledger.evm.contract.interface import CONTRACTS, Contract, load_interface
from edgemark.ledger.evm.faults import ChainIdMismatch
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.transaction import address_of_made
from edgemark.ledger.records import Purpose
from edgemark.settings import Settings

MANIFEST_VERSION = 1
MAX_MANIFEST_BYTES = 64 * 1024
SAMPLED_BLOCKS = 12  # of which the seconds between two are looked at
# Which contract uses which other, by the function that says so.
WIRING = (
    ("JobSettlement", "anchor", "AssetAnchor"),
    ("JobSettlement", "registry", "ParticipantRegistry"),
    ("JobSettlement", "enclaves", "EnclaveManager"),
    ("ParticipantRegistry", "anchor", "AssetAnchor"),
    ("AssetAnchor", "token", "MetaCoin"),
    ("MetaCoin", "allocations", "Allocations"),
    ("Allocations", "token", "MetaCoin"),
)


class ManifestInvalid(RefusedInput):
    """The file is no deployment manifest, or not of this chain."""


@dataclass(frozen=True)
class Made:
    """A contract that was just made: its address, and the block in which that happened."""

    address: Address
    block: int


@dataclass(frozen=True)
class Deployment:
    """Where the contracts of one chain are.

    Args:
        chain_id: the chain.
        block: the block of the first of them; events need not be looked for before it.
        contracts: address by contract name, all of `CONTRACTS`.
        parameters: with which they were deployed.
        origins: how each of them came to be, by contract name; a manifest has all of them.
    """

    chain_id: int
    block: int
    contracts: Mapping[str, Address]
    parameters: DeploymentParameters
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def contract(self, name: str) -> Contract:
        """One of the contracts.

        Raises:
            RefusedInput: there is none of that name.
        """
        if name not in self.contracts:
            raise RefusedInput("is no contract", who=name[:80], needed=", ".join(CONTRACTS))
        return Contract.named(name, self.contracts[name])

    def verify(self, chain: EvmChain) -> None:
        """Check that the contracts on this chain are ours and belong together.

        Raises:
            ChainIdMismatch: another chain.
            NoCode: no contract where one should be.
            CodeMismatch: another contract, or one of another version; with both hashes.
            ManifestInvalid: they use other contracts or parameters than the manifest names.
        """
        if chain.chain_id != self.chain_id:
            raise ChainIdMismatch(
                "manifest is of another chain",
                who="deployment",
                had=f"chain id {chain.chain_id}",
                needed=f"chain id {self.chain_id}",
                remedy="Correct the setting manifest or chain_url.",
            )
        for name in CONTRACTS:
            chain.require_code(self.contract(name))
            check_code(chain, name, self.contracts[name], self.origins.get(name))
        for user, function, name in WIRING:
            contract = self.contract(user)
            found = chain.call(contract, function, block="latest")
            if found != self.contracts[name]:
                raise ManifestInvalid(
                    f"names another {name} than the contract uses",
                    who=f"{contract.name}.{function}",
                    had=self.contracts[name],
                    needed=found,
                    remedy="Take the manifest that the deployment wrote.",
                )
        self._check_parameters(chain)

    def _check_parameters(self, chain: EvmChain) -> None:
        """Immutable values are no part of a code's hash: look at what they say."""
        given = self.parameters
        for name, function, needed in (
            ("JobSettlement", "pool", given.pool),
            ("JobSettlement", "guardian", given.guardian),
            ("JobSettlement", "limits", given.limits.as_abi()),
            ("EnclaveManager", "members", given.judges),
            ("Allocations", "heir", given.pool),
            ("ParticipantRegistry", "minStake", given.staking.min_stake),
            ("ParticipantRegistry", "unbondingSeconds", given.staking.unbonding_seconds),
            ("ParticipantRegistry", "pauseSeconds", given.staking.pause_seconds),
        ):
            found = chain.call(self.contract(name), function, block="latest")
            if found != needed:
                raise ManifestInvalid(
                    f"names other {function} than the contract has",
                    who=f"{name}.{function}",
                    had=needed,
                    needed=found,
                    remedy="Take the manifest that the deployment wrote.",
                )

    def save(self, path: Path) -> None:
        """Write the manifest, whole or not at all."""
        origins = {name: origin.as_dict() for name, origin in self.origins.items()}
        facts = {"version": MANIFEST_VERSION, **asdict(self), "origins": origins}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(facts, indent=2, sort_keys=True).encode() + b"\n")

    @classmethod
    def load(cls, path: Path, chain_id: int | None = None) -> Deployment:
        """Read a manifest.

        Args:
            path: the file.
            chain_id: the chain it must be of; None takes any.

        Raises:
            ManifestInvalid: no such file, not a manifest, or of another chain.
        """
        deployment = _from_json(_read(path), path)
        if chain_id is not None and deployment.chain_id != chain_id:
            raise ManifestInvalid(
                "manifest is of another chain",
                who=path,
                had=f"chain id {deployment.chain_id}",
                needed=f"chain id {chain_id}",
                remedy="Correct the setting manifest or chain_url.",
            )
        return deployment


def manifest_path(home: Path, chain_id: int) -> Path:
    """Where the manifest of a chain is kept by default."""
    return home / "deployments" / f"{chain_id}.json"


def open_deployment(settings: Settings) -> tuple[EvmChain, Deployment]:
    """Connect to the chain of the settings, and check that the contracts of its manifest are there.

    Raises:
        NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
    """
    chain = EvmChain(
        settings.chain_url,
        chain_id=settings.chain_id or None,
        confirmations=settings.confirmations,
    ).connect()
    deployment = Deployment.load(settings.manifest_file(chain.chain_id), chain.chain_id)
    deployment.verify(chain)
    return chain, deployment


def deploy(chain: EvmChain, lane: TransactionLane, parameters: DeploymentParameters) -> Deployment:
    """Put all contracts on the chain, from the package's bytecode, and wait until they are final.

    Raises:
        RefusedInput: the number of judges is out of range, or their window too short for the chain.
        Unrecoverable: the contracts were not compiled.
        ContractRefused: a constructor refused a parameter.
    """
    check_judge_window(parameters.limits, chain.confirmations, measure_block_s(chain))

    def make(name: str, *args: object) -> Made:
        # They are mined in order: when the release behind them is final, so are they.
        contract, receipt = lane.deploy(name, *args, confirmations=0)
        return Made(contract.address, receipt.block_number)

    deployment = deploy_by(make, chain.chain_id, parameters)
    for call in calls_after(deployment):
        lane.send(call)
    return deployment


def measure_block_s(chain: EvmChain) -> int:
    """Seconds from block to block: the least of the last ones, 0 where there are too few to tell.

    The least, because a development chain may rest for hours between two blocks.
    """
    head = chain.block("latest").number
    if head < SAMPLED_BLOCKS:
        return 0
    times = [chain.block(head - back).timestamp for back in range(SAMPLED_BLOCKS)]
    return min(later - earlier for later, earlier in pairwise(times))


def deploy_by(
    make: Callable[..., Made], chain_id: int, parameters: DeploymentParameters
) -> Deployment:
    """Put all contracts on a chain, whoever sends the transactions.

    Args:
        make: `make(name, *constructor_arguments)` makes one contract, in the order of `CONTRACTS`
            but for Allocations, which MetaCoin makes itself.
        chain_id: where.
        parameters: decided now, for good.

    Raises:
        RefusedInput: the number of judges is out of range, or a parameter fits no field.
        EdgemarkError: whatever `make` raises.
    """
    parameters = parameters.filled()
    nowhere = dict.fromkeys(CONTRACTS, parse_address(bytes(20)))
    for name in CONTRACTS:  # before anything is paid: whatever does not fit is refused here
        load_interface(name).encode_constructor(constructor_of(name, nowhere, parameters))
    at: dict[str, Made] = {}
    origins: dict[str, Origin] = {}
    for name in CONTRACTS:
        known = {made: each.address for made, each in at.items()}
        args = constructor_of(name, known, parameters)
        if name == "Allocations":  # the token's constructor made it, with its first nonce
            at[name] = Made(address_of_made(at["MetaCoin"].address, 1), at["MetaCoin"].block)
        else:
            at[name] = make(name, *args)
        origins[name] = Origin.of(name, args, at[name].block)
    return Deployment(
        chain_id=chain_id,
        block=at["MetaCoin"].block,
        contracts={name: each.address for name, each in at.items()},
        parameters=parameters,
        origins=origins,
    )


def calls_after(deployment: Deployment) -> list[Call]:
    """What anyone may send once the contracts are there: releases of what vests at once."""
    contract = deployment.contract("Allocations")
    plans = zip(Purpose, deployment.parameters.allocations, strict=True)
    return [
        Call(contract, "release", (int(purpose),))
        for purpose, plan in plans
        if plan.amount and plan.delay == plan.duration == 0
    ]


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ManifestInvalid(
            "cannot read the manifest",
            who=path,
            had=error.strerror,
            needed="the file that the deployment wrote",
            remedy="Deploy first (`ape run deploy`) or correct the setting manifest.",
        ) from error
    try:
        if len(raw) > MAX_MANIFEST_BYTES:
            raise ValueError("longer than any manifest")
        return json.loads(raw)
    except (ValueError, RecursionError) as error:  # brackets nested without end are no manifest
        raise _invalid(path, str(error)) from error


def _from_json(facts: Any, path: Path) -> Deployment:
    try:
        if facts["version"] != MANIFEST_VERSION:
            raise ValueError(f"version {facts['version']!r}")
        missing = [name for name in CONTRACTS if name not in facts["contracts"]]
        if missing:
            raise ValueError(f"no address of {', '.join(missing)}")
        return Deployment(
            chain_id=int(facts["chain_id"]),
            block=int(facts["block"]),
            contracts={
                name: parse_address(facts["contracts"][name], who=name) for name in CONTRACTS
            },
            parameters=DeploymentParameters.from_dict(facts["parameters"]),
            origins={name: Origin.from_dict(facts["origins"][name]) for name in CONTRACTS},
        )
    except (KeyError, TypeError, ValueError, RefusedInput) as error:
        raise _invalid(path, f"{type(error).__name__}: {error}") from error


def _invalid(path: Path, why: str) -> ManifestInvalid:
    return ManifestInvalid(
        "is no deployment manifest",
        who=path,
        had=why[:200],
        needed=f"a manifest of version {MANIFEST_VERSION}",
        remedy="Deploy again or take the file that the deployment wrote.",
    )
