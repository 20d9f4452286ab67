"""F9: every file that we write and read again tells when a byte of it was changed since.

The kinds are those of docs/operating.md, "What tells that a file was changed". A changed byte is
refused by name and with what to do, or the file says the very same as before: another blank, the
other case of a hexadecimal digit.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.checkout import ROOT
from tests.offchain.deployed import CONTRACTS
from tests.offchain.identity.credentials.samples import ISSUER, read_credential, write_credential
from tests.offchain.systems.outsourcing import cast, sample_evidence
from tests.offchain.systems.outsourcing.offline.writers_of_files import PRIVATE, WRITERS, WRITING

from edgemark.cli.catalogue import GROUPS
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.polynomial import parse_polynomial
from edgemark.deployment.deployment import Deployment
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Hash32, Timestamp, parse_address
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.status.entries import ListName, Purpose
from edgemark.identity.credentials.status.publishing import PREPARED, StatusKeeper
from edgemark.identity.did.acts import AttributeSetting
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.signed_act import SignedAct
from edgemark.identity.did.statements import IdentityDomain
from edgemark.identity.keys import ACCOUNT_FILE, TLS_FILE, KeyStore
from edgemark.identity.records import name_role
from edgemark.identity.registration import Registration, SignedRegistration
from edgemark.identity.resources import Resources
from edgemark.identity.statements import RegistryDomain
from edgemark.journal.journal import Journal
from edgemark.ledger.evm.contract.deployed_code import Origin
from edgemark.ledger.evm.development.keeping import NOTE_OF_KEEPER, find_keeper, note_keeper
from edgemark.ledger.evm.development.launching import NOTE, chain_status
from edgemark.ledger.launching.notes import write_note
from edgemark.loop.archive import Archive
from edgemark.models.compiling import compile_model
from edgemark.models.description import ModelDescription, description_to_json
from edgemark.models.files import (
    read_compiled,
    read_function,
    read_model,
    recall_plan,
    remember_plan,
    write_compiled,
)
from edgemark.models.signature import Decision, Signature
from edgemark.models.steps import Linear
from edgemark.models.traced import Precision
from edgemark.party.evm.cursor import Cursor
from edgemark.process import start_ticks
from edgemark.storage.cid import cid_of
from edgemark.storage.local import LocalStore
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.evidence.bundle import Bundle
from edgemark.systems.outsourcing.evidence.retrial import Outcome, retry_bundle
from edgemark.systems.outsourcing.offline.exported_answers import ExportedAnswers
from edgemark.systems.outsourcing.offline.sharing import make_sharing
from edgemark.systems.outsourcing.offline.sharing_files import read_sharing, write_sharing
from edgemark.systems.outsourcing.station.contracts import draft_contracts
from edgemark.systems.outsourcing.station.functions import FunctionStore

FLIPS = 50  # of one file
MASKS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80)
SOMEBODY = parse_address("0x" + "11" * 20)
PORTER = name_role(4001, "WATCHMAN")  # of no system
DOMAIN = RegistryDomain(31337, parse_address("0x" + "22" * 20))
IDENTITIES = IdentityDomain(31338, parse_address("0x" + "33" * 20))
SIGNATURE = Signature(("age", "bmi"), True, (9.0, 4.0), ("a", "b"), Decision.LARGEST, ("x", "y"))
MODEL = ModelDescription(
    "by hand", Precision.DOUBLE, SIGNATURE, (Linear(((1.0, 0.5), (-1.0, 2.0)), (0.0, 1.0)),)
)
COMPILED = compile_model(MODEL.trace())
FUNCTION, BATCH = cast.dense_function(), cast.small_batch()
SHARING = make_sharing(
    FUNCTION,
    BATCH,
    threshold=1,
    errors=1,
    randomness=cast.seeded("changed"),
)
ORDER = cast.order_over(SHARING)
BLOCK = b"content" * 20


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        write: puts one into a folder; answers its path.
        read: what the program takes from it.
        is_mended: it is made anew instead of being refused; `read` then answers this.
    """

    write: Callable[[Path], Path]
    read: Callable[[Path], Any]
    is_mended: Any = None


def write_account(folder: Path) -> Path:
    KeyStore.open(folder)
    return folder / ACCOUNT_FILE


def write_tls(folder: Path) -> Path:
    KeyStore.open(folder)
    return folder / TLS_FILE


def read_keys(path: Path) -> Any:
    keys = KeyStore.open(path.parent)
    return keys.account.address, keys.tls.certificate, keys.tls.pin


