"""The contracts on the chain are compared with our code: every byte but values and metadata."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.offchain.deployed import CONTRACTS
from tests.offchain.small_chain import SmallChain, account, small_chain  # noqa: F401 - a fixture

from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.deployment.deployment import Deployment, ManifestInvalid
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.contract import deployed_code
from edgemark.ledger.evm.contract.deployed_code import METADATA_LENGTH_BYTES, load_runtime
from edgemark.ledger.evm.contract.interface import load_compiled, load_interface
from edgemark.ledger.evm.faults import CodeMismatch, NoCode

pytestmark = pytest.mark.chain

BEFORE_ANY_VALUE = 30  # a byte of code, in each of the contracts
OTHER = Hash32(b"\x07" * 32)


@pytest.fixture
def replant(small_chain: SmallChain) -> Callable[[str, Callable[[bytes], bytes]], None]:  # noqa: F811
    """Changes the code of a contract on the chain; the test sees it, the next one does not."""
    chain, kept = small_chain.chain, {}

    def change(name: str, edit: Callable[[bytes], bytes]) -> None:
        address = small_chain.deployment.contracts[name]
        kept.setdefault(address, chain.code(address))
        chain.rpc("anvil_setCode", address, "0x" + edit(kept[address]).hex())

    yield change
    for address, code in kept.items():
        chain.rpc("anvil_setCode", address, "0x" + code.hex())


def flip(at: int) -> Callable[[bytes], bytes]:
    """Changes one byte."""
    return lambda code: code[:at] + bytes([code[at] ^ 1]) + code[at + 1 :]


def test_verify__what_deploy_made__is_found_right(small_chain: SmallChain) -> None:  # noqa: F811
    deployment = small_chain.deployment
    deployment.verify(small_chain.chain)
    assert set(deployment.origins) == set(CONTRACTS)
    for name, origin in deployment.origins.items():
        assert origin.code_hash == load_runtime(name).hash
        assert small_chain.chain.code(deployment.contracts[name], origin.block)
        assert not small_chain.chain.code(deployment.contracts[name], origin.block - 1)
    token = deployment.contracts["MetaCoin"]
    arguments = load_interface("AssetAnchor").encode_constructor([token])
    assert deployment.origins["AssetAnchor"].arguments == arguments


@pytest.mark.parametrize("name", CONTRACTS)
def test_verify__one_byte_of_code_is_another__names_contract_and_both_hashes(
    small_chain: SmallChain,  # noqa: F811
    replant: Callable[[str, Callable[[bytes], bytes]], None],
    name: str,
) -> None:
    replant(name, flip(BEFORE_ANY_VALUE))
    with pytest.raises(CodeMismatch) as refused:
        small_chain.deployment.verify(small_chain.chain)
    assert refused.value.contract == name
    assert load_runtime(name).hash.hex() in str(refused.value.needed)
    found = small_chain.chain.code(small_chain.deployment.contracts[name])
    assert load_runtime(name).hash_of(found).hex() in str(refused.value.had)
    assert refused.value.had != refused.value.needed


def test_verify__code_before_after_or_instead__is_refused(
    small_chain: SmallChain,  # noqa: F811
    replant: Callable[[str, Callable[[bytes], bytes]], None],
) -> None:
    coin = small_chain.chain.code(small_chain.deployment.contracts["MetaCoin"])
    for edit in (lambda code: code + b"\x00", lambda code: code[:-1], lambda _: coin):
        replant("EnclaveManager", edit)
        with pytest.raises(CodeMismatch, match="EnclaveManager"):
            small_chain.deployment.verify(small_chain.chain)


def test_verify__no_code__says_so(
    small_chain: SmallChain,  # noqa: F811
    replant: Callable[[str, Callable[[bytes], bytes]], None],
) -> None:
    replant("JobSettlement", lambda _: b"")
    with pytest.raises(NoCode, match="JobSettlement"):
        small_chain.deployment.verify(small_chain.chain)


def test_verify__metadata_alone_is_another__is_the_same_contract(
    small_chain: SmallChain,  # noqa: F811
    replant: Callable[[str, Callable[[bytes], bytes]], None],
) -> None:
    replant("JobSettlement", lambda code: flip(len(code) - METADATA_LENGTH_BYTES - 20)(code))
    small_chain.deployment.verify(small_chain.chain)


def test_verify__other_immutable_values__are_found_by_what_they_say(
    small_chain: SmallChain,  # noqa: F811
    replant: Callable[[str, Callable[[bytes], bytes]], None],
) -> None:
    runtime, names = load_runtime("JobSettlement"), []
    code = small_chain.chain.code(small_chain.deployment.contracts["JobSettlement"])
    values = {code[start : start + length] for start, length in runtime.immutables}
    for name in ("pool", "anchor", "registry", "enclaves"):
        settlement = small_chain.deployment.contract("JobSettlement")
        value = small_chain.chain.call(settlement, name, block="latest")
        word = bytes(12) + bytes.fromhex(value[2:])
        assert word in values
        replant("JobSettlement", lambda _, word=word: code.replace(word, bytes(12) + b"\x77" * 20))
        with pytest.raises(ManifestInvalid) as refused:
            small_chain.deployment.verify(small_chain.chain)
        names.append(str(refused.value.who))
    assert names == [f"JobSettlement.{name}" for name in ("pool", "anchor", "registry", "enclaves")]


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({"pool": account(3)}, "JobSettlement.pool"),
        ({"guardian": account(3)}, "JobSettlement.guardian"),
        ({"judges": tuple(account(number) for number in (4, 3, 2, 1))}, "EnclaveManager.members"),
    ],
)
def test_verify__a_manifest_with_other_parameters__is_refused(
    small_chain: SmallChain,  # noqa: F811
    changes: dict[str, object],
    who: str,
) -> None:
    deployment = small_chain.deployment
    base, outsourcing = deployment.groups
    groups = (base, replace(outsourcing, **changes))
    with pytest.raises(ManifestInvalid) as refused:
        replace(deployment, groups=groups).verify(small_chain.chain)
    assert refused.value.who == who


def test_r16_verify__a_manifest_with_other_amounts__tells_both_in_mtc(
    small_chain: SmallChain,  # noqa: F811
) -> None:
    deployment = small_chain.deployment
    base, outsourcing = deployment.groups
    staking = replace(base.staking, min_stake=5 * 10**17)
    limits = replace(outsourcing.limits, min_fee=6)
    told = []
    for groups in (
        (replace(base, staking=staking), outsourcing),
        (base, replace(outsourcing, limits=limits)),
    ):
        with pytest.raises(ManifestInvalid) as refused:
            replace(deployment, groups=groups).verify(small_chain.chain)
        told += [refused.value.had, refused.value.needed]
    assert told[:2] == ["0.5 MTC", "1,000 MTC"]
    assert told[2].startswith(
        "min_fee 0.000000000000000006 MTC, max_fee 1,000,000 MTC, judge_floor "
    )
    assert told[3].startswith(
        "min_fee 0.000000000000000012 MTC, max_fee 1,000,000 MTC, judge_floor "
    )
    assert told[3].endswith("min_window 2, max_window 10000, judge_window 5, exit_grace 60")


def test_verify__deployed_from_other_sources__is_told_from_another_contract(
    small_chain: SmallChain,  # noqa: F811
) -> None:
    deployment = small_chain.deployment
    older = replace(deployment.origins["AssetAnchor"], code_hash=OTHER, compiler="0.8.1")
    origins = {**deployment.origins, "AssetAnchor": older}
    with pytest.raises(CodeMismatch, match="other sources") as refused:
        replace(deployment, origins=origins).verify(small_chain.chain)
    assert "0.8.1" in str(refused.value.had)
    assert OTHER.hex() in str(refused.value.had)


def test_load_runtime__compiled_by_an_older_version__says_make_contracts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = {key: value for key, value in load_compiled("MetaCoin").items() if key != "immutables"}
    monkeypatch.setattr(deployed_code, "load_compiled", lambda _: facts)
    load_runtime.cache_clear()
    with pytest.raises(Unrecoverable) as refused:
        load_runtime("MetaCoin")
    assert "make contracts" in refused.value.remedy


def run_verify(
    chain: SmallChain, deployment: Deployment, folder: Path, *words: str
) -> tuple[int, Path]:
    """`edgemark chain verify` with a manifest of its own."""
    path = folder / "manifest.json"
    deployment.save(path)
    place = ("--home", str(folder), "--chain-url", chain.chain.url, "--manifest", str(path))
    with pytest.raises(SystemExit) as left:
        main(["chain", "verify", *place, *words])
    return int(left.value.code or 0), path


def test_chain_verify__prints_each_contract_with_its_hash(
    small_chain: SmallChain,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, _ = run_verify(small_chain, small_chain.deployment, tmp_path)
    assert status == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", name] for name in CONTRACTS]
    status, _ = run_verify(small_chain, small_chain.deployment, tmp_path, "--json")
    facts = json.loads(capsys.readouterr().out)
    assert facts["JobSettlement"]["code_hash"] == "0x" + load_runtime("JobSettlement").hash.hex()


def test_chain_verify__another_contract__ends_with_refused_input(
    small_chain: SmallChain,  # noqa: F811
    replant: Callable[[str, Callable[[bytes], bytes]], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    replant("AssetAnchor", flip(BEFORE_ANY_VALUE))
    status, _ = run_verify(small_chain, small_chain.deployment, tmp_path)
    assert status == Exit.REFUSED_INPUT
    said = capsys.readouterr().err
    assert "CodeMismatch: AssetAnchor" in said
    assert load_runtime("AssetAnchor").hash.hex() in said
