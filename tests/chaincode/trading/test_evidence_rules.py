"""The registry's rules without a ledger: digests of the shared vectors, signers, lists, roots."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.chaincode.trading.chaincode_trade import (
    CONTROLLER,
    DOMAINS,
    ISSUER,
    PAYER,
    SELLER,
    THIEF,
    claim_of,
    initiation,
    qualification,
    resigned,
    settlement,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.merkle import MerkleTree
from edgemark.crypto.ethereum.secp256k1 import ORDER, BadSignature
from edgemark.errors import RefusedInput
from edgemark.identifiers import NO_TIME, Address, Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.consortium.parameters import Parameters, check_parameters
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import RootProof
from edgemark.systems.trading.contract.evidence.records import Claim, EvidenceKind
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id, compute_leaf
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.identifiers import parse_channel_id
from edgemark_chaincode.trading import rules
from edgemark_chaincode.trading.keys import key_of_evidence, key_of_root
from edgemark_chaincode.trading.rules import Anchoring, EvidenceRefused

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
NOW = Timestamp(1_800_000_000)
BY = (CONTROLLER.address, "Org1MSP")
CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"


def hash_of(text: str) -> Hash32:
    return Hash32(bytes.fromhex(text[2:]))


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((VECTORS / "evidence_of_trading.json").read_text())
    return facts


def test_domains__give_the_digests_of_the_shared_vectors(vectors: dict[str, Any]) -> None:
    channel = json.loads((VECTORS / "trading.json").read_text())
    said = channel["values"]
    domains = EvmDomains(
        vectors["chainId"],
        Address(channel["escrow"]),
        Address(vectors["controllers"]),
        Address(vectors["registry"]),
    )
    voucher = Voucher(
        int(said["index"]),
        Tokens(int(said["amount"])),
        hash_of(said["templateHash"]),
        said["controller"],
        int(said["epoch"]),
    )
    claim = Claim(parse_channel_id(channel["channel"]), voucher, hash_of(vectors["credential"]))
    signed = domains.of_vouchers.voucher(claim.channel, voucher)
    assert signed == hash_of(vectors["voucher"])
    found = {
        "Issuance": domains.of_issuances.issuance(claim, signed),
        "Initiation": domains.of_evidence.initiation(claim.channel, claim.credential_hash),
        "Qualification": domains.of_evidence.qualification(
            vectors["holder"], claim.credential_hash
        ),
    }
    assert {name: "0x" + digest.hex() for name, digest in found.items()} == vectors["digests"]


def test_settlement__has_the_three_who_signed_it() -> None:
    found = rules.find_settlement(DOMAINS, settlement())
    claim = claim_of()
    assert found.kind is EvidenceKind.SETTLEMENT
    assert found.signers == (PAYER.address, SELLER.address, CONTROLLER.address)
    assert (found.subject, found.index) == (claim.channel, claim.voucher.index)
    assert found.evidence == compute_evidence_id(found.digest, found.signers)


def test_initiation_and_qualification__have_who_signed_them() -> None:
    first = rules.find_initiation(DOMAINS, initiation())
    said = rules.find_qualification(DOMAINS, qualification())
    assert first.signers == (PAYER.address, SELLER.address)
    assert said.signers == (ISSUER.address,)
    assert said.subject.hex() == "00" * 12 + SELLER.address[2:].lower()


@pytest.mark.parametrize("field", ["chain_id", "escrow", "controllers"])
def test_settlement__in_another_domain__is_nobodys_or_anothers(field: str) -> None:
    other = 1 if field == "chain_id" else Address("0x" + "11" * 20)
    with pytest.raises((EvidenceRefused, BadSignature)):
        rules.find_settlement(replace(DOMAINS, **{field: other}), settlement())


def test_settlement__by_one_key_for_both__is_refused() -> None:
    piece = settlement()
    alike = resigned(piece, seller=piece.signatures.payer)
    with pytest.raises(EvidenceRefused) as refused:
        rules.find_settlement(DOMAINS, alike)
    assert refused.value.error == "SignersAlike"


def test_settlement__issued_by_another_than_its_voucher_names__is_refused() -> None:
    piece = settlement()
    voucher = DOMAINS.of_vouchers.voucher(piece.claim.channel, piece.claim.voucher)
    stolen = resigned(
        piece, controller=THIEF.sign(DOMAINS.of_issuances.issuance(piece.claim, voucher))
    )
    with pytest.raises(EvidenceRefused) as refused:
        rules.find_settlement(DOMAINS, stolen)
    assert refused.value.error == "NotByController"
    assert str(refused.value).startswith("NotByController:")


def test_settlement__with_the_other_form_of_a_signature__is_refused() -> None:
    piece = settlement()
    raw = piece.signatures.payer
    high = (ORDER - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    twin = raw[:32] + high + bytes([55 - raw[64]])
    with pytest.raises(BadSignature):
        rules.find_settlement(DOMAINS, resigned(piece, payer=twin))


def test_admit__one_that_is_there__is_refused_alone_and_passed_over_in_a_list() -> None:
    first, second = (rules.find_settlement(DOMAINS, settlement(number)) for number in (1, 2))
    with pytest.raises(EvidenceRefused) as refused:
        rules.admit({first.evidence}, [first])
    assert refused.value.error == "EvidenceExists"
    assert rules.admit({first.evidence}, [first, second]) == (second,)
    assert rules.admit(set(), [first, second, first]) == (first, second)


def test_admit__same_digest_by_other_signers__is_another_piece() -> None:
    mine = rules.find_initiation(DOMAINS, initiation())
    piece = initiation()
    theirs = replace(piece, payer_signature=THIEF.sign(mine.digest))
    found = rules.find_initiation(DOMAINS, theirs)
    assert found.digest == mine.digest and found.evidence != mine.evidence
    assert rules.admit({found.evidence}, [mine]) == (mine,)


@pytest.mark.parametrize("count", [0, 101])
def test_admit__no_pieces_or_too_many__is_refused(count: int) -> None:
    found = rules.find_settlement(DOMAINS, settlement())
    with pytest.raises(EvidenceRefused, match="OutOfBounds"):
        rules.admit(set(), [found] * count)


def test_keys__of_other_evidence_and_roots__are_others() -> None:
    first, second = (rules.find_settlement(DOMAINS, settlement(number)) for number in (1, 2))
    assert key_of_evidence(first.evidence) != key_of_evidence(second.evidence)
    root = keccak256(b"root")
    assert key_of_root(root, *BY) != key_of_root(root, BY[0], "Org2MSP")
    assert key_of_root(root, *BY) != key_of_root(root, PAYER.address, BY[1])


def anchoring(leaves: int = 3, cid: str = CID, root: bytes = bytes(32)) -> Anchoring:
    return Anchoring(Hash32(root), leaves, cid, NOW)


@pytest.mark.parametrize("moved", [-1, 0, 1])
def test_a08_root__at_the_last_second__is_taken_and_after_it_refused(moved: int) -> None:
    until, now = NOW, Timestamp(NOW + moved)
    if moved <= 0:
        kept = rules.admit_root(None, anchoring(), now, until=until, by=BY)
        assert (kept.anchored_at, kept.told_at) == (now, NOW)
        return
    with pytest.raises(EvidenceRefused, match="TooLate"):
        rules.admit_root(None, anchoring(), now, until=until, by=BY)


@pytest.mark.parametrize("now", [None, NO_TIME])
def test_a08_root__before_the_clocks_say_anything__is_refused(now: Timestamp | None) -> None:
    with pytest.raises(EvidenceRefused, match="NoTime"):
        rules.admit_root(None, anchoring(), now, until=NOW, by=BY)


def test_root__without_a_deadline__needs_no_clock() -> None:
    kept = rules.admit_root(None, anchoring(), None, until=NO_TIME, by=BY)
    assert (kept.anchored_at, kept.controller, kept.organisation) == (NO_TIME, *BY)
    with pytest.raises(EvidenceRefused, match="RootExists"):
        rules.admit_root(kept, anchoring(), None, until=NO_TIME, by=BY)


@pytest.mark.parametrize(("leaves", "cid"), [(0, CID), (65_537, CID), (1, ""), (1, "ü" * 65)])
def test_root__out_of_bounds__is_refused(leaves: int, cid: str) -> None:
    with pytest.raises(EvidenceRefused, match="OutOfBounds"):
        rules.admit_root(None, anchoring(leaves, cid), None, until=NO_TIME, by=BY)


@pytest.mark.parametrize("attributes", [{}, {rules.ANCHOR: "true"}, {"other": BY[0]}])
def test_anchoring__without_the_attribute_of_an_account__is_refused(
    attributes: dict[str, str],
) -> None:
    with pytest.raises(EvidenceRefused, match="MayNotAnchor"):
        rules.find_anchoring_controller(attributes)
    assert rules.find_anchoring_controller({rules.ANCHOR: BY[0].lower()}) == BY[0]


def test_leaf__under_its_root__has_its_signers_and_no_other_place() -> None:
    pieces = [settlement(number) for number in range(5)]
    digests = [rules.find_settlement(DOMAINS, each).digest for each in pieces]
    leaves = [
        compute_leaf(each.claim, digest, each.signatures)
        for each, digest in zip(pieces, digests, strict=True)
    ]
    tree = MerkleTree(leaves)
    kept = rules.admit_root(None, anchoring(5, CID, tree.root), None, until=NO_TIME, by=BY)
    for position, piece in enumerate(pieces):
        proof = RootProof(BY[0], tree.root, position, tree.branch(position))
        signers = rules.find_signers_under(kept, proof, DOMAINS, piece)
        assert signers == (PAYER.address, SELLER.address, CONTROLLER.address)
        moved = replace(proof, position=(position + 1) % 5)
        with pytest.raises(EvidenceRefused, match="LeafNotUnderRoot"):
            rules.find_signers_under(kept, moved, DOMAINS, piece)
    with pytest.raises(EvidenceRefused, match="RootUnknown"):
        rules.find_signers_under(None, proof, DOMAINS, pieces[4])
    with pytest.raises(EvidenceRefused, match="OutOfBounds"):
        rules.find_signers_under(kept, replace(proof, position=5), DOMAINS, pieces[4])


def test_parameters__find_domains_by_name_and_refuse_others() -> None:
    parameters = Parameters((DOMAINS,), ("Org1MSP", "Org2MSP"))
    check_parameters(parameters)
    assert parameters.domain(DOMAINS.name) is DOMAINS
    assert parameters.domain(DOMAINS.name.lower()) is DOMAINS
    for name in ("", "eip155:1", f"eip155:1:{DOMAINS.escrow}", "eip155:٣:0x" + "5e" * 20):
        with pytest.raises(RefusedInput):
            parameters.domain(name)


@pytest.mark.parametrize(
    "wrong",
    [
        Parameters((), ("Org1MSP",)),
        Parameters((DOMAINS,), ()),
        Parameters((DOMAINS, DOMAINS), ("Org1MSP",)),
        Parameters((DOMAINS,), ("Org1MSP", "Org1MSP")),
        Parameters((DOMAINS,), ("",)),
        Parameters((replace(DOMAINS, registry=Address("0x" + "0" * 40)),), ("Org1MSP",)),
        Parameters((replace(DOMAINS, chain_id=0),), ("Org1MSP",)),
    ],
)
def test_parameters__that_say_nothing_or_something_twice__are_refused(wrong: Parameters) -> None:
    with pytest.raises(RefusedInput):
        check_parameters(wrong)