def write_journal(folder: Path) -> Path:
    with Journal.open(folder / "x.journal") as journal:
        for record in (b"one", b"two" * 40, b"three"):
            journal.append(record)
    return folder / "x.journal"


def read_journal(path: Path) -> list[bytes]:
    with Journal.look_at(path) as journal:
        return list(journal.records())


def write_archive(folder: Path) -> Path:
    Archive(folder).put(b"\x07", [b"one", b"two" * 40])
    return folder / "07.records"


def write_function(folder: Path) -> Path:
    FunctionStore(folder).add(FUNCTION)
    (path,) = folder.glob("[!.]*")
    return path


def write_plan(folder: Path) -> Path:
    return write_compiled(COMPILED, folder / "m")[1]


def write_model(folder: Path) -> Path:
    path = folder / "m.model.json"
    path.write_bytes(description_to_json(MODEL))
    return path


def write_remembered(folder: Path) -> Path:
    remember_plan(folder, COMPILED.plan)
    (path,) = (folder / "plans").glob("[!.]*")
    return path


def write_manifest(folder: Path) -> Path:
    limits = Limits(10, 20, 1, 1, 1, 2, 3, 4)
    draft = draft_contracts(SOMEBODY, (SOMEBODY,) * 4, SOMEBODY, SOMEBODY, limits)
    places = {name: parse_address(bytes([at + 1]) * 20) for at, name in enumerate(CONTRACTS)}
    origins = {name: Origin(b"", 5, Hash32(b"\1" * 32), "0.8.37") for name in CONTRACTS}
    groups = tuple(group.filled(draft) for group in draft)
    Deployment(31337, 5, places, groups, origins).save(folder / "deployment.json")
    return folder / "deployment.json"


def write_registration(folder: Path) -> Path:
    wish = Registration(
        PORTER, SOMEBODY, Hash32(b"\4" * 32), "https://127.0.0.1:8443", "", Resources(1, 2, 3, 4)
    )
    key = SecretKey(bytes(31) + b"\7")
    wish.sign(key, DOMAIN, 5, Timestamp(1_900_000_000)).save(folder / "statement.json")
    return folder / "statement.json"


def read_registration(path: Path) -> SignedRegistration:
    statement = SignedRegistration.load(path)
    statement.check(DOMAIN)
    return statement


def write_act(folder: Path) -> Path:
    key, ends = SecretKey(bytes(31) + b"\7"), Timestamp(1_900_000_000)
    act = AttributeSetting(key.address, encode_name("did/svc/Files"), b"https://x.example", ends)
    SignedAct.sign(act, key, IDENTITIES, 5, ends).save(folder / "signed.json")
    return folder / "signed.json"


def read_act(path: Path) -> SignedAct:
    signed = SignedAct.load(path)
    signed.check(IDENTITIES)
    return signed


def keeper_of(folder: Path) -> StatusKeeper:
    signer = CredentialSigner(SecretKey(bytes(31) + b"\7"), ISSUER)
    return StatusKeeper(folder, ListName(ISSUER, "r-1"), Purpose.REVOCATION, signer, bytes.hex)


def write_list(folder: Path) -> Path:
    drafted = keeper_of(folder).draft({5: True}, Timestamp(1_800_000_000))
    assert drafted is not None
    keeper_of(folder).prepare(drafted)
    return folder / "r-1" / PREPARED


def write_block(folder: Path) -> Path:
    LocalStore(folder).put(BLOCK)
    return folder / str(cid_of(BLOCK))


