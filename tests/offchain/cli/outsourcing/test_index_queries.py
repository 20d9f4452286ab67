"""`edgemark index jobs|job|nodes|party` on a chain where one job was honest and one node lied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tools.gas_lab import open_lab
from tools.gas_market import CHARGED, SMALL, Job, Market

from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.systems.outsourcing.contract.records import Finding

pytestmark = pytest.mark.chain


@dataclass
class Place:
    """A home folder beside the chain, and what was played there."""

    market: Market
    honest: Job
    lied: Job
    home: Path

    def type(self, *words: str) -> int:
        """Run one command."""
        url = self.market.lab.chain.url
        with pytest.raises(SystemExit) as left:
            main(["index", *words, "--home", str(self.home), "--chain-url", url])
        return int(left.value.code or 0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("queries")
    with open_lab(folder / "chain", "prague") as lab:
        market = Market(lab, SMALL)
        market.settle_in()
        honest = Job(market).start().commit(*range(1, SMALL.nodes + 1))
        honest.act("", market.key("payer"), "approve", honest.job, honest.indices)
        lied = Job(market).start().commit(*range(1, SMALL.nodes + 1))
        lied.charge([CHARGED], []).serve().judge(Finding.WRONG)
        chain_id = lab.chain.chain_id
        market.deployment.save(folder / "home" / "deployments" / f"{chain_id}.json")
        yield Place(market, honest, lied, folder / "home")


def ask(place: Place, capture: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert place.type(*words, "--json") == Exit.DONE
    return json.loads(capture.readouterr().out)


def test_jobs__lists_them_with_what_became_of_them(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    lied, honest = ask(place, capsys, "jobs")["jobs"]
    assert (honest["job"], honest["phase"]) == (place.honest.job.hex(), "settled")
    assert (honest["paid"], honest["convicted"], honest["open"]) == (SMALL.nodes, 0, 0)
    assert (lied["job"], lied["phase"]) == (place.lied.job.hex(), "started")
    assert (lied["paid"], lied["convicted"], lied["open"]) == (0, 1, SMALL.nodes - 1)
    assert place.type("jobs") == Exit.DONE
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["job", "posted", "phase"]
    ids = [job.job.hex() for job in (place.lied, place.honest)]
    assert [line.split()[0] for line in lines] == ids  # r18: whole, in a pipe too


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--phase", "settled"), 1),
        (("--phase", "cancelled"), 0),
        (("--limit", "1"), 1),
        (("--phase", "started", "--limit", "5"), 1),
    ],
)
def test_jobs__of_a_phase_or_the_newest__keeps_to_it(
    place: Place, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], count: int
) -> None:
    assert len(ask(place, capsys, "jobs", *words)["jobs"]) == count


def test_jobs__of_a_payer_or_a_node__are_found(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    payer, node = place.market.key("payer").address, place.market.nodes[0].address
    assert len(ask(place, capsys, "jobs", "--payer", payer, "--node", node)["jobs"]) == 2
    assert ask(place, capsys, "jobs", "--payer", node) == {"jobs": []}


def test_job__tells_each_event_with_its_transaction(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = ask(place, capsys, "job", place.lied.job.hex())
    ends = [each["phase"] for each in facts["indices"]]
    assert ends == ["committed", "convicted"] + ["committed"] * (SMALL.nodes - 2)
    assert facts["terms"]["fee"] == str(place.lied.terms.fee)
    (convicted,) = [each for each in facts["events"] if each["event"] == "NodeConvicted"]
    assert (convicted["index"], convicted["finding"]) == (CHARGED, "wrong")  # as explain has it
    assert convicted["node"] == place.market.nodes[CHARGED - 1].address
    receipt = place.market.lab.chain.rpc("eth_getTransactionReceipt", "0x" + convicted["tx"])
    assert int(receipt["blockNumber"], 16) == convicted["block"]
    assert place.type("job", place.lied.job.hex()) == Exit.DONE
    text = capsys.readouterr().out
    assert text.count("ResultCommitted") == SMALL.nodes
    # R15, R32: no raw units, no numbers for words
    assert re.search(r"NodeCharged .*kind wrong, served_by \d{4}-\d\d-\d\d [\d:]{8} UTC", text)
    assert re.search(r"NodeConvicted .*finding wrong, to_payer [\d.]+ MTC, to_pool [\d.]+", text)
    assert "convicted: it loses its stake" in text


def test_job__tells_an_index_in_the_words_of_explain(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ask(place, capsys, "job", place.lied.job.hex())["indices"][CHARGED - 1]
    assert told["why"] == "it loses its stake"
    deeds = " / ".join(
        re.sub(r" at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "", d) for d in told["deeds"]
    )
    assert deeds == (
        "accepted / committed / was charged as wrong by the payer / 3 judges signed served / "
        "3 judges found it wrong (verdict Wrong) / ended"
    )


def test_r18_jobs_and_accounts_of_the_index__may_be_named_by_their_beginnings(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    job, node = place.lied.job.hex(), place.market.nodes[CHARGED - 1].address
    assert ask(place, capsys, "job", job[:8])["job"] == job
    assert ask(place, capsys, "party", node[:10])["account"] == node
    payer = place.market.key("payer").address
    listed = ask(place, capsys, "jobs", "--payer", payer[2:10].lower(), "--node", node[:10])
    assert len(listed["jobs"]) == 2
    assert place.type("job", "abcdef") == Exit.REFUSED_INPUT
    assert "had 2 jobs of the index" in capsys.readouterr().err
    assert place.type("party", "abcdef") == Exit.REFUSED_INPUT
    assert re.search(r"had \d+ accounts of the index", capsys.readouterr().err)


def test_party__of_the_liar__says_what_it_lost(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    node, terms = place.market.nodes[CHARGED - 1].address, place.lied.terms
    facts = ask(place, capsys, "party", node)
    assert (facts["convicted"], facts["jobs_worked"]) == (1, 2)
    assert facts["lost"] == str(terms.stake)
    assert facts["earned"] == str(terms.fee)
    assert facts["indices_convicted"] == facts["indices_paid"] == 1


# --- nodes ---------------------------------------------------------------------------------------


def test_nodes__are_listed_with_standing_provider_and_resources(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = {node.address for node in place.market.nodes}
    found = ask(place, capsys, "nodes")["nodes"]
    assert {each["account"] for each in found} == nodes
    for each in found:
        assert (each["standing"], each["counts_from"], each["counts_from_utc"]) == (
            "good",
            None,
            None,
        )
        assert each["provider"] != each["account"]
        assert each["provider_name"]
        assert set(each["resources"]) == {"cpu_cores", "ram_mib", "storage_mib", "network_mbps"}
        assert (each["takes"], each["refused"]) == (None, None)
    assert ask(place, capsys, "nodes", "--limit", "2")["nodes"] == found[:2]
    assert ask(place, capsys, "nodes", "--standing", "good")["nodes"] == found
    assert ask(place, capsys, "nodes", "--standing", "retired", "--standing", "paused") == {
        "nodes": []
    }


def test_nodes__as_text__are_whole_and_a_line_each(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.type("nodes") == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(place.market.nodes)
    assert {line.split()[0] for line in lines[1:]} == {each.address for each in place.market.nodes}
    assert place.type("nodes", "--standing", "unstaked") == Exit.DONE
    assert capsys.readouterr().out == "no node\n"


def test_nodes__that_nobody_runs__are_asked_in_vain_and_raise_nothing(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in ask(place, capsys, "nodes", "--ask", "--limit", "3")["nodes"]:
        assert each["takes"] is None
        assert isinstance(each["refused"], str)
        assert each["refused"]
    assert ask(place, capsys, "nodes", "--max-fee", "1", "--limit", "3")["nodes"] == []


def test_nodes__too_many_to_ask__are_refused(place: Place) -> None:
    assert place.type("nodes", "--ask", "--limit", "257") == Exit.REFUSED_INPUT
