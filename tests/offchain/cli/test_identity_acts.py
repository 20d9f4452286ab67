"""What owners type, on a chain with nothing but the registry (T12): sent, signed, and rehearsed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.identity.did.did_chains import DELEGATE, HEIR, Side, sides

from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.identifiers import NOBODY, Address
from edgemark.identity.did.attributes import encode_name

__all__ = ["sides"]  # the fixture

pytestmark = [pytest.mark.chain, pytest.mark.lasts(4)]

COIN = 10**18


@dataclass
class Desk:
    """A home whose [identity] is another chain than its [chain]."""

    home: Path
    side: Side
    capsys: pytest.CaptureFixture[str]
    account: Address = NOBODY

    def type(self, *words: str) -> tuple[int, Any, str]:
        with pytest.raises(SystemExit) as left:
            main(["identity", *words, "--json", "--home", str(self.home)])
        shown = self.capsys.readouterr()
        return int(left.value.code or 0), json.loads(shown.out or "null"), shown.err

    def done(self, *words: str) -> Any:
        status, facts, error = self.type(*words)
        assert status == Exit.DONE, error
        return facts

    def refused(self, *words: str) -> Any:
        status, facts, _ = self.type(*words)
        assert status == Exit.REFUSED_INPUT
        return facts["error"]


def open_desk(
    folder: Path,
    sides: tuple[Side, Side],
    capsys: pytest.CaptureFixture[str],
    coins: int = COIN,
) -> Desk:
    here, there = sides
    there.deployment.save(folder / "deployments" / "31338-did.json")
    text = f'[chain]\nurl = "{here.url}"\nconfirmations = 0\n[identity]\nurl = "{there.url}"\n'
    (folder / "edgemark.toml").write_text(text)
    desk = Desk(folder, there, capsys)
    made = desk.done("create")
    desk.account = Address(made["account"])
    assert made == {
        "did": f"did:ethr:0x7a6a:{desk.account}",
        "account": desk.account,
        "owner": desk.account,
    }
    there.chain.rpc("anvil_setBalance", desk.account, hex(coins))
    return desk


@pytest.fixture
def desk(
    sides: tuple[Side, Side],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    (tmp_path / "owner").mkdir()
    return open_desk(tmp_path / "owner", sides, capsys)


@pytest.fixture
def payer(
    sides: tuple[Side, Side],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    (tmp_path / "payer").mkdir()
    return open_desk(tmp_path / "payer", sides, capsys)


def document_of(desk: Desk) -> Any:
    return desk.done("resolve", f"did:ethr:0x7a6a:{desk.account}")["didDocument"]


def test_owner__says_and_ends_what_the_document_shows(desk: Desk) -> None:
    done = desk.done("delegate", DELEGATE.address, "--kind", "sigAuth", "--days", "2")
    assert (done["act"], done["delegate"], done["kind"]) == (
        "DelegateAddition",
        DELEGATE.address,
        "sigAuth",
    )
    assert abs(done["valid_until"] - desk.side.chain.now() - 2 * 86_400) < 120
    desk.done("attribute", "did/svc/Files", "https://files.example")
    desk.done("attribute", "did/pub/X25519/enc/base64", "0x" + "07" * 32)
    document = document_of(desk)
    assert [each["serviceEndpoint"] for each in document["service"]] == ["https://files.example"]
    assert len(document["verificationMethod"]) == 3
    assert len(document["keyAgreement"]) == 1
    desk.done("delegate", DELEGATE.address, "--kind", "sigAuth", "--revoke")
    desk.done("attribute", "did/svc/Files", "https://files.example", "--revoke")
    document = document_of(desk)
    assert "service" not in document
    assert len(document["verificationMethod"]) == 2
    # The lane of transactions is untouched: this chain has one of its own, and its file says so.
    assert (desk.home / "lane-31338.journal").exists()
    assert not (desk.home / "lane.journal").exists()


def test_dry_run__tells_calls_and_gas_and_leaves_nothing(desk: Desk) -> None:
    before = sorted(desk.home.rglob("*"))
    status, facts, _ = desk.type("delegate", DELEGATE.address, "--dry-run")
    assert status == Exit.DONE
    assert facts["calls"] == ["DidRegistry.addDelegate"]
    assert facts["gas"] > 20_000
    status, facts, _ = desk.type("rotate", HEIR.address, "--dry-run", "--sign-only", "x.json")
    assert (status, facts["dry_run"]) == (Exit.DONE, True)
    assert sorted(desk.home.rglob("*")) == before
    assert desk.side.registry.nonce(desk.account) == 0
    assert desk.side.registry.owner(desk.account) == desk.account


def test_price__is_gas_alone_where_there_are_no_tokens(desk: Desk) -> None:
    _, _, error = desk.type("delegate", DELEGATE.address)
    assert "Price: about" in error
    assert "MTC" not in error


def test_signed__is_sent_once_by_who_pays_while_its_owner_has_no_gas(
    desk: Desk, payer: Desk, tmp_path: Path
) -> None:
    desk.side.chain.rpc("anvil_setBalance", desk.account, hex(0))
    file = str(tmp_path / "signed.json")
    words = ["attribute", "did/svc/Files", "https://signed.example", "--sign-only", file]
    signed = desk.done(*words)
    assert (signed["signer"], signed["nonce"]) == (desk.account, 0)
    done = payer.done("submit", file)
    assert (done["act"], done["signer"]) == ("AttributeSetting", desk.account)
    assert document_of(desk)["service"][0]["serviceEndpoint"] == "https://signed.example"
    assert desk.side.chain.balance(payer.account) < COIN
    assert payer.refused("submit", file) == "StatementInvalid"
    # What was signed is void after any other change, and when its owner says so.
    desk.done("delegate", DELEGATE.address, "--sign-only", file)
    desk.side.chain.rpc("anvil_setBalance", desk.account, hex(COIN))
    assert desk.done("revoke-signatures")["nonce"] == 2
    assert payer.refused("submit", file, "--dry-run") == "StatementInvalid"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["rotate", NOBODY, "--yes"], "OwnerZero"),
        (["delegate", NOBODY], "DelegateZero"),
        (["delegate", DELEGATE.address, "--revoke"], "DelegateNotValid"),
    ],
)
def test_what_the_registry_would_refuse__is_not_signed(
    desk: Desk, tmp_path: Path, words: list[str], error: str
) -> None:
    desk.side.chain.rpc("anvil_setBalance", desk.account, hex(0))
    file = tmp_path / "signed.json"
    status, facts, _ = desk.type(*words, "--sign-only", str(file))
    assert (status, facts["error"]) == (Exit.REFUSED_INPUT, "RefusedInput")
    assert error in facts["had"]
    assert not file.exists()


def test_what_is_for_good__needs_yes_where_nobody_can_be_asked(desk: Desk, tmp_path: Path) -> None:
    for words in (["deactivate"], ["rotate", HEIR.address], ["deactivate", "--sign-only", "x"]):
        assert desk.refused(*words) == "RefusedInput"
    assert desk.side.registry.owner(desk.account) == desk.account
    desk.done("deactivate", "--yes")
    assert desk.side.registry.owner(desk.account) == NOBODY
    assert document_of(desk)["verificationMethod"] == []
    file = tmp_path / "signed.json"
    assert desk.refused("delegate", DELEGATE.address, "--sign-only", str(file)) == "NotTheOwner"
    assert desk.refused("delegate", DELEGATE.address) == "NotTheOwner"
    assert not file.exists()


def test_identity_that_was_given_away__is_changed_by_its_new_owner_alone(
    desk: Desk, payer: Desk
) -> None:
    desk.done("rotate", payer.account, "--yes")
    assert desk.refused("attribute", "did/svc/Files", "x") == "NotTheOwner"
    did = f"did:ethr:0x7a6a:{desk.account}"
    assert payer.done("delegate", DELEGATE.address, "--identity", did)["did"] == did
    kind = encode_name("veriKey")
    contract = desk.side.contract
    assert desk.side.chain.call(contract, "validDelegate", desk.account, kind, DELEGATE.address)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["attribute", "did/pub/X25519/enc/hex", "no digits"], "ValueInvalid"),
        (["attribute", "did/svc/Files", ""], "ValueInvalid"),
        (["attribute", "did/svc/Files", "x" * 2049], "ValueInvalid"),
        (["attribute", "n" * 33, "x"], "NameInvalid"),
        (["delegate", "0x12"], "RefusedInput"),
        (["delegate", DELEGATE.address, "--kind", ""], "NameInvalid"),
        (["delegate", DELEGATE.address, "--identity", "did:ethr:0x1:0x0"], "DidInvalid"),
        (
            ["delegate", DELEGATE.address, "--identity", f"did:ethr:0x1:{HEIR.address}"],
            "NetworkUnknown",
        ),
        (["delegate", DELEGATE.address, "--identity", HEIR.address], "NotTheOwner"),
        (["delegate", DELEGATE.address, "--revoke"], "RefusedInput"),
        (["delegate", DELEGATE.address, "--days", "36501"], "RefusedInput"),
        (["delegate", NOBODY], "RefusedInput"),
        (["rotate", NOBODY, "--yes"], "RefusedInput"),
        (["rotate", "did:web:x", "--yes"], "RefusedInput"),
        (["attribute", "did/svc/Files\0", "x"], "NameInvalid"),
        (["attribute", "did/svc/\udcff", "x"], "NameInvalid"),
        (["attribute", "did/svc/Files", "\udcff"], "ValueInvalid"),
        (["attribute", "did/pub/X25519/enc/hex", "07" * 2049], "ValueInvalid"),
        (["attribute", "did/svc/Files", "x", "--revoke", "--identity", "did:"], "DidInvalid"),
        (["revoke-signatures", "--identity", NOBODY], "NotTheOwner"),
        (["deactivate", "--yes", "--identity", HEIR.address], "NotTheOwner"),
        (["submit", "nowhere.json"], "StatementInvalid"),
        (["submit", "/dev/zero"], "StatementInvalid"),
    ],
)
def test_what_is_typed_wrong__is_refused_and_nothing_is_sent(
    desk: Desk, words: list[str], error: str
) -> None:
    status, facts, _ = desk.type(*words)
    assert status == Exit.REFUSED_INPUT
    assert facts["error"] == error
    assert desk.side.chain.balance(desk.account) == COIN
