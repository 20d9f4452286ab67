"""`edgemark trading template check|show`: files of strangers, without a chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.templates.template_forms import (
    SELLER,
    claims_of_initiation,
    claims_of_settlement,
    draft_initiation,
    draft_settlement,
    text_of,
)
from tests.stage.command_line import Finished, edgemark_here

from edgemark.systems.trading.templates.template import read_template

TIT, TST = draft_initiation(), draft_settlement()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in {"tit": TIT, "tst": TST}.items():
        (tmp_path / f"{name}.json").write_bytes(text_of(value))
    return tmp_path


def run(folder: Path, *words: Any) -> Finished:
    home = ("--home", folder / "home")
    return edgemark_here("trading", "template", *words, *home)


def test_check__prints_hash_cid_and_id(folder: Path) -> None:
    template = read_template(text_of(TIT))
    checked = run(folder, "check", folder / "tit.json", "--json")
    assert checked.status == 0
    assert checked.value == {
        "kind": "initiation",
        "name": "products",
        "version": 1,
        "seller": SELLER,
        "content_hash": f"0x{template.content_hash.hex()}",
        "cid": str(template.cid),
        "version_id": f"0x{template.version_id.hex()}",
        "bytes": len(template.text),
        "costs": "1 times the unit price up to unit 1000, then 0.7 times the unit price up to "
        "unit 5000, then 0.333 times the unit price",
        "max_cycles": 100,
        "canonical": False,
    }
    assert not (folder / "home").exists()  # looking writes nothing


def test_check__writes_the_canonical_form_which_then_is_what_a_chain_has(folder: Path) -> None:
    out = folder / "canonical.json"
    first = run(folder, "check", folder / "tst.json", "--output", out, "--json")
    anchored = ("--anchored", first.value["content_hash"])
    second = run(folder, "check", out, *anchored, "--json")
    assert (second.status, second.value["canonical"]) == (0, True)
    assert second.value["cid"] == first.value["cid"]
    swapped = run(folder, "check", folder / "tst.json", *anchored)
    assert (swapped.status, "another than the chain has" in swapped.complaint) == (2, True)


def test_check__of_a_pair_and_of_claims(folder: Path) -> None:
    (folder / "claims.json").write_bytes(text_of(claims_of_initiation(TIT)))
    pair = ("--settlement", folder / "tst.json", "--claims", folder / "claims.json")
    assert run(folder, "check", folder / "tit.json", *pair).status == 0
    (folder / "tst.json").write_bytes(text_of(draft_settlement(version=2)))
    refused = run(folder, "check", folder / "tit.json", *pair)
    assert (refused.status, "not the settlement template" in refused.complaint) == (2, True)


def test_check__of_claims_that_do_not_fit__says_what_and_where(folder: Path) -> None:
    (folder / "claims.json").write_bytes(text_of(claims_of_settlement(fee="2.5")))
    refused = run(folder, "check", folder / "tst.json", "--claims", folder / "claims.json")
    assert refused.status == 2
    assert "claims/fee" in refused.complaint


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"[]", b"[" * 70_000, b'{"$ref": "http://schemas.example"}'],
    ids=["empty", "binary", "list", "deep", "reference"],
)
def test_file_that_is_no_template__is_refused_with_its_name(folder: Path, raw: bytes) -> None:
    (folder / "bad.json").write_bytes(raw)
    for verb in ("check", "show"):
        refused = run(folder, verb, folder / "bad.json")
        assert (refused.status, "bad.json" in refused.complaint) == (2, True)


def test_output_that_would_replace_an_input__is_refused(folder: Path) -> None:
    before = (folder / "tit.json").read_bytes()
    refused = run(folder, "check", folder / "tit.json", "--output", folder / "tit.json")
    assert refused.status == 2
    assert (folder / "tit.json").read_bytes() == before


def test_show__lists_every_field_for_people_and_for_programs(folder: Path) -> None:
    schema = json.loads(text_of(TIT))
    schema["properties"]["unitPrice"] = {"const": "2500000000000000000"}
    schema["properties"]["support"] = {"type": "boolean", "description": "by telephone"}
    (folder / "tit.json").write_bytes(text_of(schema))
    shown = run(folder, "show", folder / "tit.json")
    assert shown.status == 0
    assert "2.5 MTC" in shown.out
    assert "by telephone" in shown.out
    fields = {
        each["name"]: each
        for each in run(folder, "show", folder / "tit.json", "--json").value["fields"]
    }
    assert fields.keys() == schema["properties"].keys()
    assert fields["unitPrice"]["may_be"] == "2500000000000000000"
    assert fields["support"] == {
        "name": "support",
        "due": "no",
        "may_be": "boolean",
        "is": "by telephone",
    }
    assert fields["graceS"]["may_be"] == "integer, from 0; to 3600"


def test_words_of_a_stranger__act_on_no_terminal(folder: Path) -> None:
    schema = json.loads(text_of(TIT))
    schema["properties"]["x\x1b[2J"] = {"type": "boolean"}
    (folder / "tit.json").write_bytes(text_of(schema))
    assert "\x1b" not in run(folder, "show", folder / "tit.json").out
