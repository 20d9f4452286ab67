"""`edgemark identity` as a user types it, with identities on another chain than everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.identity.did.did_chains import (
    DELEGATE,
    FILES,
    OWNER,
    VERI_KEY,
    YEAR_S,
    Side,
    sides,
)

from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit

__all__ = ["sides"]  # the fixture

pytestmark = [pytest.mark.chain, pytest.mark.lasts(3)]

Typing = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(sides: tuple[Side, Side], tmp_path: Path) -> Path:
    """[chain] is the one chain, [identity] the other."""
    here, there = sides
    there.deployment.save(tmp_path / "deployments" / "31338-did.json")
    here.deployment.save(tmp_path / "named.json")
    text = f'[chain]\nurl = "{here.url}"\n[identity]\nurl = "{there.url}"\nid = 31338\n'
    (tmp_path / "edgemark.toml").write_text(text)
    return tmp_path


@pytest.fixture
def resolve(home: Path, capsys: pytest.CaptureFixture[str]) -> Typing:
    def typed(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["identity", "resolve", *words, "--home", str(home)])
        shown = capsys.readouterr()
        return int(left.value.code or 0), shown.out, shown.err

    return typed


@pytest.fixture(scope="module")
def did(sides: tuple[Side, Side]) -> str:
    """An identity with a delegate and a service, on the chain of identities."""
    _, there = sides
    registry, me = there.registry, OWNER.address
    there.owner.send(registry.add_delegate(me, VERI_KEY, DELEGATE.address, YEAR_S))
    there.owner.send(registry.set_attribute(me, FILES, b"https://files.example", YEAR_S))
    return registry.did(me).text


def test_resolve__on_the_chain_of_identities__answers_as_the_universal_resolver_does(
    resolve: Typing, did: str, sides: tuple[Side, Side]
) -> None:
    status, text, _ = resolve(did, "--json")
    assert status == Exit.DONE
    answer: dict[str, Any] = json.loads(text)
    assert answer["didDocument"]["id"] == did
    assert answer["didDocument"]["service"][0]["serviceEndpoint"] == "https://files.example"
    assert answer["didResolutionMetadata"] == {"contentType": "application/did+ld+json"}
    first, second = sides[1].changes(OWNER.address)
    assert answer["didDocumentMetadata"]["versionId"] == str(second.block)
    status, text, _ = resolve(f"{did}?versionId={first.block}", "--json")
    assert status == Exit.DONE
    assert "service" not in json.loads(text)["didDocument"]
    assert json.loads(text)["didDocumentMetadata"]["nextVersionId"] == str(second.block)


def test_resolve__for_people__says_keys_what_they_are_for_and_services(
    resolve: Typing, did: str
) -> None:
    status, text, _ = resolve(did)
    assert status == Exit.DONE
    lines = {line.split()[0]: line for line in text.splitlines()}
    assert did in lines["did"]
    assert f"eip155:31338:{DELEGATE.address}" in lines["#delegate-1"]
    assert "signs" in lines["#delegate-1"]
    assert "logs in" not in lines["#delegate-1"]
    assert "logs in" in lines["#controller"]
    assert "https://files.example" in lines["#service-1"]


def test_resolve__without_sync__answers_what_the_file_holds(
    resolve: Typing, did: str, sides: tuple[Side, Side]
) -> None:
    """The index of the registry is a file of its own, which nothing else in the home touches."""
    status, before, _ = resolve(did, "--json")
    assert status == Exit.DONE
    there = sides[1]
    there.owner.send(there.registry.revoke_delegate(OWNER.address, VERI_KEY, DELEGATE.address))
    assert resolve(did, "--no-sync", "--json")[1] == before
    assert len(json.loads(resolve(did, "--json")[1])["didDocument"]["verificationMethod"]) == 1


def test_resolve__of_the_other_chain__says_both_chains_and_works_where_that_is_named(
    resolve: Typing, sides: tuple[Side, Side], home: Path
) -> None:
    other = sides[0].registry.did(OWNER.address).text
    status, text, error = resolve(other, "--json")
    assert status == Exit.REFUSED_INPUT
    assert json.loads(text)["error"] == "DidNotFound"
    assert "had chain id 31337; needed chain id 31338" in error
    (home / "edgemark.toml").write_text("")
    where = ["--chain-url", sides[0].url, "--manifest", str(home / "named.json")]
    status, text, _ = resolve(other, "--json", *where)
    assert status == Exit.DONE
    assert json.loads(text)["didDocument"]["id"] == other


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("0x00", "DidInvalid"),
        ("did:web:example.org", "MethodUnknown"),
        ("did:ethr:0x7a6a:" + OWNER.address + "#controller", "DidUrlInvalid"),
        ("did:ethr:0x7a6a:\x1b[2J", "DidInvalid"),
    ],
)
def test_resolve__what_is_no_did__is_refused_before_any_chain_is_asked(
    resolve: Typing, home: Path, text: str, error: str
) -> None:
    (home / "edgemark.toml").write_text('[identity]\nurl = "http://127.0.0.1:9"\n')
    status, shown, told = resolve(text, "--json")
    assert status == Exit.REFUSED_INPUT
    assert json.loads(shown)["error"] == error
    assert "\x1b" not in told
