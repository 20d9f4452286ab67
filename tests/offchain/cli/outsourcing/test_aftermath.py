"""`outsourcing explain` and `outsourcing claim` on a real chain, by people who take no part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.offchain.systems.outsourcing.cast import NODES
from tests.offchain.systems.outsourcing.court import GAS_WEI, Court, open_court
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.identifiers import format_time
from edgemark.identity.keys import KeyStore
from edgemark.systems.outsourcing.contract.records import Finding

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    with open_court(tmp_path_factory.mktemp("court")) as opened:
        opened.deployment.save(opened.folder / "deployment.json")
        yield opened


def run(court: Court, *words: str, home: str = "stranger") -> Finished:
    """A command of somebody who knows where the chain and the contracts are."""
    environ = {
        "EDGEMARK_CHAIN_URL": court.chain.url,
        "EDGEMARK_CONFIRMATIONS": "0",
        "EDGEMARK_MANIFEST": str(court.folder / "deployment.json"),
    }
    return edgemark_here("outsourcing", *words, "--home", str(court.folder / home), environ=environ)


@pytest.fixture(scope="module")
def stranger(court: Court) -> None:
    """A home with gas and nothing else."""
    account = KeyStore.open(court.folder / "stranger" / "keys").account.address
    court.chain.rpc("anvil_setBalance", account, hex(GAS_WEI))


def check_twins(facts: Any) -> int:
    """Check that each time has its twin beside it; how many there are."""
    if isinstance(facts, list):
        return sum(map(check_twins, facts))
    if not isinstance(facts, dict):
        return 0
    numbers = {name: value for name, value in facts.items() if isinstance(value, int)}
    times = {name for name, value in numbers.items() if 10**9 <= value < 10**10}
    for name in times:
        assert facts[f"{name}_utc"] == format_time(facts[name])
    return len(times) + sum(map(check_twins, facts.values()))


def test_explain__of_a_conviction__tells_why_without_making_a_key(court: Court) -> None:
    order = court.start("explained", liars=[3])
    court.charge(order, wrong=3)
    court.serve(order, 3)
    court.rule(order, 3, Finding.WRONG)
    done = run(court, "explain", order.job.hex(), home="keyless")
    assert done.status == Exit.DONE, done.error
    assert f"index 3: node {NODES[2].address}" in done.out
    assert "judges 1, 2, 4 found it wrong (verdict Wrong)" in done.out
    assert "UTC" in done.out
    begun = run(court, "explain", order.job.hex()[:8], home="keyless")
    assert (begun.status, begun.out) == (Exit.DONE, done.out)  # R18: known to the chain
    assert not (court.folder / "keyless" / "keys").exists()
    facts = run(court, "explain", order.job.hex(), "--json", home="keyless").value
    assert facts["indices"][2]["charge"]["finding"] == "wrong"
    assert all(check["agrees"] for check in facts["amounts"])
    assert check_twins(facts) > 20
    charge = facts["indices"][2]["charge"]
    assert {"served_by", "served_by_utc", "answer_by_utc", "verdict_by_utc"} <= charge.keys()
    assert {"opens", "opens_utc", "closes", "closes_utc"} <= facts["next"][0].keys()
    assert {step["index"] for step in facts["next"] if step["index"]} == {1, 2, 4, 5, 6}


def test_explain__of_a_job_that_nobody_posted__is_refused(court: Court) -> None:
    done = run(court, "explain", "ab" * 32, home="keyless")
    assert done.status == Exit.REFUSED_INPUT
    assert "no such job on this chain" in done.complaint
    begun = run(court, "explain", "ababab", home="keyless")
    assert begun.status == Exit.REFUSED_INPUT
    assert "had 0 jobs of this home and" in begun.complaint
    assert "of this chain; needed one of them, or all 64 digits" in begun.complaint


@pytest.mark.usefixtures("stranger")
def test_claim__by_a_stranger__settles_named_jobs_and_says_what(court: Court) -> None:
    order = court.start("left behind", committed=[1, 2])
    early = run(court, "claim", f"0x{order.job.hex()[:9]}", "--json")
    assert (early.status, early.value["due"], early.value["transactions"]) == (Exit.DONE, [], [])
    court.pass_to(order.terms.collect_by + 1)
    done = run(court, "claim", order.job.hex(), "--json")
    assert done.status == Exit.DONE, done.error
    assert done.value["due"] == [order.job.hex()]
    assert [item["index"] for item in done.value["ended"]] == [1, 2, 3, 4, 5, 6]
    assert len(done.value["transactions"]) == 1
    assert court.read(order).held == 0


@pytest.mark.usefixtures("stranger")
def test_claim_all__finds_every_job_in_which_something_is_due(court: Court) -> None:
    run(court, "claim", "--all")
    unstarted, charged = court.post("never started"), court.start("unserved")
    court.charge(charged, wrong=2)
    running = court.start("goes on")
    court.pass_to(running.terms.compute_by)
    done = run(court, "claim", "--all", "--json")
    assert set(done.value["due"]) == {unstarted.job.hex(), charged.job.hex()}
    assert {(item["job"], item["index"]) for item in done.value["ended"]} == {
        *((unstarted.job.hex(), j) for j in range(1, 7)),
        (charged.job.hex(), 2),
    }
    again = run(court, "claim", "--all")
    assert "0 had something due" in again.out


@pytest.mark.usefixtures("stranger")
def test_claim__of_expired_locks__returns_them(court: Court) -> None:
    order = court.start("expired")
    (expiry,) = {pot.expires_at for pot in court.read(order).pots}
    court.pass_to(expiry + 1)
    done = run(court, "claim", order.job.hex(), "--json")
    assert done.value["due"] == []
    assert len(done.value["expired_locks"]) == 7
    assert court.read(order).held == 0


@pytest.mark.parametrize("words", [(), ("ab" * 32, "--all")])
def test_claim__of_nothing_or_of_both__is_refused(court: Court, words: tuple[str, ...]) -> None:
    done = run(court, "claim", *words)
    assert done.status == Exit.REFUSED_INPUT
    assert "name jobs, or --all" in done.complaint
