"""What issuers, subjects and strangers type, on a chain with the registry alone (T14, T29, A56)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.identity.credentials.test_legacy_form import ask
from tests.offchain.identity.did.did_chains import HEIR, Side, sides

from edgemark.cli.credentials import revoking
from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.identifiers import NOBODY, Address
from edgemark.identity.credentials.status import publishing
from edgemark.identity.credentials.verification import CHECKS
from edgemark.storage.cid import cid_of

__all__ = ["sides"]  # the fixture

pytestmark = [pytest.mark.chain, pytest.mark.lasts(8)]

COIN = 10**18
KIND = "QualificationCredential"
SCHEMA = {"$id": "https://example.org/templates/qualification", "version": "1", "type": "object"}
DIGITS = 64


@dataclass
class Desk:
    """A home whose identities are on a chain of their own."""

    home: Path
    side: Side
    capsys: pytest.CaptureFixture[str]
    account: Address = NOBODY

    def type(self, *words: str, as_json: bool = True) -> tuple[int, Any, str]:
        with pytest.raises(SystemExit) as left:
            main([*words, *(["--json"] if as_json else []), "--home", str(self.home)])
        shown = self.capsys.readouterr()
        told = json.loads(shown.out or "null") if as_json else shown.out
        return int(left.value.code or 0), told, shown.err

    def done(self, *words: str) -> Any:
        status, facts, error = self.type(*words)
        assert status == Exit.DONE, error
        return facts

    def refused(self, *words: str) -> Any:
        status, facts, _ = self.type(*words)
        assert status == Exit.REFUSED_INPUT
        return facts["error"]

    def failed(self, *words: str) -> list[str]:
        """Names of the checks that fail."""
        status, facts, _ = self.type("credential", "verify", *words)
        failed = [check["name"] for check in facts["checks"] if not check["passed"]]
        assert status == (Exit.CHECK_FAILED if failed else Exit.DONE)
        assert facts["verified"] is not bool(failed)
        names = [check["name"] for check in facts["checks"]]
        assert names[: len(CHECKS)] == list(CHECKS)
        assert set(names[len(CHECKS) :]) <= {"sealed"}
        return failed

    @property
    def did(self) -> str:
        return f"did:ethr:0x7a6a:{self.account}"


def open_desk(
    folder: Path, sides: tuple[Side, Side], capsys: pytest.CaptureFixture[str], coins: int = COIN
) -> Desk:
    here, there = sides
    folder.mkdir()
    there.deployment.save(folder / "deployments" / "31338-did.json")
    text = f'[chain]\nurl = "{here.url}"\nconfirmations = 0\n[identity]\nurl = "{there.url}"\n'
    (folder / "edgemark.toml").write_text(text)
    desk = Desk(folder, there, capsys)
    desk.account = Address(desk.done("identity", "create")["account"])
    there.chain.rpc("anvil_setBalance", desk.account, hex(coins))
    return desk


@pytest.fixture
def auditor(sides: tuple[Side, Side], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return open_desk(tmp_path / "auditor", sides, capsys)


@pytest.fixture
def seller(sides: tuple[Side, Side], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return open_desk(tmp_path / "seller", sides, capsys)


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Files that are handed over."""
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "claims.json").write_text('{"service": "polynomials", "cores": 64}')
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    return folder


def issue(auditor: Desk, seller: Desk, papers: Path, *words: str) -> Any:
    claims, schema = str(papers / "claims.json"), str(papers / "schema.json")
    out = str(papers / "credential.jwt")
    said = ("--subject", seller.did, "--claims", claims, "--schema", schema, "--type", KIND)
    return auditor.done("credential", "issue", *said, "-o", out, *words)


