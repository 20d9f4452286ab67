"""`ape run deploy`: on an own chain of ape's and on a running one, as its options say."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_keyfile import create_keyfile_json
from tests.scripts.ape_forks import ApeForks
from tests.scripts.ape_runs import ROOT, ape_data_folder, ape_run, environment_of_ape

from edgemark.cli.catalogue import CONTRACTS, GROUPS, KINDS
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import SAMPLED_BLOCKS, Deployment
from edgemark.identifiers import Address, parse_address
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.evm.contracts import DidContracts
from edgemark.systems.outsourcing.station.contracts import DEFAULT_LIMITS, OutsourcingContracts
from edgemark.systems.trading.station import contracts as trading
from edgemark.systems.trading.station.contracts import TradingContracts

pytestmark = [pytest.mark.chain, pytest.mark.processes, pytest.mark.lasts(53)]

PASSPHRASE = "correct horse battery"
ROW = re.compile(r"^(\w+) +(0x\w{40}) +([\d,]+|with MetaCoin) *$", re.MULTILINE)
ASKED_LIMITS = (11 * 10**16, 12 * 10**18, 2 * 10**18, 0, 3, 4, 7, 6)
COMMUNITY = 3 * 10**26  # released at once


AT_ONCE = AnvilOptions(block_time_s=None)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilNode]:
    """A running chain."""
    with AnvilNode.start(tmp_path_factory.mktemp("chain"), AT_ONCE) as node:
        yield node


@pytest.fixture
def node(running: AnvilNode) -> AnvilNode:
    """The same, with blocks a second apart before a test, and enough of them to tell."""
    chain = EvmChain(running.url, chain_id=31337).connect()
    chain.rpc("anvil_mine", hex(2 * SAMPLED_BLOCKS), "0x1")  # the last ones are not final
    return running


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApeForks]:
    folder = tmp_path_factory.mktemp("ape")
    environ = environment_of_ape(folder / "home")
    environ["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
    with ApeForks(folder, ROOT, environ) as program:
        yield program


def account(number: int) -> Address:
    """A development account."""
    return SecretKey(dev_key(number)).address


def payee(number: int) -> Address:
    """An account that nobody has the key of."""
    return parse_address(bytes([number]) * 20)


PLANS = [
    {"beneficiary": payee(owner), "amount": amount, "delay": 0, "duration": duration, "grace": 60}
    for owner, amount, duration in (
        (9, 4 * 10**26, 1000),
        (9, 10**26, 1000),
        (9, 4 * 10**26, 0),
        (6, 10**26, 1000),
    )
]


def test_deploy__on_a_chain_of_apes_own__prints_the_contracts_and_leaves_no_manifest(
    tmp_path: Path,
) -> None:
    """On Anvil; `test_outsourcing_script.py` deploys on ape's Hardhat, and plays there."""
    ran = ape_run(tmp_path / "home", "deploy", "--network", "ethereum:local:foundry")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = ROW.findall(ran.stdout)
    assert sorted(name for name, _, _ in rows) == sorted(CONTRACTS)
    told = {name: gas for name, _, gas in rows}
    assert told.pop("Allocations") == "with MetaCoin"
    assert all(int(gas.replace(",", "")) > 100_000 for gas in told.values())
    assert "no manifest" in ran.stdout
    assert not (tmp_path / "home").exists()


def test_deploy__on_a_running_chain__writes_a_manifest_that_verifies(
    tmp_path: Path, node: AnvilNode, forks: ApeForks
) -> None:
    ran = ape_run(tmp_path, "deploy", "--network", node.url, forks=forks)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    path = tmp_path / "deployments" / "31337.json"
    assert f"manifest: {path}" in ran.stdout
    chain = EvmChain(node.url, chain_id=31337, confirmations=0).connect()
    deployment = Deployment.load(path, GROUPS, 31337)
    deployment.verify(chain)
    addresses = {name: address for name, address, _ in ROW.findall(ran.stdout)}
    assert addresses == deployment.contracts
    assert_trading_is_as_drafted(chain, deployment)
    identities = tmp_path / "deployments" / "31337-did.json"  # where `edgemark identity` looks
    assert f"manifest of identities: {identities}" in ran.stdout
    registry = Deployment.load(identities, GROUPS, 31337)
    registry.verify(chain)
    assert registry.kinds == list(DidContracts.KINDS)
    assert registry.contract("DidRegistry").address == addresses["DidRegistry"]
    settlement, coin = deployment.contract("JobSettlement"), deployment.contract("MetaCoin")
    assert chain.call(settlement, "limits") == DEFAULT_LIMITS.as_abi()
    assert chain.call(settlement, "guardian") == account(0)
    assert chain.call(settlement, "pool") == account(5)
    assert chain.call(coin, "balanceOf", account(0)) == COMMUNITY
    members = chain.call(deployment.contract("EnclaveManager"), "members")
    assert members == tuple(account(number) for number in range(1, 5))
    assert "whose keys everybody knows" in ran.stdout
    first = chain.rpc("eth_getCode", coin.address, hex(deployment.block - 1))
    assert first == "0x"
    assert chain.has_code(coin.address, deployment.block)


