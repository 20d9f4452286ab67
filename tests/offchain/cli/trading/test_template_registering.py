"""T2: templates are registered on a chain, listed from it, and shown by text and hash."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.cli.town import Town
from tests.offchain.cli.trading.market_town import HOME, market, write
from tests.offchain.small_chain import account
from tests.offchain.systems.trading.templates.template_forms import (
    draft_initiation,
    draft_settlement,
    text_of,
)

from edgemark.cli.terminal.exits import Exit

__all__ = ["market"]
pytestmark = [pytest.mark.chain, pytest.mark.lasts(7)]


def run(town: Town, *words: Any) -> Any:
    return town.run(HOME, "trading", "template", *words)


def test_t2_pair_of_templates__is_registered_listed_and_shown(market: Town) -> None:
    tst_file, tst = write(market, "tst.json", draft_settlement())
    tit_file, tit = write(market, "tit.json", draft_initiation(tst))

    early = run(market, "register", tit_file, "--settlement", tst_file, "--yes")
    assert (early.status, "registered by nobody" in early.complaint) == (Exit.REFUSED_INPUT, True)
    assert "Register it first" in early.complaint
    dry = run(market, "register", tst_file, "--dry-run")
    assert (dry.status, dry.value["dry_run"]) == (Exit.DONE, True)
    assert not (market.folder / HOME / "content").exists()

    assert run(market, "register", tst_file, "--yes").status == Exit.DONE
    done = run(market, "register", tit_file, "--settlement", tst_file, "--yes")
    assert (done.status, done.value["version_id"]) == (Exit.DONE, f"0x{tit.version_id.hex()}")

    rows = run(market, "list", "--seller", market.address(HOME)).value["templates"]
    assert [(row["name"], row["version"], row["kind"]) for row in rows] == [
        ("products", 1, "initiation"),
        ("products-settled", 1, "settlement"),
    ]
    assert rows[0]["cid"] == str(tit.cid)
    assert rows[0]["deprecated"] is None
    assert run(market, "list", "--seller", account(3)).value == {"templates": []}

    begun = tst.version_id.hex()[:8]
    shown = run(market, "registered", begun)
    assert (shown.status, shown.value["content_hash"]) == (0, f"0x{tst.content_hash.hex()}")
    assert "fee" in {field["name"] for field in shown.value["fields"]}

    again = run(market, "register", tst_file, "--yes")
    assert (again.status, "not the next version" in again.complaint) == (Exit.REFUSED_INPUT, True)


def test_a56_text_that_is_not_what_the_chain_has__is_refused(market: Town) -> None:
    path, third = write(market, "other.json", draft_settlement(name="cpu-settled"))
    assert run(market, "register", path, "--yes").status == Exit.DONE
    block = market.folder / HOME / "content" / str(third.cid)
    whole = block.read_bytes()

    swapped = run(market, "registered", third.version_id.hex(), "--text", path)
    assert (swapped.status, "another than the chain has" in swapped.complaint) == (2, True)
    block.write_bytes(whole[:-1])
    damaged = run(market, "registered", third.version_id.hex())
    assert (damaged.status, "not what its name says" in damaged.complaint) == (5, True)
    block.unlink()
    missing = run(market, "registered", third.version_id.hex())
    assert (missing.status, "is not there" in missing.complaint) == (Exit.REFUSED_INPUT, True)
    path.write_bytes(whole)
    assert run(market, "registered", third.version_id.hex(), "--text", path).status == Exit.DONE


def test_template_of_another_seller_or_without_its_pair__is_refused(market: Town) -> None:
    tst_file, tst = write(market, "tst-2.json", draft_settlement(name="bytes-settled"))
    tit_file, _ = write(market, "tit-2.json", draft_initiation(tst))
    for words in (("register", tit_file), ("register", tst_file, "--settlement", tst_file)):
        refused = run(market, *words, "--yes")
        assert (refused.status, "--settlement" in refused.complaint) == (2, True)
    foreign = market.folder / "foreign.json"
    foreign.write_bytes(text_of(draft_settlement()))
    refused = run(market, "register", foreign, "--yes")
    assert (refused.status, "another seller" in refused.complaint) == (Exit.REFUSED_INPUT, True)
    unknown = run(market, "registered", "ab" * 32)
    assert (unknown.status, "registered by nobody" in unknown.complaint) == (2, True)