def test_credential__is_issued_shown_and_checked_by_a_stranger(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    made = issue(auditor, seller, papers)
    digest, file = made["credential"], str(papers / "credential.jwt")
    assert len(digest) == DIGITS
    assert made["issuer"] == auditor.did
    assert (papers / "credential.jwt").read_text() == made["token"] + "\n"
    for shown in (
        auditor.done("credential", "show", digest[:8]),
        auditor.done("credential", "show")["credentials"][0],
        seller.done("credential", "show", file),
    ):
        assert shown["says"] == {"id": seller.did, "service": "polynomials", "cores": 64}
        assert shown["types"] == ["VerifiableCredential", KIND]
        assert shown["checked"] is False
        assert shown["valid_until"] == made["valid_until"]
        assert [entry["statusPurpose"] for entry in shown["status"]] == ["revocation", "suspension"]
    wanted = ("--issuer", auditor.did, "--subject", seller.did, "--holder", seller.did)
    template = ("--type", KIND, "--schema", str(papers / "schema.json"))
    assert seller.failed(file, *wanted, *template) == []
    status, text, _ = seller.type("credential", "verify", file, *wanted, *template, as_json=False)
    assert status == Exit.DONE
    told = seller.type("credential", "verify", file)[1]
    newest = auditor.side.chain.block("latest").timestamp
    assert told["indexed_until"] == newest <= told["checked_at"]
    lines = text.splitlines()
    assert [line.split()[:2] for line in lines] == [[name, "holds"] for name in CHECKS]
    assert auditor.account in lines[0]


def test_template_without_an_id__is_named_by_the_cid_of_its_canonical_text(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    schema = papers / "schema.json"
    schema.write_text('{"type": "object", "title": "a template"}')
    digest = issue(auditor, seller, papers)["credential"]
    (named,) = auditor.done("credential", "show", digest)["schemas"]
    canonical = b'{"title":"a template","type":"object"}'
    assert named["id"] == f"ipfs://{cid_of(canonical)}"
    schema.write_text('{"title": "a template", "type": "object"}')
    assert auditor.failed(digest, "--schema", str(schema)) == []
    schema.write_text('{"title": "another", "type": "object"}')
    assert auditor.failed(digest, "--schema", str(schema)) == ["schema"]


def test_a56_what_is_not_wanted__fails_in_its_line_alone(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    issue(auditor, seller, papers)
    file = str(papers / "credential.jwt")
    assert seller.failed(file, "--issuer", seller.did) == ["issuer"]
    assert seller.failed(file, "--subject", auditor.did) == ["subject"]
    assert seller.failed(file, "--holder", auditor.did) == ["subject"]
    assert seller.failed(file, "--type", "Another") == ["type"]
    swapped = papers / "swapped.json"
    swapped.write_text(json.dumps({**SCHEMA, "properties": {"cores": {"minimum": 1}}}))
    assert seller.failed(file, "--schema", str(swapped)) == ["schema"]
    (papers / "schema.json").write_text(json.dumps(SCHEMA, indent=2))
    assert seller.failed(file, "--schema", str(papers / "schema.json")) == []
    token = (papers / "credential.jwt").read_text()
    (papers / "credential.jwt").write_text(
        token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]
    )
    assert seller.failed(file) == ["signature"]


def test_t14_revoked__counts_no_more_for_anybody_and_for_good(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    digests = [issue(auditor, seller, papers)["credential"] for _ in range(2)]
    other = issue(auditor, seller, papers, "--days", "3")["credential"]
    file, lists = str(papers / "credential.jwt"), str(papers / "lists")
    assert auditor.refused("credential", "revoke", digests[0]) == "RefusedInput"  # needs --yes
    done = auditor.done("credential", "revoke", *(each[:10] for each in set(digests)), "--yes")
    assert done["revocation"] is True
    (cid,) = done["lists"]
    for digest in digests:
        assert auditor.failed(digest) == ["status"]
    assert auditor.failed(other) == []
    # A stranger has the credential, and the lists that the chain names from whoever has them.
    (papers / "credential.jwt").unlink()
    exported = auditor.done("credential", "export", digests[0], "-o", file, "--lists", lists)
    assert exported["lists"] == [cid]
    assert seller.failed(file) == ["status"]
    status, facts, _ = seller.type("credential", "verify", file)
    assert (status, facts["checks"][-1]["error"]) == (Exit.CHECK_FAILED, "ListMissing")
    status, facts, _ = seller.type("credential", "verify", file, "--lists", lists)
    assert (status, facts["checks"][-1]["error"]) == (Exit.CHECK_FAILED, "NotGood")
    (papers / "lists" / cid).write_bytes(b"another")
    status, facts, _ = seller.type("credential", "verify", file, "--lists", lists)
    assert facts["checks"][-1]["error"] == "ListMissing"
    nonce = auditor.side.chain.rpc("eth_getTransactionCount", auditor.account, "latest")
    auditor.done("credential", "revoke", digests[0], "--yes")  # nothing is left to be sent
    assert auditor.side.chain.rpc("eth_getTransactionCount", auditor.account, "latest") == nonce


def test_t14_suspended__counts_again_when_that_is_lifted(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    digest = issue(auditor, seller, papers)["credential"]
    before = sorted(auditor.home.rglob("*"))
    status, facts, _ = auditor.type("credential", "suspend", digest, "--dry-run")
    assert status == Exit.DONE
    assert facts["calls"] == ["DidRegistry.setAttribute"]
    assert sorted(path for path in auditor.home.rglob("*") if "index" not in path.name) == [
        path for path in before if "index" not in path.name
    ]
    auditor.done("credential", "suspend", digest)
    assert auditor.failed(digest) == ["status"]
    auditor.done("credential", "suspend", digest, "--lift")
    assert auditor.failed(digest) == []


def test_t14_two_identities_of_one_home__have_lists_of_their_own(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    own = issue(auditor, seller, papers)["credential"]
    auditor.done("credential", "suspend", own)
    seller.done("identity", "rotate", auditor.account, "--yes")
    other = issue(auditor, seller, papers, "--issuer", seller.did)["credential"]
    assert auditor.failed(other) == []
    auditor.done("credential", "suspend", other)
    assert auditor.failed(other) == ["status"]
    auditor.done("credential", "suspend", own, "--lift")
    assert auditor.failed(own) == []
    assert auditor.failed(other) == ["status"]


@pytest.mark.parametrize("phase", ["before it is sent", "before it is published"])
def test_t14_killed_between_the_phases__the_same_command_goes_on(
    auditor: Desk, seller: Desk, papers: Path, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = issue(auditor, seller, papers)["credential"]

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if phase == "before it is sent":
            patch.setattr(
                "edgemark.party.evm.did.statuses._announce",
                lambda station, *_: None if station.is_rehearsed else die(),
            )
        else:
            patch.setattr(publishing.StatusKeeper, "_publish", die)
        status, _, _ = auditor.type("credential", "suspend", digest, as_json=False)
        assert status == Exit.INTERRUPTED
    assert list(auditor.home.rglob("prepared.json"))
    is_announced = phase == "before it is published"
    # The text is nowhere yet, so nobody knows; as long as the chain says nothing, it holds.
    assert auditor.failed(digest) == (["status"] if is_announced else [])
    done = auditor.done("credential", "suspend", digest)
    assert done["lists"]
    assert not list(auditor.home.rglob("prepared.json"))
    assert auditor.failed(digest) == ["status"]
    assert revoking.Purpose.SUSPENSION.value in done


def test_t29_anchored__outlives_the_key_that_signed_it(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    anchored = issue(auditor, seller, papers)["credential"]
    later = issue(auditor, seller, papers, "--days", "3")["credential"]
    seller.done("identity", "attribute", "vc/anchor", anchored, "--hex")  # in its own identity
    assert auditor.failed(anchored) == []
    recorded = auditor.type("credential", "verify", anchored)[1]["recorded_at_utc"]
    auditor.side.chain.rpc("evm_increaseTime", 2)  # a record by its second alone wants another one
    auditor.done("identity", "rotate", HEIR.address, "--yes")
    assert auditor.failed(anchored) == []
    assert auditor.failed(later) == ["signature"]
    time = recorded.replace(" UTC", "Z").replace(" ", "T")
    assert auditor.failed(later, "--recorded-at", time) == []
    claims, subject = str(papers / "claims.json"), ("--subject", seller.did)
    words = ("credential", "issue", *subject, "--claims", claims)
    assert auditor.refused(*words) == "NotTheOwner"
    assert auditor.refused("credential", "revoke", later, "--yes") == "NotTheOwner"
    assert (
        auditor.refused("credential", "export", later, "-o", "x", "--form", "1.1") == "NotTheOwner"
    )


def test_1_1_form__is_written_on_request_and_taken_by_who_reads_no_other(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    digest = issue(auditor, seller, papers)["credential"]
    old = papers / "old.jwt"
    auditor.done("credential", "export", digest, "-o", str(old), "--form", "1.1")
    document = auditor.done("identity", "resolve", auditor.did)["didDocument"]
    token = old.read_text().strip()
    (answer,) = ask((token, document), now=auditor.side.chain.now() + 1)
    assert answer["verified"] is True
    assert answer["credential"]["credentialSubject"]["cores"] == 64
    assert seller.refused("credential", "verify", str(old)) == "TokenInvalid"


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ("", "CredentialInvalid"),
        ("[]", "CredentialInvalid"),
        ("{}", "CredentialInvalid"),
        ('{"id": "did:a:1"}', "CredentialInvalid"),
        ('{"cores": 1, "cores": 2}', "CredentialInvalid"),
        ('{"cores": NaN}', "CredentialInvalid"),
        ('{"cores": 99999999999999999999999}', "CredentialInvalid"),
        ('{"note": "' + "x" * 50_000 + '"}', "CredentialInvalid"),
    ],
)
def test_claims_that_are_none__are_refused_and_nothing_is_left(
    auditor: Desk, seller: Desk, papers: Path, claims: str, error: str
) -> None:
    (papers / "claims.json").write_text(claims)
    words = ("--subject", seller.did, "--claims", str(papers / "claims.json"), "--no-status")
    assert auditor.refused("credential", "issue", *words) == error
    assert not (auditor.home / "credentials").exists()


def test_what_is_no_credential_here__is_refused(auditor: Desk, seller: Desk, papers: Path) -> None:
    (papers / "none.jwt").write_text("a.b.c\n")
    for command in ("show", "verify"):
        assert auditor.refused("credential", command, str(papers / "none.jwt")) == "TokenInvalid"
        assert auditor.refused("credential", command, "abcdef12") == "IdUnknown"
        assert auditor.refused("credential", command, "ab" * 32) == "NotIssuedHere"
        assert auditor.refused("credential", command, str(papers / "missing")) == "NoCredential"
    words = ("--subject", seller.did, "--claims", str(papers / "claims.json"), "--no-status")
    digest = auditor.done("credential", "issue", *words)["credential"]
    assert auditor.refused("credential", "revoke", digest, "--yes") == "NoEntry"
    assert auditor.failed(digest) == []
    (papers / "schema.json").write_text('{"$id": "no url"}')
    schema = ("--schema", str(papers / "schema.json"))
    assert auditor.refused("credential", "verify", digest, *schema) == "SchemaInvalid"
    assert auditor.refused("credential", "verify", digest, "--issuer", "0x12") == "DidInvalid"
    assert (
        auditor.refused("credential", "verify", digest, "--recorded-at", "now") == "DidUrlInvalid"
    )
    ahead = ("--recorded-at", "2999-01-01T00:00:00Z")
    assert auditor.refused("credential", "verify", digest, *ahead) == "RecordAhead"
