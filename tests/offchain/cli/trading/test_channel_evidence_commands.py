"""`trading evidence` from a seller's home, and `trading replay` by somebody who has no key."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.offchain.systems.trading.story.evidence.proven_trade import (
    MANY,
    ProvenTrade,
    play_trade,
)
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.systems.trading.credentials.keeping import FOLDER
from edgemark.systems.trading.credentials.kept import SUFFIX
from edgemark.untrusted import canonical_json

pytestmark = [pytest.mark.chain, pytest.mark.lasts(15)]


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProvenTrade]:
    with play_trade(tmp_path_factory.mktemp("proven")) as played:
        seller, held = played.seller, played.controller.home / "content"
        for block in held.iterdir():  # a stranger to its controller asks nobody
            seller.content.put(block.read_bytes())
        yield played


def run(trade: ProvenTrade, home: str, *words: str | Path) -> Finished:
    """A command of somebody who knows where the chain and the contracts are."""
    trade.ground.settings(home)
    environ = {
        "EDGEMARK_CHAIN_URL": trade.ground.chain.url,
        "EDGEMARK_CONFIRMATIONS": "0",
        "EDGEMARK_MANIFEST": str(trade.ground.folder / "deployment.json"),
    }
    return edgemark_here("trading", *words, "--home", trade.ground.folder / home, environ=environ)


def export(trade: ProvenTrade, path: Path, *words: str, home: str = "seller") -> Finished:
    return run(trade, home, "evidence", trade.channel.hex()[:12], "-o", path, *words)


def test_evidence_of_a_seller__replays_for_a_stranger(trade: ProvenTrade, tmp_path: Path) -> None:
    path = tmp_path / "channel.json"
    done = export(trade, path, "--json")
    assert done.status == Exit.DONE, done.error
    told = done.value
    assert (told["settlements"], told["anchored"], told["lacks"]) == (MANY, 2, [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "whoever gets this file learns" in done.error
    replayed = run(trade, "anybody", "replay", path, "--json")
    assert replayed.status == Exit.DONE, replayed.out
    assert replayed.value["agrees"] is True
    assert (replayed.value["verdict"], replayed.value["since"]) == ("EVERYTHING AGREES", [])
    assert all(check["passed"] for check in replayed.value["checks"])
    assert [each.split(":")[0] for each in replayed.value["not_checked"]] == ["a voucher"]
    offline = run(trade, "nobody", "replay", path, "--offline")
    assert offline.status == Exit.DONE
    assert offline.out.rstrip().endswith("WHAT IS SIGNED FITS; THE CHAIN WAS NOT ASKED")
    assert "that there is such a channel" in offline.out
    assert not (trade.ground.folder / "nobody").exists()


def test_evidence_that_was_changed__is_found_with_status_1(
    trade: ProvenTrade, tmp_path: Path
) -> None:
    path = tmp_path / "channel.json"
    export(trade, path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"index":1,', b'"index":2,', 1))
    done = run(trade, "anybody", "replay", path)
    assert done.status == Exit.CHECK_FAILED, done.error
    assert "THE BUNDLE IS NOT WHAT IT SAYS" in done.out
    path.write_bytes(raw[:-2])
    cut = run(trade, "anybody", "replay", path)
    assert cut.status == Exit.REFUSED_INPUT
    assert "bundle" in cut.complaint


def test_evidence__over_a_file_that_is_there__is_refused(
    trade: ProvenTrade, tmp_path: Path
) -> None:
    path = tmp_path / "channel.json"
    path.write_text("mine")
    done = export(trade, path)
    assert done.status == Exit.REFUSED_INPUT
    assert path.read_text() == "mine"


def test_evidence__from_a_home_that_agreed_to_nothing__is_refused(
    trade: ProvenTrade, tmp_path: Path
) -> None:
    path = tmp_path / "channel.json"
    done = run(trade, "outsider", "evidence", trade.channel.hex(), "-o", path)
    assert done.status == Exit.REFUSED_INPUT
    assert "has not agreed to this channel" in done.complaint
    assert not path.exists()


def test_settlements_of_a_home__are_checked_and_recorded_on_the_chain(
    trade: ProvenTrade, tmp_path: Path
) -> None:
    files = sorted((trade.seller.home / FOLDER / trade.channel.hex()).glob(f"*{SUFFIX}"))
    assert len(files) == MANY
    first = run(trade, "anybody", "settlement", "check", files[0], "--json")
    assert first.status == Exit.DONE, first.error
    (told,) = first.value["settlements"]
    assert told["recorded"] and told["recorded_at"] > 0
    key_of = trade.ground.key
    assert (told["payer_key"], told["seller_key"], told["controller"]) == (
        key_of("payer").address,
        key_of("seller").address,
        trade.controller.address,
    )
    missing = run(trade, "anybody", "settlement", "check", *files)
    assert missing.status == Exit.CHECK_FAILED
    assert missing.out.count("NOT RECORDED") == MANY - 1  # under a root alone
    trade.ground.enter("recorder").close()  # funded; nobody has its home open
    alone = run(trade, "recorder", "settlement", "record", files[0])
    assert alone.status == Exit.REFUSED_INPUT and "EvidenceExists" in alone.complaint
    done = run(trade, "recorder", "settlement", "record", *files, "--json")
    assert done.status == Exit.DONE, done.error
    assert done.value["recorded"] == MANY - 1
    assert run(trade, "anybody", "settlement", "check", *files).status == Exit.DONE


def test_settlement__that_was_changed_or_is_none__is_refused(
    trade: ProvenTrade, tmp_path: Path
) -> None:
    (path, *_) = (trade.seller.home / FOLDER / trade.channel.hex()).glob(f"*{SUFFIX}")
    facts = json.loads(path.read_text())
    signature = facts["issuance"]
    changed = tmp_path / "changed.settlement"
    facts["issuance"] = signature[:2] + ("00" if signature[2:4] != "00" else "11") + signature[4:]
    changed.write_bytes(canonical_json.encode(facts))
    fault = run(trade, "anybody", "settlement", "check", changed)
    assert fault.status == Exit.PEER_FAULT and "none of the chains" in fault.complaint
    changed.write_text("{}")
    refused = run(trade, "anybody", "settlement", "check", changed)
    assert refused.status == Exit.REFUSED_INPUT and str(changed) in refused.complaint
