"""The key for which others encrypt: typed by its owner, on a chain with a registry alone."""

from __future__ import annotations

import stat
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.cli.test_identity_acts import Desk, desk, document_of
from tests.offchain.identity.did.did_chains import sides

from edgemark.cli.sections import list_sections
from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput
from edgemark.identity.credentials.agreement import AgreementKeys
from edgemark.identity.credentials.jose.encryption import Reader, encrypt
from edgemark.identity.did.identifier import parse_did
from edgemark.party.evm.did.agreeing import SAY_KEY, grants_of_identity
from edgemark.party.evm.did.station import IdentityStation
from edgemark.party.watcher import Watcher
from edgemark.party.wishes.granting import Wishes
from edgemark.party.wishes.wish import FOLDER
from edgemark.settings.loading import load_settings
from edgemark.untrusted.fields import Fields

__all__ = ["desk", "sides"]  # fixtures

pytestmark = [pytest.mark.chain, pytest.mark.lasts(1)]


def keys_in(desk: Desk) -> list[tuple[str, bytes]]:
    """Id and bytes of each key that the document has for agreement, in its order."""
    document = document_of(desk)
    named = document.get("keyAgreement", [])
    methods = [each for each in document["verificationMethod"] if each["id"] in named]
    assert {each["type"] for each in methods} <= {"X25519KeyAgreementKey2019"}
    return [(each["id"], b64decode(each["publicKeyBase64"])) for each in methods]


def test_key_for_agreement__is_made_once_said_and_turned_while_former_ones_stay(desk: Desk) -> None:
    folder = desk.home / "keys" / "agreement"
    dry = desk.done("agreement", "--dry-run")
    assert dry["dry_run"] is True
    assert not folder.exists(), "nothing is made where nothing is sent"
    first = desk.done("agreement", "--days", "2")
    assert (first["act"], first["name"]) == ("AttributeSetting", "did/pub/X25519/enc/base64")
    (path,) = folder.glob("*.key")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    ((kid, said),) = keys_in(desk)
    assert said.hex() == first["public_key"]
    assert said.hex() not in path.read_text().split()[0]
    identity = parse_did(f"did:ethr:0x7a6a:{desk.account}")
    sealed = encrypt(b"before", [Reader(kid, said)], Randomness())
    again = desk.done("agreement")
    assert (again["public_key"], again["keys"]) == (first["public_key"], 1)
    turned = desk.done("agreement", "--rotate")
    assert turned["keys"] == 2
    assert turned["public_key"] != first["public_key"]
    assert keys_in(desk)[-1][1].hex() == turned["public_key"], "the newest is found last"
    kept = AgreementKeys.of(desk.home)
    assert kept.decrypt(sealed, identity) == b"before", "what was sealed to the former opens"
    desk.done("attribute", "did/pub/X25519/enc/base64", first["public_key"], "--revoke")
    assert {key.hex() for _, key in keys_in(desk)} == {turned["public_key"]}
    assert AgreementKeys.of(desk.home).decrypt(sealed, identity) == b"before"


def test_key_that_was_changed_or_opened_to_others__is_refused_and_nothing_is_said(
    desk: Desk,
) -> None:
    made = AgreementKeys.make(desk.home)
    path = desk.home / "keys" / "agreement" / "1.key"
    whole = path.read_text()
    other = "0" if whole[20] != "0" else "1"  # not of the bits that every such key has alike
    path.write_text(whole[:20] + other + whole[21:])
    status, facts, _ = desk.type("agreement")
    assert (status, facts["error"]) == (Exit.UNRECOVERABLE, "Unrecoverable")
    assert made.secret.hex()[:16] not in str(facts)
    path.write_text(whole)
    path.chmod(0o644)
    assert desk.type("agreement")[0] == Exit.UNRECOVERABLE
    path.chmod(0o600)
    assert keys_in(desk) == []


@contextmanager
def party(desk: Desk, *, grants: bool = True) -> Iterator[IdentityStation]:
    """Somebody runs in the home, and holds its lane."""
    settings = load_settings(
        file=desk.home / "edgemark.toml",
        environ={},
        overrides={"home": desk.home},
        sections=list_sections(),
    )
    with IdentityStation.open(settings) as own:
        runs: Any = SimpleNamespace(settings=settings, lane_path=own.lane_path, lane=own.lane)
        wishes = Wishes(desk.home / FOLDER, grants_of_identity(runs) if grants else {})
        watcher = Watcher(wishes.look, 0.1, "wishes", lambda fault: pytest.fail(str(fault)))
        watcher.start()
        yield own
        watcher.stop()


def test_party_that_runs_in_the_home__says_the_key_for_a_command(desk: Desk) -> None:
    with party(desk):
        dry = desk.done("agreement", "--dry-run")
        assert (dry["dry_run"], keys_in(desk)) == (True, [])
        first = desk.done("agreement", "--days", "2")
        ((_, said),) = keys_in(desk)
        assert (first["public_key"], first["keys"]) == (said.hex(), 1)
        assert first["value_bytes"] == 32
        turned = desk.done("agreement", "--rotate")
    assert keys_in(desk)[-1][1].hex() == turned["public_key"]
    assert desk.done("agreement")["public_key"] == turned["public_key"], "nobody runs any more"


def test_party_that_does_no_such_thing__refuses_by_name_and_nothing_is_said(desk: Desk) -> None:
    with party(desk, grants=False):
        assert desk.refused("agreement") == "WishUnknown"
    assert keys_in(desk) == []
    assert not (desk.home / "keys" / "agreement").exists()


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"days": 0, "rotate": False},
        {"days": 36_501, "rotate": False},
        {"days": "2", "rotate": False},
        {"days": 2, "rotate": 1},
        {"days": 2, "rotate": False, "key": "ab"},
    ],
)
def test_wish_that_says_no_time__is_refused_and_nothing_is_opened(facts: dict[str, Any]) -> None:
    nobody: Any = None
    with pytest.raises(RefusedInput):
        grants_of_identity(nobody)[SAY_KEY](Fields(facts, "wish"))
