"""A manifest says where the contracts of one chain are, whole or not at all."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.deployed import CONTRACTS

from edgemark.cli.catalogue import GROUPS
from edgemark.deployment.deployment import (
    MAX_MANIFEST_BYTES,
    Deployment,
    ManifestInvalid,
)
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.identifiers import Hash32, parse_address
from edgemark.identity.records import Staking
from edgemark.ledger.evm.contract import interface
from edgemark.ledger.evm.contract.deployed_code import Origin
from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts, draft_contracts
from edgemark.token.records import AllocationPlan

ADDRESSES = st.binary(min_size=20, max_size=20).map(parse_address)
AMOUNTS = st.integers(0, 2**96 - 1)
SECONDS = st.integers(0, 2**40 - 1)
LIMITS = st.builds(Limits, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, SECONDS, SECONDS, SECONDS, SECONDS)
PLANS = st.builds(AllocationPlan, ADDRESSES, AMOUNTS, SECONDS, SECONDS, SECONDS)
ORIGINS = st.builds(
    Origin,
    arguments=st.integers(0, 20).map(lambda words: b"\x07" * 32 * words),
    block=st.integers(0, 2**63),
    code_hash=st.binary(min_size=32, max_size=32),
    compiler=st.sampled_from(["0.8.37", "1.0.0"]),
)
DEPLOYMENTS = st.builds(
    Deployment,
    chain_id=st.integers(1, 2**63),
    block=st.integers(0, 2**63),
    contracts=st.fixed_dictionaries({name: ADDRESSES for name in CONTRACTS}),
    groups=st.builds(
        draft_contracts,
        holder=ADDRESSES,
        judges=st.lists(ADDRESSES, min_size=4, max_size=16).map(tuple),
        pool=ADDRESSES,
        guardian=ADDRESSES,
        limits=LIMITS,
        allocations=st.tuples(PLANS, PLANS, PLANS, PLANS),
        staking=st.builds(Staking, AMOUNTS, SECONDS, SECONDS),
    ),
    origins=st.fixed_dictionaries({name: ORIGINS for name in CONTRACTS}),
)
SOMEBODY = parse_address("0x" + "11" * 20)
DRAFT = draft_contracts(
    SOMEBODY, (SOMEBODY,) * 4, SOMEBODY, SOMEBODY, Limits(10, 20, 1, 1, 1, 2, 3, 4)
)
EXAMPLE = Deployment(
    31337,
    5,
    {name: parse_address(bytes([at + 1]) * 20) for at, name in enumerate(CONTRACTS)},
    tuple(group.filled(DRAFT) for group in DRAFT),
    {name: Origin(b"", 5, Hash32(b"\x01" * 32), "0.8.37") for name in CONTRACTS},
)
OLDER = Path(__file__).parents[2] / "vectors" / "older" / "manifest_1.json"  # of version 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    EXAMPLE.save(tmp_path / "manifest.json")
    return tmp_path / "manifest.json"


def paths_in(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every value in nested JSON."""
    found = [above] if above else []
    if isinstance(value, dict | list | tuple):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in pairs:
            found += paths_in(part, (*above, name))
    return found


@given(deployment=DEPLOYMENTS)
def test_save__any_deployment__is_loaded_back(
    tmp_path_factory: pytest.TempPathFactory, deployment: Deployment
) -> None:
    path = tmp_path_factory.mktemp("manifest") / "deep" / "manifest.json"
    deployment.save(path)
    assert Deployment.load(path, GROUPS) == deployment
    assert Deployment.load(path, GROUPS, deployment.chain_id) == deployment


def test_save__over_another__replaces_it_and_leaves_nothing_else(path: Path) -> None:
    other = replace(EXAMPLE, chain_id=99)
    other.save(path)
    assert Deployment.load(path, GROUPS).chain_id == 99
    assert [each.name for each in path.parent.iterdir()] == ["manifest.json"]


def facts_of(deployment: Deployment, folder: Path) -> Any:
    """What a manifest says."""
    deployment.save(folder / "manifest.json")
    return json.loads((folder / "manifest.json").read_text())


def places() -> list[tuple[Any, ...]]:
    """Every value of a manifest; a whole group that is missing was not deployed."""
    with tempfile.TemporaryDirectory() as folder:
        found = paths_in(facts_of(EXAMPLE, Path(folder)))
    found.remove(("checksum",))
    return [place for place in found if place[:1] != ("groups",) or len(place) != 2]


@pytest.mark.parametrize("place", places(), ids=str)
@pytest.mark.parametrize("damage", ["missing", "other"])
def test_load__anything_missing_or_of_another_kind__is_refused(
    path: Path, place: tuple[Any, ...], damage: str
) -> None:
    facts = part = json.loads(path.read_text())
    facts.pop("checksum")  # as who changes one on purpose does
    for name in place[:-1]:
        part = part[name]
    if damage == "other":
        part[place[-1]] = "0x12"
    elif isinstance(part, dict):
        del part[place[-1]]
    else:
        part[place[-1]] = None
    path.write_text(json.dumps(facts))
    with pytest.raises(ManifestInvalid) as refused:
        Deployment.load(path, GROUPS)
    assert refused.value.who == path


