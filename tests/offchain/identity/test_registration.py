"""A signed registration: what is signed, its file, and who refuses what."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.identity import participant_vectors

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, Timestamp, parse_address
from edgemark.identity.records import Role, find_role, name_role
from edgemark.identity.registration import (
    MAX_FILE_BYTES,
    Registration,
    RegistrationInvalid,
    SignedRegistration,
)
from edgemark.identity.resources import Resources
from edgemark.identity.statements import RegistryDomain

PORTER = name_role(4000, "PORTER")  # of no system
KEY = SecretKey(bytes(31) + b"\x07")
REGISTRY = parse_address("0x" + "22" * 20)
DOMAIN = RegistryDomain(31337, REGISTRY)
WISH = Registration(
    PORTER,
    parse_address("0x" + "33" * 20),
    Hash32(b"\x44" * 32),
    "https://127.0.0.1:8443",
    "",
    Resources(1, 2, 3, 4),
)
NONCE, DEADLINE = 5, Timestamp(1_900_000_000)


@pytest.fixture
def statement() -> SignedRegistration:
    return WISH.sign(KEY, DOMAIN, NONCE, DEADLINE)


@pytest.fixture
def path(tmp_path: Path, statement: SignedRegistration) -> Path:
    statement.save(tmp_path / "statement.json")
    return tmp_path / "statement.json"


def test_vectors__are_what_the_package_computes() -> None:
    assert participant_vectors.compute() == json.loads(participant_vectors.PATH.read_text())


def test_sign__signs_what_another_library_makes_of_the_same_fields(
    statement: SignedRegistration,
) -> None:
    fields = (
        ("account", "address", KEY.address),
        ("role", "uint16", int(PORTER)),
        ("provider", "address", WISH.provider),
        ("tlsKeyHash", "bytes32", bytes(WISH.pin)),
        ("endpoint", "string", WISH.endpoint),
        ("name", "string", ""),
        ("cpuCores", "uint256", 1),
        ("ramMiB", "uint256", 2),
        ("storageMiB", "uint256", 3),
        ("networkMbps", "uint256", 4),
        ("nonce", "uint256", NONCE),
        ("deadline", "uint256", int(DEADLINE)),
    )
    message = encode_typed_data(
        {
            "name": "Edgemark Participants",
            "version": "1",
            "chainId": 31337,
            "verifyingContract": REGISTRY,
        },
        {"Registration": [{"name": name, "type": kind} for name, kind, _ in fields]},
        {name: value for name, _, value in fields},
    )
    digest = keccak256(b"\x19", message.version, message.header, message.body)
    assert statement.signature == KEY.sign(digest)
    statement.check(DOMAIN)


def test_sign__endpoint_that_is_none__is_refused() -> None:
    with pytest.raises(RefusedInput, match="endpoint"):
        replace(WISH, endpoint="http://127.0.0.1").sign(KEY, DOMAIN, NONCE, DEADLINE)


@given(
    role=st.sampled_from([Role.DEVICE, Role.PROVIDER, PORTER]),
    name=st.text(max_size=40),
    numbers=st.tuples(*[st.integers(0, 2**32 - 1)] * 4),
    nonce=st.integers(0, 2**63),
)
def test_save__any_statement__is_loaded_back(
    tmp_path_factory: pytest.TempPathFactory,
    role: Role,
    name: str,
    numbers: tuple[int, int, int, int],
    nonce: int,
) -> None:
    path = tmp_path_factory.mktemp("statement") / "statement.json"
    wish = replace(WISH, role=role, name=name, resources=Resources(*numbers))
    statement = wish.sign(KEY, DOMAIN, nonce, DEADLINE)
    statement.save(path)
    assert SignedRegistration.load(path) == statement
    statement.check(DOMAIN)


def test_check__another_chain_or_registry__is_refused_before_it_costs_gas(
    statement: SignedRegistration,
) -> None:
    for domain in (RegistryDomain(1, REGISTRY), RegistryDomain(31337, WISH.provider)):
        with pytest.raises(RegistrationInvalid, match="is for another registry"):
            statement.check(domain)


@pytest.mark.parametrize(
    "changes",
    [
        {"account": WISH.provider},
        {"nonce": NONCE + 1},
        {"deadline": DEADLINE + 1},
        {"signature": bytes(65)},
        {"wanted": replace(WISH, endpoint="https://127.0.0.1:9443")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_check__anything_changed__is_not_signed_by_its_account(
    statement: SignedRegistration, changes: dict[str, object]
) -> None:
    with pytest.raises(RegistrationInvalid, match="is not signed by its account"):
        replace(statement, **changes).check(DOMAIN)  # type: ignore[arg-type]


def test_load__of_one_that_says_a_thing_twice__is_refused(path: Path) -> None:
    path.write_text(path.read_text().replace("{", '{"nonce": 99,', 1))
    with pytest.raises(RegistrationInvalid, match="field 'nonce' twice in one object"):
        SignedRegistration.load(path)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b'{"version": 1}', b"[" * 5000])
def test_load__no_statement__is_refused(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    with pytest.raises(RegistrationInvalid) as refused:
        SignedRegistration.load(path)
    assert refused.value.who == path


@pytest.mark.parametrize("more", [{"note": "x"}, {"nonce": "7"}, {"nonce": 7.0}], ids=str)
def test_load__more_or_another_form__is_refused(path: Path, more: dict[str, object]) -> None:
    facts = {**json.loads(path.read_text()), **more}
    path.write_text(json.dumps(facts))
    with pytest.raises(RegistrationInvalid, match="in another form"):
        SignedRegistration.load(path)


def test_load__too_long_or_missing__is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" " * MAX_FILE_BYTES)
    with pytest.raises(RegistrationInvalid, match="is too large"):
        SignedRegistration.load(path)
    with pytest.raises(RegistrationInvalid):
        SignedRegistration.load(path.with_name("none"))


@pytest.mark.parametrize(
    "name",
    ["version", "account", "chain_id", "registry", "nonce", "deadline", "signature", "wanted"],
)
def test_load__a_field_missing__is_refused(path: Path, name: str) -> None:
    facts = json.loads(path.read_text())
    del facts[name]
    path.write_text(json.dumps(facts))
    with pytest.raises(RegistrationInvalid):
        SignedRegistration.load(path)


def test_name_role__of_a_number__is_that_role_everywhere() -> None:
    assert (Role(4000) is PORTER, PORTER.name, int(PORTER)) == (True, "PORTER", 4000)
    assert name_role(4000, "PORTER") is PORTER
    assert find_role("PORTER") is PORTER
    assert find_role("DEVICE") is Role.DEVICE
    assert find_role("NOBODY") is None
    assert Role(4002).name == "ROLE_4002"


def test_r32_a_role__reads_as_its_word_and_is_filed_under_its_name() -> None:
    tinker = name_role(4004, "TINKER_OF_POTS", "tinker")
    assert [role.word for role in (tinker, Role(4004), PORTER)] == ["tinker", "tinker", "porter"]
    assert find_role("TINKER_OF_POTS") is tinker
    assert [role.word for role in (Role.NONE, Role.PROVIDER, Role(4005))] == [
        "none",
        "provider",
        "role 4005",
    ]


@pytest.mark.parametrize(
    ("number", "name", "why"),
    [
        (4000, "OTHER", "it is PORTER"),
        (4003, "PORTER", "that is role 4000"),
        (4003, "DEVICE", "that is role 1"),
        (1, "ASKER", "16 to 65535 are servers'"),
        (2**16, "MORE", "16 to 65535 are servers'"),
    ],
)
def test_name_role__of_what_is_named_or_no_server__is_refused(
    number: int, name: str, why: str
) -> None:
    with pytest.raises(ValueError, match=f"role {number} cannot be called {name}: {why}"):
        name_role(number, name)
    assert find_role("OTHER") is find_role("ASKER") is find_role("MORE") is None
    assert Role(4003).name == "ROLE_4003"
