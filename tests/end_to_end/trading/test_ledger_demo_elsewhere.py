"""`edgemark demo ledger --ledger PROFILE`: as one identity of a ledger that is there already."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console

from edgemark.cli.trading.evidence.ledger_demo import demonstrate
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.embedded.fixture import LedgerFixture
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.receipt import Receipt
from edgemark.systems.trading.demo.consortium.elsewhere import ACTS, NOT_PLAYED
from edgemark.systems.trading.station.ledgers.consortium import CHAINCODE

FOLDER = Path("nothing-is-written-here")


def play(folder: Path, **options: str | None) -> Receipt:
    """The demonstration as its command calls it, without what shows its receipt."""
    told = dict.fromkeys(("kind", "profile", "channel", "msp_id", "msp_folder"))
    call: Any = demonstrate.callback
    played: Any = call.__wrapped__
    with click.Context(demonstrate):
        receipt: Receipt = played(folder, Console(file=StringIO()), **{**told, **options})
    return receipt


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerFixture]:
    with LedgerFixture.start(tmp_path_factory.mktemp("of-others")) as started:
        yield started


@pytest.mark.processes
@pytest.mark.lasts(12)
def test_a_network_of_others__is_told_what_it_lacks_and_then_shown_what_one_identity_can(
    ledger: LedgerFixture, tmp_path: Path
) -> None:
    folder = ledger.thread.place.folder
    users = folder / "crypto-config" / "peerOrganizations" / "org2.example.com" / "users"
    access = {
        "kind": str(profile_path(folder, "Org2MSP")),
        "msp_id": "Org2MSP",
        "msp_folder": str(users / "User1@org2.example.com" / "msp"),
    }
    with pytest.raises(RefusedInput, match="is not there") as missing:
        play(tmp_path / "missing", **access)
    deploy = f"edgemark ledger chaincode deploy {CHAINCODE} --address HOST:PORT --ledger-profile "
    assert f"{deploy}{access['kind']} --channel mychannel" in missing.value.remedy

    ledger.deploy(CHAINCODE, CHAINCODE)
    with pytest.raises(RefusedInput, match="has no parameters yet") as unset:
        play(tmp_path / "unset", **access)
    typed = re.search(r"`edgemark (ledger invoke trading init .*?)`", unset.value.remedy)
    assert typed is not None
    for msp_id in ledger.msp_ids:  # what the remedy says, word for word, by one of each
        with pytest.raises(RefusedInput, match="has no parameters yet"):
            play(tmp_path / f"before-{msp_id}", **access)
        with ledger.client(msp_id, "Admin") as admin:
            admin.submit(CHAINCODE, *shlex.split(typed[1])[3:5])

    receipt = play(tmp_path / "played", **access)
    assert receipt.ok, [each for each in receipt.checks if not each.passed]
    told = [each for each in receipt.caveats if each.startswith("Not played: ")]
    assert [each.split(": ", 1)[1].split(";")[0] for each in told] == list(NOT_PLAYED)
    assert {name for name, _ in ACTS} < set(receipt.seconds)
    shown = {each.name.split(":")[0].split(",")[0] for each in receipt.checks}
    assert shown == {
        *("commands", "at once", "again", "of two at once", "endorsed by one alone"),
        *("killed client", "events"),
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "profile"}, "--ledger-profile: is missing"),
        ({"profile": "p.json"}, "--msp-folder: is missing"),
        ({"kind": "nonsense", "msp_folder": "msp"}, "--ledger nonsense: is no file"),
        ({"kind": "p.json", "profile": "q.json"}, "name a profile each"),
        ({"kind": "fabric", "msp_id": "Org1MSP"}, "--msp-id: are of a network that is there"),
        ({"channel": "mychannel"}, "--channel: are of a network that is there"),
        ({"kind": "", "msp_folder": "msp"}, "is missing"),
    ],
)
def test_options_that_do_not_stand_together__are_told(options: dict[str, str], words: str) -> None:
    with pytest.raises(EdgemarkError, match=words):
        play(FOLDER, **options)
    assert not FOLDER.exists()