@pytest.mark.parametrize("contracts", [["x"], "x", 7, None, True, {}, [[]]])
def test_load__of_version_1_with_other_contracts__is_refused(
    tmp_path: Path, contracts: object
) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({**json.loads(OLDER.read_text()), "contracts": contracts}))
    with pytest.raises(ManifestInvalid, match="is no deployment manifest"):
        Deployment.load(path, GROUPS)


def test_load__of_version_1_with_a_contract_more__leaves_that_alone(tmp_path: Path) -> None:
    facts = json.loads(OLDER.read_text())
    facts["contracts"]["Stranger"] = "0x" + "11" * 20
    path = tmp_path / "m.json"
    path.write_text(json.dumps(facts))
    assert Deployment.load(path, GROUPS) == Deployment.load(OLDER, GROUPS)


@pytest.mark.parametrize("part", ["chain_id", "block"])
def test_load__of_an_endless_number__is_refused(path: Path, part: str) -> None:
    path.write_text(path.read_text().replace(f'"{part}": ', f'"{part}": 1e400, "was": ', 1))
    with pytest.raises(ManifestInvalid):
        Deployment.load(path, GROUPS)


def test_load__of_version_1__is_what_it_was() -> None:
    older = json.loads(OLDER.read_text())
    deployment = Deployment.load(OLDER, GROUPS, 31337)
    assert dict(deployment.contracts) == older["contracts"]
    assert list(deployment.contracts) == list(CONTRACTS)
    assert {name: each.as_dict() for name, each in deployment.origins.items()} == older["origins"]
    found: dict[str, Any] = {}
    for group in deployment.groups:
        found |= asdict(group)
    assert json.loads(json.dumps(found)) == older["parameters"]


def test_load__of_version_1__is_saved_as_the_groups_it_held(tmp_path: Path) -> None:
    deployment = Deployment.load(OLDER, GROUPS)
    facts = facts_of(deployment, tmp_path)
    assert (facts["version"], sorted(facts["groups"])) == (2, ["base", "outsourcing"])
    assert Deployment.load(tmp_path / "manifest.json", GROUPS) == deployment


@pytest.mark.parametrize("part", ["contracts", "origins", "parameters"])
def test_load__of_version_1_with_something_missing__is_refused(tmp_path: Path, part: str) -> None:
    for name in json.loads(OLDER.read_text())[part]:
        facts = json.loads(OLDER.read_text())
        del facts[part][name]
        (tmp_path / "m.json").write_text(json.dumps(facts))
        with pytest.raises(ManifestInvalid):
            Deployment.load(tmp_path / "m.json", GROUPS)


def test_load__of_a_deployment_without_a_group__has_the_others(path: Path) -> None:
    facts = json.loads(path.read_text())
    del facts["groups"]["outsourcing"], facts["checksum"]
    facts["groups"]["of another version"] = {"anything": 1}
    path.write_text(json.dumps(facts))
    deployment = Deployment.load(path, GROUPS)
    assert deployment.group(BaseContracts) == EXAMPLE.group(BaseContracts)
    assert list(deployment.contracts) == [kind.name for kind in BaseContracts.KINDS]
    for look in (
        lambda: deployment.group(OutsourcingContracts),
        lambda: deployment.contract("JobSettlement"),
    ):
        with pytest.raises(RefusedInput):
            look()


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 5000],
    ids=lambda raw: repr(raw[:8]),
)
def test_load__no_manifest__is_refused(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    with pytest.raises(ManifestInvalid):
        Deployment.load(path, GROUPS)


def test_load__too_long__is_refused_unread(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" " * MAX_MANIFEST_BYTES)
    with pytest.raises(ManifestInvalid, match="longer than any manifest"):
        Deployment.load(path, GROUPS)


def test_f9_load__of_one_that_was_changed__is_refused_by_name_with_the_way_out(path: Path) -> None:
    """Before, a later `block` hid events without a word."""
    path.write_text(path.read_text().replace('"block": 5', '"block": 7', 1))
    with pytest.raises(ManifestInvalid, match="was changed since it was written") as refused:
        Deployment.load(path, GROUPS)
    assert refused.value.who == path
    assert "takes its field checksum out" in refused.value.remedy


def test_f9_load__of_one_that_says_a_thing_twice__is_refused(path: Path) -> None:
    """Before, the last one counted, which the checksum was of; other readers take the first."""
    path.write_text(path.read_text().replace('"block": 5', '"block": 7,\n  "block": 5', 1))
    with pytest.raises(ManifestInvalid, match="field 'block' twice in one object"):
        Deployment.load(path, GROUPS)


def test_load__no_file__says_to_deploy_first(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        Deployment.load(tmp_path / "none.json", GROUPS)
    assert "deploy" in refused.value.remedy.lower()


def test_load__of_another_chain__names_both(path: Path) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        Deployment.load(path, GROUPS, 1)
    assert (refused.value.had, refused.value.needed) == ("chain id 31337", "chain id 1")


def test_contract__an_unknown_name__is_refused() -> None:
    with pytest.raises(RefusedInput, match="JobSettlement"):
        EXAMPLE.contract("Settlements")


def test_load_bytecode__not_compiled__says_make_contracts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface.resources, "files", lambda _: tmp_path)
    with pytest.raises(Unrecoverable) as refused:
        interface.load_bytecode("MetaCoin")
    assert "make contracts" in refused.value.remedy
    assert "bytecode/MetaCoin.json" in str(refused.value.needed)
