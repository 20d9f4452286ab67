"""Files in which owners sign what others send (T12): canonical, and for one registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.identity.did.acts import (
    ACTS,
    Act,
    AttributeRevocation,
    AttributeSetting,
    Deactivation,
    DelegateAddition,
    DelegateRevocation,
    OwnerChange,
)
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.signed_act import SignedAct, StatementInvalid
from edgemark.identity.did.statements import IdentityDomain

OWNER, OTHER = SecretKey(bytes([7]) * 32), SecretKey(bytes([8]) * 32)
ME, HEIR = OWNER.address, OTHER.address
REGISTRY = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
DOMAIN = IdentityDomain(31338, REGISTRY)
DEADLINE, UNTIL = Timestamp(1_800_000_000), Timestamp(1_900_000_000)
NAME, KIND = encode_name("did/svc/Files"), encode_name("veriKey")
EACH: tuple[Act, ...] = (
    OwnerChange(ME, HEIR),
    Deactivation(ME),
    DelegateAddition(ME, KIND, HEIR, UNTIL),
    DelegateRevocation(ME, KIND, HEIR),
    AttributeSetting(ME, NAME, b"https://files.example", UNTIL),
    AttributeRevocation(ME, NAME, b"\x00\xff"),
)


def signed(act: Act) -> SignedAct:
    return SignedAct.sign(act, OWNER, DOMAIN, 3, DEADLINE)


def facts_in(path: Path, act: Act = EACH[4]) -> dict[str, Any]:
    signed(act).save(path)
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def test_the_acts_of_these_tests__are_all_that_there_are() -> None:
    assert tuple(map(type, EACH)) == ACTS


@pytest.mark.parametrize("act", EACH, ids=lambda act: type(act).__name__)
def test_file__is_read_as_it_was_signed_and_written_again_byte_for_byte(
    act: Act, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    signed(act).save(first)
    found = SignedAct.load(first)
    found.check(DOMAIN)
    assert (found.act, found.signer, found.nonce, found.deadline) == (act, ME, 3, DEADLINE)
    found.save(second)
    assert first.read_bytes() == second.read_bytes()


def test_acts__have_a_digest_each(tmp_path: Path) -> None:
    assert len({signed(act).signature for act in EACH}) == len(EACH)


@pytest.mark.parametrize("domain", [IdentityDomain(1, REGISTRY), IdentityDomain(31338, HEIR)])
def test_statement_for_another_chain_or_registry__is_refused(domain: IdentityDomain) -> None:
    with pytest.raises(StatementInvalid, match="is for another registry"):
        signed(EACH[0]).check(domain)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("act", "identity"), HEIR),
        (("act", "value"), "00"),
        (("act", "valid_to"), int(UNTIL) + 1),
        (("act", "name"), "did/svc/Other"),
        (("nonce",), 4),
        (("deadline",), int(DEADLINE) + 1),
        (("signer",), HEIR),
    ],
)
def test_statement_that_was_bent__is_not_signed_by_whom_it_names(
    place: tuple[str, ...], value: object, tmp_path: Path
) -> None:
    path = tmp_path / "signed.json"
    facts = facts_in(path)
    within = facts if len(place) == 1 else facts[place[0]]
    within[place[-1]] = value
    path.write_text(json.dumps(facts))
    with pytest.raises(StatementInvalid, match="is not signed by whom it names"):
        SignedAct.load(path).check(DOMAIN)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": True},
        {"statement": "Gift"},
        {"nonce": "3"},
        {"nonce": -1},
        {"nonce": 2**256},
        {"deadline": 1.5},
        {"signature": "zz"},
        {"signature": None},
        {"registry": "0x12"},
        {"act": []},
        {"act": {"identity": ME}},
        {"act": {"identity": ME, "name": "n", "value": "", "valid_to": 1}},
        {"act": {"identity": ME, "name": "n" * 33, "value": "00", "valid_to": 1}},
        {"act": {"identity": ME, "name": 5, "value": "00", "valid_to": 1}},
        {"act": {"identity": ME, "name": "n", "value": "00" * 2049, "valid_to": 1}},
        {"act": {"identity": ME, "name": "n", "value": "00", "valid_to": 1, "more": 1}},
        {"remark": "more than there is to say"},
    ],
)
def test_file_with_anything_else_in_it__is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "signed.json"
    path.write_text(json.dumps(facts_in(path) | change))
    with pytest.raises(StatementInvalid, match="is no signed statement"):
        SignedAct.load(path)


@pytest.mark.parametrize("place", ['{\n  "act": {', '{\n  "'])
def test_file_that_says_a_thing_twice__is_refused(place: str, tmp_path: Path) -> None:
    path = tmp_path / "signed.json"
    signed(EACH[0]).save(path)
    at = path.read_text().index(place) + len(place.rstrip('"'))
    name = "identity" if "act" in place else "nonce"
    path.write_text(f'{path.read_text()[:at]}"{name}": 0,{path.read_text()[at:]}')
    with pytest.raises(StatementInvalid, match=f"field '{name}' twice in one object"):
        SignedAct.load(path)


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 5000, "{}", " " * 9000, "\xff"])
def test_file_that_is_none__is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "signed.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(StatementInvalid):
        SignedAct.load(path)
    with pytest.raises(StatementInvalid, match="No such file"):
        SignedAct.load(tmp_path / "nowhere")


def test_name_that_is_no_text__is_in_no_file(tmp_path: Path) -> None:
    act = AttributeRevocation(ME, Hash32(b"\xff" * 32), b"1")
    with pytest.raises(StatementInvalid, match="is no text"):
        signed(act).save(tmp_path / "signed.json")
    assert not (tmp_path / "signed.json").exists()
