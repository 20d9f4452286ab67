"""The contracts of one chain: put there, written down, found again.

The manifest is a JSON file per chain id, beside the other files of the installation. It has
the groups of contracts that were deployed; whoever reads it says which groups it knows:

    {"version": 2, "chain_id": 31337, "block": 5, "groups": {GROUP: {
     "parameters": {…},
     "contracts": {CONTRACT: {"address": "0x…", "arguments": "0x…", "block": 5, "code_hash": …,
                              "compiler": …}, …}}, …},
     "checksum": …}

In version 1 the groups were not told apart: one object "parameters" has what all of them need, and
"contracts" and "origins" all contracts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from edgemark.deployment.group import ContractGroup
from edgemark.deployment.settings import ChainSettings
from edgemark.errors import RefusedInput
from edgemark.files import write_whole
from edgemark.identifiers import Address, parse_address
from edgemark.ledger.evm.contract.deployed_code import Origin, check_code
from edgemark.ledger.evm.contract.interface import Contract, load_interface
from edgemark.ledger.evm.contract.kind import ContractKind
from edgemark.ledger.evm.contract.token_values import tell_answer
from edgemark.ledger.evm.faults import ChainIdMismatch
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.transaction import address_of_made
from edgemark.settings.settings import Settings
from edgemark.untrusted.checksum import take_checksum, with_checksum
from edgemark.untrusted.json_text import load_json

MANIFEST_VERSION = 2
MAX_MANIFEST_BYTES = 64 * 1024
SAMPLED_BLOCKS = 12  # of which the seconds between two are looked at
TAKE_WRITTEN = (
    "Take the file that the deployment wrote. "
    "Who changed it on purpose takes its field checksum out."
)
Group = TypeVar("Group", bound=ContractGroup)


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
        contracts: address by contract name, of all groups, in the order in which they were made.
        groups: that were deployed, with what was decided for them; those that are known here.
        origins: how each of them came to be, by contract name; a manifest has all of them.
    """

    chain_id: int
    block: int
    contracts: Mapping[str, Address]
    groups: tuple[ContractGroup, ...]
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def contract(self, name: str) -> Contract:
        """One of the contracts.

        Raises:
            RefusedInput: there is none of that name.
        """
        kinds = {kind.name: kind for kind in self.kinds}
        if name not in kinds or name not in self.contracts:
            raise RefusedInput("is no contract", who=name[:80], needed=", ".join(self.contracts))
        return kinds[name].at(self.contracts[name])

    @property
    def kinds(self) -> list[ContractKind]:
        """Of the contracts, in the order in which they were made."""
        return [kind for group in self.groups for kind in group.KINDS]

    def has(self, wanted: type[ContractGroup]) -> bool:
        """Whether a group was deployed, and is known here."""
        return any(isinstance(group, wanted) for group in self.groups)

    def group(self, wanted: type[Group]) -> Group:
        """What was decided for a group.

        Raises:
            RefusedInput: it was not deployed.
        """
        for group in self.groups:
            if isinstance(group, wanted):
                return group
        raise RefusedInput("was not deployed here", who=f"group {wanted.NAME}")

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
                remedy="Correct the setting chain.manifest or chain.url.",
            )
        for kind in self.kinds:
            chain.require_code(self.contract(kind.name))
            check_code(chain, kind.name, self.contracts[kind.name], self.origins.get(kind.name))
        for kind in self.kinds:
            for function, name in kind.wired:
                self._check_wire(chain, self.contract(kind.name), function, name)
        self._check_fixed(chain)

    def _check_wire(self, chain: EvmChain, user: Contract, function: str, name: str) -> None:
        found = chain.call(user, function, block="latest")
        if found != self.contracts[name]:
            raise ManifestInvalid(
                f"names another {name} than the contract uses",
                who=f"{user.name}.{function}",
                had=self.contracts[name],
                needed=found,
                remedy="Take the manifest that the deployment wrote.",
            )

    def _check_fixed(self, chain: EvmChain) -> None:
        """Immutable values are no part of a code's hash: look at what they say."""
        for group in self.groups:
            for kind in group.KINDS:
                for function, needed in kind.fixed(group).items():
                    found = chain.call(self.contract(kind.name), function, block="latest")
                    if found != needed:
                        names = getattr(found, "_fields", ())  # of a struct
                        raise ManifestInvalid(
                            f"names other {function} than the contract has",
                            who=f"{kind.name}.{function}",
                            had=tell_answer(function, needed, names),
                            needed=tell_answer(function, found, names),
                            remedy="Take the manifest that the deployment wrote.",
                        )

    def save(self, path: Path) -> None:
        """Write the manifest, whole or not at all."""
        groups = {
            group.NAME: {
                "parameters": asdict(group),
                "contracts": {
                    kind.name: {
                        "address": self.contracts[kind.name],
                        **self.origins[kind.name].as_dict(),
                    }
                    for kind in group.KINDS
                },
            }
            for group in self.groups
        }
        facts = {
            "version": MANIFEST_VERSION,
            "chain_id": self.chain_id,
            "block": self.block,
            "groups": groups,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = with_checksum(facts)
        write_whole(path, json.dumps(whole, indent=2, sort_keys=True).encode() + b"\n")

    @classmethod
    def load(
        cls, path: Path, known: Sequence[type[ContractGroup]], chain_id: int | None = None
    ) -> Deployment:
        """Read a manifest.

        Args:
            path: the file.
            known: the groups to look for; what else the file has is left alone.
            chain_id: the chain it must be of; None takes any.

        Raises:
            ManifestInvalid: no such file, not a manifest, or of another chain.
        """
        deployment = _from_json(_read(path), path, known)
        if chain_id is not None and deployment.chain_id != chain_id:
            raise ManifestInvalid(
                "manifest is of another chain",
                who=path,
                had=f"chain id {deployment.chain_id}",
                needed=f"chain id {chain_id}",
                remedy="Correct the setting chain.manifest or chain.url.",
            )
        return deployment


def open_deployment(
    settings: Settings, known: Sequence[type[ContractGroup]]
) -> tuple[EvmChain, Deployment]:
    """Connect to the chain of the settings, and check that the contracts of its manifest are there.

    Args:
        settings: say where.
        known: the groups to look for.

    Raises:
        NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
    """
    wanted = settings.of(ChainSettings)
    chain = EvmChain(
        wanted.url, chain_id=wanted.id or None, confirmations=wanted.confirmations
    ).connect()
    manifest = wanted.manifest_file(settings.home, chain.chain_id)
    deployment = Deployment.load(manifest, known, chain.chain_id)
    deployment.verify(chain)
    return chain, deployment


def deploy(chain: EvmChain, lane: TransactionLane, groups: Sequence[ContractGroup]) -> Deployment:
    """Put all contracts on the chain, from the package's bytecode, and wait until they are final.

    Raises:
        RefusedInput: what was decided is out of range, or does not suit the chain.
        Unrecoverable: the contracts were not compiled.
        ContractRefused: a constructor refused a parameter.
    """
    block_s = measure_block_s(chain)
    for group in groups:
        group.check_pace(chain.confirmations, block_s)

    def make(name: str, *args: object) -> Made:
        # They are mined in order: when the release behind them is final, so are they.
        contract, receipt = lane.deploy(name, *args, confirmations=0)
        return Made(contract.address, receipt.block_number)

    deployment = deploy_by(make, chain.chain_id, groups)
    for call in calls_after(deployment):
        lane.send(call)
    return deployment


def measure_block_s(chain: EvmChain) -> int:
    """Seconds from block to block: the least of the last ones, 0 where there are too few to tell.

    The least, because a development chain may rest for hours between two blocks; of blocks that are
    confirmed, about which a node has no reason to be mistaken.
    """
    head = chain.confirmed()
    if head < SAMPLED_BLOCKS:
        return 0
    times = [chain.block(head - back).timestamp for back in range(SAMPLED_BLOCKS)]
    return min(later - earlier for later, earlier in pairwise(times))


def deploy_by(
    make: Callable[..., Made], chain_id: int, groups: Sequence[ContractGroup]
) -> Deployment:
    """Put all contracts on a chain, whoever sends the transactions.

    Args:
        make: `make(name, *constructor_arguments)` makes one contract; it is asked for one after the
            other, but for those that another one's constructor makes.
        chain_id: where.
        groups: decided now, for good; each behind those whose contracts it uses.

    Raises:
        RefusedInput: what was decided is out of range, or fits no field.
        EdgemarkError: whatever `make` raises.
    """
    filled = tuple(group.filled(groups) for group in groups)
    wanted = [(kind, group) for group in filled for kind in group.KINDS]
    nowhere = {kind.name: parse_address(bytes(20)) for kind, _ in wanted}
    for kind, group in wanted:  # before anything is paid: whatever does not fit is refused here
        load_interface(kind.name).encode_constructor(kind.constructor(nowhere, group))
    at: dict[str, Made] = {}
    origins: dict[str, Origin] = {}
    for kind, group in wanted:
        known = {made: each.address for made, each in at.items()}
        args = kind.constructor(known, group)
        if kind.made_by:  # with its maker's first nonce
            maker = at[kind.made_by]
            at[kind.name] = Made(address_of_made(maker.address, 1), maker.block)
        else:
            at[kind.name] = make(kind.name, *args)
        origins[kind.name] = Origin.of(kind.name, args, at[kind.name].block)
    return Deployment(
        chain_id=chain_id,
        block=next(iter(at.values())).block,
        contracts={name: each.address for name, each in at.items()},
        groups=filled,
        origins=origins,
    )


def calls_after(deployment: Deployment) -> list[Call]:
    """What anyone may send once the contracts are there."""
    return [call for group in deployment.groups for call in group.calls_after(deployment.contract)]


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ManifestInvalid(
            "cannot read the manifest",
            who=path.absolute(),  # a relative one is looked for wherever somebody stands
            had=error.strerror,
            needed="the file that the deployment wrote",
            remedy="Deploy first (`ape run deploy`) or correct the setting chain.manifest.",
        ) from error
    try:
        if len(raw) > MAX_MANIFEST_BYTES:
            raise ValueError("longer than any manifest")
        facts = load_json(raw)
    except (ValueError, RecursionError) as error:  # brackets nested without end are no manifest
        raise _invalid(path, str(error)) from error
    if isinstance(facts, dict):
        return take_checksum(facts, path, ManifestInvalid, TAKE_WRITTEN)
    return facts


def _from_json(facts: Any, path: Path, known: Sequence[type[ContractGroup]]) -> Deployment:
    try:
        match facts["version"]:
            case 1:
                found = _together(facts, known)
            case 2:
                found = {
                    kind: facts["groups"][kind.NAME]
                    for kind in known
                    if kind.NAME in facts["groups"]
                }
            case other:
                raise ValueError(f"version {other!r}")
        if not found:
            raise ValueError("no contracts that are known here")
        made = {
            kind.name: each["contracts"][kind.name]
            for group, each in found.items()
            for kind in group.KINDS
        }
        return Deployment(
            chain_id=int(facts["chain_id"]),
            block=int(facts["block"]),
            contracts={
                name: parse_address(each["address"], who=name) for name, each in made.items()
            },
            groups=tuple(group.from_dict(each["parameters"]) for group, each in found.items()),
            origins={name: Origin.from_dict(each) for name, each in made.items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RefusedInput) as error:
        raise _invalid(path, f"{type(error).__name__}: {error}") from error


def _together(facts: Any, known: Sequence[type[ContractGroup]]) -> dict[type[ContractGroup], Any]:
    """Version 1, in which nothing says which contract and which parameter is of which group."""
    names = [kind.name for group in known for kind in group.KINDS]
    contracts = {
        name: {"address": facts["contracts"][name], **facts["origins"][name]}
        for name in names
        if name in facts["contracts"]
    }
    whole = {"parameters": facts["parameters"], "contracts": contracts}
    return {group: whole for group in known if any(kind.name in contracts for kind in group.KINDS)}


def _invalid(path: Path, why: str) -> ManifestInvalid:
    return ManifestInvalid(
        "is no deployment manifest",
        who=path,
        had=why[:200],
        needed=f"a manifest of version 1 or {MANIFEST_VERSION}",
        remedy="Deploy again or take the file that the deployment wrote.",
    )