def write_share(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        write_sharing(folder / "sharing", SHARING)
        return folder / "sharing" / name

    return write


def write_answers(folder: Path) -> Path:
    answers = [cast.right_answer(ORDER, j) for j in range(1, 7)]
    path = folder / "job.answers"
    path.write_bytes(cast.export_answers(ORDER, answers).to_bytes())
    return path


def write_evidence(folder: Path) -> Path:
    path = folder / "evidence.json"
    path.write_bytes(sample_evidence.PATH.read_bytes())
    return path


def read_evidence(path: Path) -> Any:
    """What `replay` says: an unsound bundle is refused by its status and the check that fails."""
    bundle = Bundle.from_json(path.read_bytes())
    trial = retry_bundle(bundle, parse_polynomial(bundle.function))
    if trial.outcome is Outcome.UNSOUND:
        raise EdgemarkError("is not what it says", who="bundle", remedy="It proves nothing.")
    return bundle


def write_chain_note(folder: Path) -> Path:
    pid = os.getpid()
    facts = {"kind": "anvil", "pid": pid, "started": start_ticks(pid), "port": 8545}
    write_note(folder / NOTE, facts)
    return folder / NOTE


def write_keeper_note(folder: Path) -> Path:
    note_keeper(folder, {"told": {"port": 1}})
    return folder / NOTE_OF_KEEPER


def read_chain_note(path: Path) -> Any:
    node = chain_status(path.parent)
    return node and (node.KIND, node.pid, node.port)


def read_keeper_note(path: Path) -> Any:
    keeper = find_keeper(path.parent)
    return keeper and (keeper.pid, keeper.started, keeper.done())


def write_cursor(folder: Path) -> Path:
    Cursor(folder / "judge.cursor", SOMEBODY).note(4_321)
    return folder / "judge.cursor"


KINDS: dict[str, Kind] = {
    "account.key": Kind(write_account, read_keys),
    "tls.pem": Kind(write_tls, read_keys),
    "journal": Kind(write_journal, read_journal),
    "archive": Kind(write_archive, lambda path: Archive(path.parent).find(b"\7")),
    "functions": Kind(
        write_function, lambda path: FunctionStore(path.parent).find(FUNCTION.hash), "mended"
    ),
    "plan": Kind(write_plan, read_compiled),
    "function": Kind(
        lambda folder: write_compiled(COMPILED, folder / "m")[0],
        lambda path: read_function(path).to_bytes(),
    ),
    "function of a plan": Kind(
        lambda folder: write_compiled(COMPILED, folder / "m")[0],
        lambda path: read_compiled(path.with_name("m.plan.json")),
    ),
    "model": Kind(write_model, lambda path: read_model(path).signature),
    "remembered plan": Kind(
        write_remembered, lambda path: recall_plan(path.parents[1], COMPILED.function.hash)
    ),
    "manifest": Kind(write_manifest, lambda path: Deployment.load(path, GROUPS)),
    "registration": Kind(write_registration, read_registration),
    "signed act": Kind(write_act, read_act),
    "status list": Kind(write_list, lambda path: keeper_of(path.parents[1]).pending()),
    "credential": Kind(write_credential, read_credential),
    "block": Kind(write_block, lambda path: LocalStore(path.parent).get(cid_of(BLOCK))),
    "public.json": Kind(write_share("public.json"), lambda path: read_sharing(path.parent)),
    "secret.json": Kind(write_share("secret.json"), lambda path: read_sharing(path.parent)),
    "share": Kind(write_share("share-03.json"), lambda path: read_sharing(path.parent)),
    "answers": Kind(write_answers, lambda path: ExportedAnswers.from_bytes(path.read_bytes())),
    "evidence": Kind(write_evidence, read_evidence),
    "chain.json": Kind(write_chain_note, read_chain_note),
    "keeper.json": Kind(write_keeper_note, read_keeper_note),
    "judge.cursor": Kind(write_cursor, lambda path: Cursor(path, SOMEBODY).read(1), 1),
}


@pytest.mark.parametrize("name", KINDS)
def test_f9_file__of_which_a_byte_was_changed__is_refused_or_says_the_same(
    tmp_path: Path, name: str
) -> None:
    kind, chance = KINDS[name], random.Random(name)
    tmp_path.chmod(0o700)
    path = kind.write(tmp_path)
    whole, sound = path.read_bytes(), kind.read(path)
    assert sound is not None
    refused = 0
    for place in sorted(chance.sample(range(len(whole)), min(FLIPS, len(whole)))):
        changed = bytearray(whole)
        changed[place] ^= chance.choice(MASKS)
        path.write_bytes(changed)
        path.chmod(0o600)
        try:
            found = kind.read(path)
        except EdgemarkError as error:
            refused += 1
            assert error.who, f"byte {place}: {error}"
            assert error.remedy or error.needed, f"byte {place}: {error}"
        else:
            is_mended = found in (None, kind.is_mended) if kind.is_mended else False
            refused += is_mended
            assert is_mended or found == sound, f"byte {place} was changed, and nobody said so"
    assert refused > FLIPS / 3


def test_f9_every_module_that_writes_files__is_among_the_kinds() -> None:
    package = ROOT / "offchain" / "edgemark"
    found = {
        ".".join(path.relative_to(package).with_suffix("").parts)
        for path in package.rglob("*.py")
        if WRITING.search(path.read_text())
    }
    assert found - PRIVATE - {"files"} == set(WRITERS)
    assert {kind for kind in WRITERS.values() if not kind.startswith("never")} <= set(KINDS)