def assert_trading_is_as_drafted(chain: EvmChain, deployment: Deployment) -> None:
    """Every value that was decided for it stands in its contract."""
    escrow, offers = deployment.contract("ChannelEscrow"), deployment.contract("OfferBook")
    assert chain.call(escrow, "limits") == trading.DEFAULT_LIMITS.as_abi()
    assert chain.call(offers, "limits") == trading.DEFAULT_OFFER_LIMITS.as_abi()
    assert [chain.call(each, "guardian") for each in (escrow, offers)] == [account(0)] * 2
    controllers = deployment.contract("Controllers")
    assert chain.call(controllers, "pool") == account(5)
    assert chain.call(controllers, "minBond") == trading.DEFAULT_BONDING.min_bond
    seconds = (trading.DEFAULT_BONDING.unbonding_seconds, trading.DEFAULT_WATCHING.claim_seconds)
    assert chain.call(controllers, "unbondingSeconds") == seconds[0]
    assert chain.call(deployment.contract("Watchtowers"), "claimSeconds") == seconds[1]


def test_deploy__trading_alone__has_identities_and_asks_for_no_judges(
    tmp_path: Path, node: AnvilNode, forks: ApeForks
) -> None:
    path = tmp_path / "manifest.json"
    words = ("--systems", "trading", "--manifest", str(path), "--pool", payee(7))
    decided = {
        "--offer-min-deposit": "0.5", "--offer-min": "3", "--offer-max": "4",
        "--channel-min-window": "12", "--channel-max-window": "13",
        "--channel-exit-grace": "14", "--channel-max-deposit": "15",
        "--controller-min-bond": "16", "--controller-unbonding": "17", "--tower-claim": "18",
    }  # fmt: skip
    more = [word for pair in decided.items() for word in pair]
    ran = ape_run(
        tmp_path,
        *("deploy", "--network", node.url, *words, "--guardian", payee(8), *more),
        forks=forks,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "judges" not in ran.stdout
    chain = EvmChain(node.url, chain_id=31337, confirmations=0).connect()
    deployment = Deployment.load(path, GROUPS, 31337)
    deployment.verify(chain)
    assert [group.NAME for group in deployment.groups] == ["base", "did", "trading"]
    group, unit = deployment.group(TradingContracts), 10**18
    assert (group.guardian, group.pool) == (payee(8), payee(7))
    assert group.offers.as_abi() == (unit // 2, 3, 4)
    assert group.limits.as_abi() == (12, 13, 14, 15 * unit)
    assert (group.bonding.min_bond, group.bonding.unbonding_seconds) == (16 * unit, 17)
    assert group.watching.claim_seconds == 18
    assert [each.name for each in tmp_path.iterdir()] == ["manifest.json"]


def test_deploy__identities_alone__have_a_manifest_of_their_own(
    tmp_path: Path, node: AnvilNode, forks: ApeForks
) -> None:
    ran = ape_run(tmp_path, "deploy", "--network", node.url, "--identities", forks=forks)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    path = tmp_path / "deployments" / "31337-did.json"
    assert f"manifest: {path}" in ran.stdout
    assert [name for name, _, _ in ROW.findall(ran.stdout)] == ["DidRegistry"]
    chain = EvmChain(node.url, chain_id=31337, confirmations=0).connect()
    deployment = Deployment.load(path, (DidContracts,), 31337)
    deployment.verify(chain)
    assert chain.call(deployment.contract("DidRegistry"), "identityOwner", account(3)) == account(3)


def test_deploy__outsourcing_alone_with_every_option__does_what_they_say(
    tmp_path: Path, node: AnvilNode, forks: ApeForks
) -> None:
    judges = [payee(number) for number in range(1, 6)]
    path, plans = tmp_path / "manifest.json", tmp_path / "plans.json"
    plans.write_text(json.dumps(PLANS))
    ran = ape_run(
        tmp_path,
        *("deploy", "--network", node.url, "--account", "TEST::2", "--manifest", str(path)),
        *(word for judge in judges for word in ("--judge", judge)),
        *("--pool", payee(7), "--guardian", payee(8), "--holder", payee(9)),
        *("--min-fee", "0.11", "--max-fee", "12", "--judge-floor", "2", "--judge-price", "0"),
        *("--min-window", "3", "--max-window", "4"),
        *("--judge-window", "7", "--exit-grace", "6", "--min-stake", "77.5", "--unbonding", "88"),
        *("--pause", "9", "--allocations", str(plans), "--systems", "outsourcing"),
        forks=forks,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    chain = EvmChain(node.url, chain_id=31337, confirmations=0).connect()
    deployment = Deployment.load(path, GROUPS, 31337)
    deployment.verify(chain)
    settlement = deployment.contract("JobSettlement")
    assert chain.call(settlement, "limits") == ASKED_LIMITS
    assert chain.call(settlement, "pool") == payee(7)
    assert chain.call(settlement, "guardian") == payee(8)
    coin = KINDS["MetaCoin"].at(deployment.contracts["MetaCoin"])
    assert chain.call(coin, "balanceOf", payee(9)) == 4 * 10**26
    assert chain.call(coin, "balanceOf", deployment.contracts["Allocations"]) == 6 * 10**26
    held = deployment.contract("Allocations")
    assert chain.call(held, "allocationOf", 3)[:2] == (payee(6), 10**26)
    registry = deployment.contract("ParticipantRegistry")
    assert chain.call(registry, "minStake") == 775 * 10**17
    assert chain.call(registry, "unbondingSeconds") == 88
    assert chain.call(registry, "pauseSeconds") == 9
    assert chain.call(deployment.contract("EnclaveManager"), "members") == tuple(judges)
    assert deployment.group(OutsourcingContracts).limits.as_abi() == ASKED_LIMITS
    assert [group.NAME for group in deployment.groups] == ["base", "outsourcing"]
    creator = chain.rpc("eth_getBlockByNumber", hex(deployment.block), True)["transactions"]
    assert [parse_address(each["from"]) for each in creator] == [account(2)]
    assert not (tmp_path / "deployments").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--judge-window", "5"), ("judge window is over before judges can serve", "2 + 4 blocks")),
        (("--pool", "0x12"), ("pool", "not an account address")),
        (("--allocations", "none.json"), ("none.json", "cannot be read")),
        (("--unbonding", "9"), ("JobSettlement.constructor", "OutOfBounds", "unbonding")),
        (("--min-stake", f"{10**21}"), ("--min-stake", "perhaps 1000 was meant")),  # R16
        (("--channel-max-deposit", f"{10**21}"), ("--channel-max-deposit", "perhaps 1000")),
        (("--channel-min-window", "5"), ("before anybody can respond", "2 + 4 blocks")),
        (("--channel-max-window", "8"), ("ChannelEscrow.constructor", "OutOfBounds")),
    ],
)
def test_deploy__a_users_mistake__is_named_without_a_traceback(
    tmp_path: Path,
    node: AnvilNode,
    forks: ApeForks,
    options: tuple[str, ...],
    said: tuple[str, ...],
) -> None:
    ran = ape_run(tmp_path, "deploy", "--network", node.url, *options, forks=forks)
    assert ran.returncode == 1
    assert all(words in ran.stderr for words in said), ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", ["", "trading,", "Trading", "trading outsourcing"])
def test_deploy__a_system_that_is_none__is_named_before_anything_is_sent(
    tmp_path: Path, node: AnvilNode, forks: ApeForks, names: str
) -> None:
    words = ("deploy", "--network", node.url, "--systems", names)
    ran = ape_run(tmp_path, *words, forks=forks)
    assert ran.returncode == 2
    assert "is no system: outsourcing, trading" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_deploy__a_chain_that_is_no_test_chain__takes_no_test_accounts(
    tmp_path: Path, forks: ApeForks
) -> None:
    with AnvilNode.start(tmp_path / "chain", AnvilOptions(chain_id=4242)) as node:
        ran = ape_run(tmp_path / "home", "deploy", "--network", node.url, forks=forks)
        chain = EvmChain(node.url, chain_id=4242).connect()
        assert int(chain.rpc("eth_getTransactionCount", account(0), "pending"), 16) == 0
    assert ran.returncode == 2
    assert "--account, --judge, --pool: needed" in ran.stderr


@pytest.fixture
def alias() -> Iterator[str]:
    """An account of ape's that only this test knows: development account 3, with a passphrase."""
    name = f"deployer-{os.getpid()}"
    path = ape_data_folder() / "accounts" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = create_keyfile_json(dev_key(3), PASSPHRASE.encode(), kdf="pbkdf2", iterations=1000)
    path.write_text(json.dumps(facts))
    yield name
    path.unlink()


def test_deploy__elsewhere__uses_an_account_of_apes(
    tmp_path: Path, alias: str, forks: ApeForks
) -> None:
    with AnvilNode.start(tmp_path / "chain", replace(AT_ONCE, chain_id=4242)) as node:
        judges = [word for number in range(1, 5) for word in ("--judge", payee(number))]
        ran = ape_run(
            tmp_path / "home",
            *("deploy", "--network", node.url, "--account", alias, "--pool", payee(7), *judges),
            # Sign? Passphrase? Leave unlocked? Then for each other contract: sign?
            answers=f"y\n{PASSPHRASE}\ny\n" + "y\n" * 20,
            forks=forks,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        chain = EvmChain(node.url, chain_id=4242, confirmations=0).connect()
        deployment = Deployment.load(tmp_path / "home" / "deployments" / "4242.json", GROUPS, 4242)
        deployment.verify(chain)
    assert deployment.group(OutsourcingContracts).guardian == account(3)
    assert PASSPHRASE not in ran.stdout + ran.stderr
