"""`edgemark index identities|identity` (T12, T13): whose identities are, from the chain alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.identity.did.did_chains import (
    DELEGATE,
    FILES,
    HEIR,
    OWNER,
    VERI_KEY,
    YEAR_S,
    Side,
    sides,
)

from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.identifiers import NOBODY, format_time

__all__ = ["sides"]  # the fixture

pytestmark = pytest.mark.chain

Sides = tuple[Side, Side]
STRANGER = DELEGATE.address  # changed nothing of its own


@pytest.fixture(scope="module")
def home(sides: Sides, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On one chain the owner says something and the heir ends; on the other the owner has both."""
    here, there = sides
    me, heir = OWNER.address, HEIR.address
    here.owner.send(here.registry.set_attribute(me, FILES, b"https://files.example", YEAR_S))
    here.owner.send(here.registry.add_delegate(me, VERI_KEY, DELEGATE.address, YEAR_S))
    here.owner.send(here.registry.revoke_delegate(me, VERI_KEY, DELEGATE.address))
    here.heir.send(here.registry.deactivate(heir))
    there.owner.send(there.registry.revoke_signatures(me))
    there.heir.send(there.registry.change_owner(heir, me))
    folder = tmp_path_factory.mktemp("lost")
    for side in sides:
        side.deployment.save(folder / "deployments" / f"{side.chain.chain_id}-did.json")
    text = f'[identity]\nurl = "{here.url}"\nmore = "{there.url}"\n'
    (folder / "edgemark.toml").write_text(text)
    return folder


def run(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["index", *words, "--home", str(home)])
    shown = capsys.readouterr()
    return int(left.value.code or 0), shown.out, shown.err


def told(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    status, out, error = run(home, capsys, *words, "--json")
    assert status == Exit.DONE, error
    return json.loads(out)


def test_identities__of_an_account__are_found_without_anything_but_the_chain(
    home: Path, sides: Sides, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = sides
    mine, found = OWNER.address, told(home, capsys, "identities", "--owner", OWNER.address)
    rows = [(row["did"], row["owner"], row["changes"]) for row in found["identities"]]
    assert rows == [
        (here.registry.did(mine).text, mine, 3),
        (there.registry.did(HEIR.address).text, mine, 1),
        (there.registry.did(mine).text, mine, 1),
    ]
    row = found["identities"][1]
    assert row["changed"] == there.changes(HEIR.address)[-1].at
    assert row["changed_utc"] == format_time(row["changed"])
    begun = told(home, capsys, "identities", "--owner", mine[:10])
    assert begun == found
    assert told(home, capsys, "identities", "--owner", STRANGER) == {"identities": []}
    assert told(home, capsys, "identities", "--owner", HEIR.address) == {"identities": []}
    assert not (home / "keys").exists()


def test_identities__are_listed_by_their_last_change_also_those_that_ended(
    home: Path, sides: Sides, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(home, capsys, "identities")["identities"]
    assert [(row["did"][-40:], row["deactivated"]) for row in found] == [
        (HEIR.address[2:], True),
        (OWNER.address[2:], False),
        (HEIR.address[2:], False),
        (OWNER.address[2:], False),
    ]
    (ended,) = told(home, capsys, "identities", "--owner", NOBODY)["identities"]
    assert ended == found[0]
    first = told(home, capsys, "identities", "--limit", "1")["identities"]
    assert first == [found[0], found[2]]  # of each chain
    status, out, _ = run(home, capsys, "identities")
    assert status == Exit.DONE
    assert out.splitlines()[0].split() == ["did", "changed", "changes", "owner"]
    assert found[0]["did"] in out


def test_identity__is_told_event_by_event(
    home: Path, sides: Sides, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = sides
    did = here.registry.did(OWNER.address).text
    found = told(home, capsys, "identity", did)
    assert (found["did"], found["owner"], found["changes"]) == (did, OWNER.address, 3)
    said, added, ended = found["events"]
    assert (said["name"], bytes.fromhex(said["value"])) == (
        "did/svc/Files",
        b"https://files.example",
    )
    assert said["valid_until"] == said["at"] + YEAR_S
    assert said["valid_until_utc"] == format_time(said["valid_until"])
    assert (added["kind"], added["delegate"]) == ("veriKey", DELEGATE.address)
    assert (ended["event"], ended["valid_until"]) == ("DIDDelegateChanged", None)
    (gone,) = told(home, capsys, "identity", here.registry.did(HEIR.address).text)["events"]
    assert (gone["event"], gone["owner"]) == ("DIDOwnerChanged", NOBODY)
    voided = told(home, capsys, "identity", there.registry.did(OWNER.address).text)
    assert [(each["event"], each["nonce"]) for each in voided["events"]] == [
        ("DIDSignaturesRevoked", 0)
    ]
    status, out, _ = run(home, capsys, "identity", did)
    assert status == Exit.DONE
    assert "DIDAttributeChanged  name did/svc/Files, value " in out


def test_identity__that_nothing_happened_to__is_its_own(
    home: Path, sides: Sides, capsys: pytest.CaptureFixture[str]
) -> None:
    did = sides[1].registry.did(STRANGER).text
    assert told(home, capsys, "identity", did) == {
        "did": did,
        "owner": STRANGER,
        "deactivated": False,
        "changes": 0,
        "changed": None,
        "changed_utc": None,
        "events": [],
    }


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["identity", "did:web:x"], Exit.REFUSED_INPUT, "is of another method"),
        (["identity", OWNER.address], Exit.REFUSED_INPUT, "is no DID of an account"),
        (["identity", f"did:ethr:0x5:{STRANGER}"], Exit.REFUSED_INPUT, "is on another chain"),
        (["identities", "--owner", "0x12"], Exit.REFUSED_INPUT, "account"),
        (["identities", "--owner", "abcdef0"], Exit.REFUSED_INPUT, "of the index"),
        (["identities", "--limit", "0"], Exit.REFUSED_INPUT, "--limit"),
        (["identities", "--limit", "10_0"], Exit.REFUSED_INPUT, "--limit"),
    ],
)
def test_what_is_typed_wrong__is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: Exit, said: str
) -> None:
    found, out, error = run(home, capsys, *words)
    assert (found, out) == (status, "")
    assert said in error
