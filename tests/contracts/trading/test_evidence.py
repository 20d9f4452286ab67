"""EvidenceRegistry: signatures are recovered, signers listed; roots anchored, not verified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.contracts.trading.escrow_world import address
from tests.contracts.trading.evidence_world import (
    CHANNEL,
    THIEF,
    EvidenceWorld,
    hash_of,
)
from tests.contracts.world import refused, signer_of, term_name, twin_of
from tests.offchain.systems.trading.channel_cast import KEYS

from edgemark.crypto.ethereum.merkle import MAX_LEAVES, MerkleTree
from edgemark.systems.trading.contract.evidence.records import (
    MAX_CID_BYTES,
    MAX_PIECES,
    EvidenceKind,
)
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id

PARTIES = [KEYS[key].address for key in ("payer's key", "seller's key")]
CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
Logged = tuple[Any, ...]


def record(trade: EvidenceWorld, what: str, *pieces: Any, sender: Any = None) -> Any:
    send = getattr(trade.evidence, f"record{what}")
    return send(list(pieces), sender=sender or trade.outsider)


def logged(trade: EvidenceWorld, receipt: Any) -> list[Logged]:
    """Kind, subject, index, credential, digest and signers of each event; its id is theirs."""
    found = []
    for log in receipt.decode_logs(trade.evidence.EvidenceRecorded):
        digest, signers = bytes(log.digest), [address(each) for each in log.signers]
        assert bytes(log.evidence) == compute_evidence_id(digest, signers)
        assert bytes(trade.evidence.evidenceIdOf(digest, signers)) == bytes(log.evidence)
        kept = trade.evidence.evidenceOf(log.evidence)
        assert (kept.kind, kept.recordedAt) == (log.kind, trade.escrow.now())
        said = (bytes(log.subject), log.index, bytes(log.credentialHash), digest, signers)
        found.append((EvidenceKind(log.kind), *said))
    return found


def leaves_of(trade: EvidenceWorld, count: int) -> tuple[list[Any], list[Any], MerkleTree]:
    """Claims, what is signed under them, and their tree."""
    claims = [trade.claim(index, f"credential {index}") for index in range(1, count + 1)]
    signed = [trade.signatures(claim) for claim in claims]
    pairs = zip(claims, signed, strict=True)
    return claims, signed, MerkleTree([trade.leaf(*pair) for pair in pairs])


def anchor(trade: EvidenceWorld, root: bytes, leaves: int = 1, cid: str = CID) -> Any:
    return trade.evidence.anchorRoot(root, leaves, cid, sender=trade.controller)


def verify(trade: EvidenceWorld, proof: Any, claim: Any, signed: Any) -> Any:
    """Mined, so that what is refused has its data."""
    return trade.evidence.verify.transact(
        proof, claim.as_abi(), signed.as_abi(), sender=trade.outsider
    )


def test_a57_settlement__lists_who_signed_whoever_sends_it(trade: EvidenceWorld):
    claim = trade.claim(7)
    receipt = record(trade, "Settlements", trade.settlement(claim))
    signers = [*PARTIES, address(trade.controller)]
    said = (CHANNEL, 7, claim.credential_hash, trade.issuance(claim), signers)
    assert logged(trade, receipt) == [(EvidenceKind.SETTLEMENT, *said)]
    voucher, issuance = trade.evidence.settlementDigests(claim.as_abi())
    assert (bytes(voucher), bytes(issuance)) == (
        trade.voucher_digest(claim.voucher),
        trade.issuance(claim),
    )


def test_a57_initiation_and_qualification__list_who_signed(trade: EvidenceWorld):
    (found,) = logged(trade, record(trade, "Initiations", trade.initiation()))
    digest = trade.domain.initiation(CHANNEL, hash_of("initiation"))
    said = (CHANNEL, 0, hash_of("initiation"), digest, PARTIES)
    assert found == (EvidenceKind.INITIATION, *said)
    assert bytes(trade.evidence.initiationDigest(CHANNEL, hash_of("initiation"))) == digest

    holder = trade.escrow.who("seller")
    (found,) = logged(trade, record(trade, "Qualifications", trade.qualification("audited")))
    digest = trade.domain.qualification(holder, hash_of("audited"))
    subject = bytes.fromhex(holder[2:]).rjust(32, b"\0")
    said = (subject, 0, hash_of("audited"), digest, [THIEF.address])
    assert found == (EvidenceKind.QUALIFICATION, *said)
    assert bytes(trade.evidence.qualificationDigest(holder, hash_of("audited"))) == digest


def test_a57_planted_sample__lists_its_caller_for_a_signature_of_nobody(
    trade: EvidenceWorld, project
):
    planted = trade.escrow.deployer.deploy(project.PlantedEvidenceSample)
    claim = trade.claim()
    planted.save(claim.credential_hash, b"anything", sender=trade.outsider)
    assert planted.signersOf(claim.credential_hash) == [trade.outsider]
    with refused(planted.HashTaken, hash=claim.credential_hash):  # A30: the true ones are barred
        planted.save(claim.credential_hash, b"ours", sender=trade.controller)

    nothing = replace(trade.signatures(claim), payer=b"anything")
    with refused(trade.evidence.ECDSAInvalidSignatureLength, length=8):
        record(trade, "Settlements", (claim.as_abi(), nothing.as_abi()))


def test_a57_another_credential_than_the_controller_signed__is_refused(trade: EvidenceWorld):
    claim, signed = trade.claim(), trade.signatures(trade.claim())
    changes = (
        replace(claim, credential_hash=hash_of("another")),
        replace(claim, voucher=replace(claim.voucher, amount=601)),
        replace(claim, voucher=replace(claim.voucher, index=2)),
        replace(claim, voucher=replace(claim.voucher, epoch=3)),
        replace(claim, channel=hash_of("another channel")),
    )
    for changed in changes:
        _, issuance = trade.evidence.settlementDigests(changed.as_abi())
        values = {
            "digest": bytes(issuance),
            "signer": signer_of(bytes(issuance), signed.controller),
            "needed": trade.controller,
        }
        with refused(trade.evidence.NotByController, **values):
            record(trade, "Settlements", (changed.as_abi(), signed.as_abi()))


def test_a54_settlement__by_another_controller_than_the_vouchers__is_refused(
    trade: EvidenceWorld,
):
    claim = trade.claim()
    values = {
        "digest": trade.issuance(claim),
        "signer": trade.rival,
        "needed": trade.controller,
    }
    with refused(trade.evidence.NotByController, **values):
        record(trade, "Settlements", trade.settlement(claim, by=trade.rival))


def test_a54_one_key_for_both_parties__is_refused(trade: EvidenceWorld):
    claim, key = trade.claim(), "payer's key"
    values = {"digest": trade.voucher_digest(claim.voucher), "signer": KEYS[key].address}
    with refused(trade.evidence.SignersAlike, **values):
        record(trade, "Settlements", trade.settlement(claim, seller=key))
    values["digest"] = trade.domain.initiation(CHANNEL, hash_of("initiation"))
    with refused(trade.evidence.SignersAlike, **values):
        record(trade, "Initiations", trade.initiation(seller=key))


def test_a30_a_stranger_that_is_first__bars_nobody(trade: EvidenceWorld):
    """It records the same digest with signatures of its own: it stands there itself."""
    false = trade.initiation(payer="a thief", seller="payer's next key")
    (found,) = logged(trade, record(trade, "Initiations", false))
    assert found[-1] == [THIEF.address, KEYS["payer's next key"].address]
    (found,) = logged(trade, record(trade, "Initiations", trade.initiation()))
    assert found[-1] == PARTIES


@pytest.mark.parametrize("what", ["Initiations", "Settlements", "Qualifications"])
def test_evidence_that_is_there__is_refused_alone_and_passed_over_in_a_list(
    trade: EvidenceWorld, what: str
):
    pieces = {
        "Initiations": (trade.initiation(), trade.initiation("another")),
        "Settlements": tuple(trade.settlement(trade.claim(index)) for index in (1, 2)),
        "Qualifications": (trade.qualification("one"), trade.qualification("another")),
    }[what]
    receipt = record(trade, what, pieces[0])
    (log,) = receipt.decode_logs(trade.evidence.EvidenceRecorded)
    with refused(trade.evidence.EvidenceExists, evidence=log.evidence):
        record(trade, what, pieces[0])
    assert len(logged(trade, record(trade, what, pieces[0], pieces[1], pieces[1]))) == 1


@pytest.mark.parametrize("what", ["Initiations", "Settlements", "Qualifications"])
def test_a_list__has_1_to_100_pieces(trade: EvidenceWorld, what: str):
    piece = {
        "Initiations": trade.initiation(),
        "Settlements": trade.settlement(trade.claim()),
        "Qualifications": trade.qualification("one"),
    }[what]
    for count in (0, MAX_PIECES + 1):
        bounds = {"field": term_name("pieces"), "had": count, "least": 1, "most": MAX_PIECES}
        with refused(trade.evidence.OutOfBounds, **bounds):
            record(trade, what, *[piece] * count)
    assert len(logged(trade, record(trade, what, *[piece] * MAX_PIECES))) == 1


def test_a29_twin_and_compact_signatures__are_refused(trade: EvidenceWorld):
    holder, credential, signature = trade.qualification("one")
    twin = twin_of(signature)
    with refused(trade.evidence.ECDSAInvalidSignatureS, s=twin[32:64]):
        record(trade, "Qualifications", (holder, credential, twin))
    with refused(trade.evidence.ECDSAInvalidSignature):
        record(trade, "Qualifications", (holder, credential, signature[:64] + b"\x01"))


def test_a28_chain_id_changed_by_a_fork__no_signature_of_before_is_evidence(
    trade: EvidenceWorld,
):
    claim, provider = trade.claim(), trade.escrow.chain.provider
    with trade.escrow.undone():
        provider.make_request("anvil_setChainId", [31338])
        try:
            voucher, issuance = trade.evidence.settlementDigests(claim.as_abi())
        finally:
            provider.make_request("anvil_setChainId", [31337])
    assert bytes(voucher) != trade.voucher_digest(claim.voucher)
    assert bytes(issuance) != trade.issuance(claim)


def test_anchor_root__of_a_controller_in_standing__takes_one_word_once(trade: EvidenceWorld):
    trade.bond()
    root = hash_of("root")
    receipt = anchor(trade, root, 1000)
    (log,) = receipt.decode_logs(trade.evidence.RootAnchored)
    assert (log.controller, bytes(log.root), log.leaves, log.cid) == (
        trade.controller,
        root,
        1000,
        CID,
    )
    assert tuple(trade.evidence.rootOf(trade.controller, root)) == (1000, trade.escrow.now())
    with refused(trade.evidence.RootExists, controller=trade.controller, root=root):
        anchor(trade, root, 1000)
    # A30: another controller that copies it is another's word, and bars nobody.
    trade.bond(controller=trade.rival)
    trade.evidence.anchorRoot(root, 1, "copied", sender=trade.rival)
    assert trade.evidence.rootOf(trade.controller, root).leaves == 1000


def test_anchor_root__without_standing__is_refused(trade: EvidenceWorld):
    for account in (trade.outsider, trade.controller):
        with refused(trade.evidence.NotInStanding, account=account):
            trade.evidence.anchorRoot(hash_of("root"), 1, CID, sender=account)
    trade.bond()
    anchor(trade, hash_of("root"))
    trade.controllers.unbond(sender=trade.controller)
    with refused(trade.evidence.NotInStanding, account=trade.controller):
        anchor(trade, hash_of("next root"))


def test_anchor_root__out_of_bounds__is_refused(trade: EvidenceWorld):
    trade.bond()
    root = hash_of("root")
    for leaves in (0, MAX_LEAVES + 1):
        bounds = {"field": term_name("leaves"), "had": leaves, "least": 1, "most": MAX_LEAVES}
        with refused(trade.evidence.OutOfBounds, **bounds):
            anchor(trade, root, leaves)
    for length in (0, MAX_CID_BYTES + 1):
        bounds = {"field": term_name("cid"), "had": length, "least": 1, "most": MAX_CID_BYTES}
        with refused(trade.evidence.OutOfBounds, **bounds):
            anchor(trade, root, 1, "c" * length)
    anchor(trade, root, MAX_LEAVES, "c" * MAX_CID_BYTES)
    anchor(trade, hash_of("next root"), 1, "c")


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_verify__every_leaf_of_an_anchored_root__recovers_its_signers(
    trade: EvidenceWorld, count: int
):
    trade.bond()
    claims, signed, tree = leaves_of(trade, count)
    anchor(trade, tree.root, count)
    for position in range(count):
        claim, of = claims[position], signed[position]
        assert bytes(trade.evidence.leafOf(claim.as_abi(), of.as_abi())) == trade.leaf(claim, of)
        proof = (trade.controller, tree.root, position, list(tree.branch(position)))
        found = trade.evidence.verify(proof, claim.as_abi(), of.as_abi())
        assert list(map(address, found)) == [*PARTIES, address(trade.controller)]


def test_verify__what_does_not_stand_under_the_root__is_refused(trade: EvidenceWorld):
    trade.bond()
    claims, signed, tree = leaves_of(trade, 3)
    branch, who = list(tree.branch(0)), trade.controller
    unknown = {"controller": trade.rival, "root": tree.root}
    anchor(trade, tree.root, 3)
    with refused(trade.evidence.RootUnknown, **unknown):
        verify(trade, (trade.rival, tree.root, 0, branch), claims[0], signed[0])
    bounds = {"field": term_name("position"), "had": 3, "least": 0, "most": 2}
    with refused(trade.evidence.OutOfBounds, **bounds):
        verify(trade, (who, tree.root, 3, branch), claims[0], signed[0])
    for wrong in ([], [*branch, branch[0]]):
        with refused(trade.evidence.BranchLengthWrong, had=len(wrong), needed=2):
            verify(trade, (who, tree.root, 0, wrong), claims[0], signed[0])
    leaf = trade.leaf(claims[1], signed[1])
    forged = MerkleTree([leaf, branch[0], branch[1]]).root
    values = {"leaf": leaf, "reached": forged, "root": tree.root}
    with refused(trade.evidence.LeafNotUnderRoot, **values):
        verify(trade, (who, tree.root, 0, branch), claims[1], signed[1])


def test_verify__a_leaf_with_signatures_of_others__is_refused(trade: EvidenceWorld):
    """A root is anchored, not verified: whatever stands under it is checked where it is used."""
    trade.bond()
    claim = trade.claim()
    signed = trade.signatures(claim, by=trade.rival)
    root = trade.leaf(claim, signed)
    anchor(trade, root)
    values = {
        "digest": trade.issuance(claim),
        "signer": trade.rival,
        "needed": trade.controller,
    }
    with refused(trade.evidence.NotByController, **values):
        verify(trade, (trade.controller, root, 0, []), claim, signed)


def test_registry__names_the_contracts_whose_statements_it_reads(trade: EvidenceWorld):
    assert trade.evidence.escrow() == trade.escrow.escrow
    assert trade.evidence.controllers() == trade.controllers
