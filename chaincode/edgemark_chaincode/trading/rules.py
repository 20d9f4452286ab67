"""What the evidence registry takes on a consortium ledger, and what it refuses. Pure.

| what is signed  | by whom          | over which bytes: an EIP-712 digest, computed here       |
|-----------------|------------------|----------------------------------------------------------|
| `Voucher`       | payer and seller | channel, index, amount, template hash, controller, epoch |
| `Issuance`      | its controller   | channel, index, epoch, the voucher's digest, credential  |
| `Initiation`    | payer and seller | channel, credential                                      |
| `Qualification` | its issuer       | holder, credential                                       |

Each in the domain (name, version, chain, contract) of ChannelEscrow, of Controllers, and of
EvidenceRegistry the last two; a credential is there by its hash.
Not signed, and so nobody's word: which list a piece stands in, who submitted it, the time told.
Every signer is recovered over a digest that is computed here, of one form of signature alone.

Law 1: evidence is known by its digest and its signers; the first to write both is the only one.
Law 2: what two sign needs two keys; a settlement needs the controller that its voucher names.
Law 3: a root says nothing of its leaves until `find_signers_under` has recovered those of one.
Law 4: time decides one thing alone, until when roots are anchored; nothing else gets `now`.
Law 5: parameters stand once and for good, by `agreement`; nothing is taken before.

The twin of `contracts/trading/EvidenceRegistry.sol`; errors have its names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from edgemark.crypto.ethereum.merkle import MAX_LEAVES, BranchMismatch, check_branch
from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.errors import RefusedInput
from edgemark.identifiers import NO_TIME, Address, Hash32, Timestamp, parse_address
from edgemark.systems.trading.contract.consortium.agreement import list_differences
from edgemark.systems.trading.contract.consortium.kept import AnchoredRoot, Found
from edgemark.systems.trading.contract.consortium.parameters import Parameters, check_parameters
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import (
    InitiationPiece,
    QualificationPiece,
    RootProof,
    SettlementPiece,
)
from edgemark.systems.trading.contract.evidence.records import (
    MAX_CID_BYTES,
    MAX_PIECES,
    EvidenceKind,
)
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id, compute_leaf

ANCHOR = "edgemark.anchor"  # attribute of a certificate: the controller for which it anchors


class EvidenceRefused(RefusedInput):
    """The registry does not take this.

    Attributes:
        error: as the contract on a chain calls it; the message begins with it.
    """

    def __init__(self, error: str, what: str, *, had: object = None, needed: object = None) -> None:
        super().__init__(what, who=error, had=had, needed=needed)
        self.error = error


@dataclass(frozen=True)
class Anchoring:
    """A root that somebody wants to anchor.

    Attributes:
        root: of the tree.
        leaves: how many it has, 1 .. 65536.
        cid: of the list of all leaves, 1 .. 128 bytes.
        told_at: time of the transaction, as its client says.
    """

    root: Hash32
    leaves: int
    cid: str
    told_at: Timestamp


def admit_saying(
    standing: Parameters | None, wanted: Parameters, msp_id: str, members: Sequence[str]
) -> None:
    """Check that an organisation may say what the parameters are to be.

    Args:
        standing: those that stand; None before.
        wanted: what it says.
        msp_id: the organisation.
        members: organisations of the channel.

    Raises:
        RefusedInput: they are no parameters.
        EvidenceRefused: NotAmongThem, of an organisation that the channel has not; ParametersExist,
            when others stand.
    """
    check_parameters(wanted)
    strangers = sorted({msp_id, *wanted.organisations} - set(members))
    if strangers:
        raise EvidenceRefused(
            "NotAmongThem",
            "organisations are none of the channel, and would never agree",
            had=strangers,
            needed=list(members),
        )
    if standing is not None and standing != wanted:
        raise EvidenceRefused(
            "ParametersExist",
            "were agreed to, for good, and these differ",
            had=list(list_differences(wanted, standing)),
            needed="those of `parameters`",
        )


def find_initiation(domains: EvmDomains, piece: InitiationPiece) -> Found:
    """The initiation credential of a channel, with who signed it.

    Raises:
        BadSignature: one is none, or of another form.
        EvidenceRefused: SignersAlike.
    """
    digest = domains.of_evidence.initiation(piece.channel, piece.credential_hash)
    signers = _recover_both(digest, piece.payer_signature, piece.seller_signature)
    subject = Hash32(piece.channel)
    return _found(EvidenceKind.INITIATION, subject, 0, piece.credential_hash, digest, signers)


def find_settlement(domains: EvmDomains, piece: SettlementPiece) -> Found:
    """A settlement credential, with who signed it.

    Raises:
        BadSignature: one is none, or of another form.
        EvidenceRefused: SignersAlike, NotByController.
    """
    claim, signatures = piece.claim, piece.signatures
    voucher = domains.of_vouchers.voucher(claim.channel, claim.voucher)
    issuance = domains.of_issuances.issuance(claim, voucher)
    parties = _recover_both(voucher, signatures.payer, signatures.seller)
    controller = recover(issuance, signatures.controller)
    if controller != claim.voucher.controller:
        raise EvidenceRefused(
            "NotByController",
            "issuance was signed by another than its voucher names",
            had=controller,
            needed=claim.voucher.controller,
        )
    return _found(
        EvidenceKind.SETTLEMENT,
        Hash32(claim.channel),
        claim.voucher.index,
        claim.credential_hash,
        issuance,
        (*parties, controller),
    )


def find_qualification(domains: EvmDomains, piece: QualificationPiece) -> Found:
    """A credential of somebody, with who issued it.

    Raises:
        BadSignature: nobody did.
    """
    digest = domains.of_evidence.qualification(piece.holder, piece.credential_hash)
    issuer = recover(digest, piece.issuer_signature)
    subject = Hash32(bytes(12) + bytes.fromhex(piece.holder[2:]))
    return _found(EvidenceKind.QUALIFICATION, subject, 0, piece.credential_hash, digest, (issuer,))


def check_count(count: int) -> None:
    """Check how many pieces one call brings.

    Raises:
        EvidenceRefused: not 1 .. MAX_PIECES.
    """
    _check_within("pieces", count, 1, MAX_PIECES)


def admit(known: Set[Hash32], found: Sequence[Found]) -> tuple[Found, ...]:
    """Which of these are to be written, in their order, each once.

    One that is there already is passed over where several come, so that nobody spoils a list by
    recording a part of it before.

    Args:
        known: ids of those that are there.
        found: 1 .. 100 pieces.

    Raises:
        EvidenceRefused: OutOfBounds; EvidenceExists, of one that comes alone.
    """
    check_count(len(found))
    if len(found) == 1 and found[0].evidence in known:
        raise EvidenceRefused(
            "EvidenceExists",
            "was recorded with these signers before",
            had=found[0].evidence.hex(),
        )
    new = {each.evidence: each for each in found if each.evidence not in known}
    return tuple(new.values())


def find_anchoring_controller(attributes: Mapping[str, str]) -> Address:
    """The controller for which a certificate anchors.

    Raises:
        EvidenceRefused: MayNotAnchor, without the attribute or with one that names no account.
    """
    try:
        return parse_address(attributes[ANCHOR], who=ANCHOR)
    except (KeyError, RefusedInput):
        raise EvidenceRefused(
            "MayNotAnchor",
            "its certificate says of no controller that it anchors for it",
            had=attributes.get(ANCHOR),
            needed=f"the attribute {ANCHOR} with an account",
        ) from None


def admit_root(
    record: AnchoredRoot | None,
    request: Anchoring,
    now: Timestamp | None,
    *,
    until: Timestamp,
    by: tuple[Address, str],
) -> AnchoredRoot:
    """A root as it is kept.

    Args:
        record: what is there under its key.
        request: what to anchor.
        now: by the organisations' clocks; None where no deadline was set, and nobody read them.
        until: last second at which roots are anchored; 0: for ever.
        by: controller and organisation of who asks.

    Raises:
        EvidenceRefused: OutOfBounds, RootExists, TooLate; NoTime when the clocks were not read.
    """
    _check_within("leaves", request.leaves, 1, MAX_LEAVES)
    _check_within("cid", len(request.cid.encode()), 1, MAX_CID_BYTES)
    if record is not None:
        raise EvidenceRefused(
            "RootExists", "was anchored by its organisation before", had=request.root.hex()
        )
    if until != NO_TIME:
        _check_by(now, until)
    controller, organisation = by
    return AnchoredRoot(
        root=request.root,
        leaves=request.leaves,
        cid=request.cid,
        controller=controller,
        organisation=organisation,
        anchored_at=NO_TIME if now is None else now,
        told_at=request.told_at,
    )


def find_signers_under(
    anchored: AnchoredRoot | None, proof: RootProof, domains: EvmDomains, piece: SettlementPiece
) -> tuple[Address, ...]:
    """Payer, seller and controller of a settlement that stands under an anchored root.

    Raises:
        EvidenceRefused: RootUnknown, OutOfBounds, LeafNotUnderRoot; and as `find_settlement`.
        BadSignature: as `find_settlement`.
    """
    if anchored is None:
        raise EvidenceRefused("RootUnknown", "was never anchored", had=proof.root.hex())
    _check_within("position", proof.position, 0, anchored.leaves - 1)
    found = find_settlement(domains, piece)
    leaf = compute_leaf(piece.claim, found.digest, piece.signatures)
    try:
        check_branch(proof.root, leaf, proof.position, anchored.leaves, proof.branch)
    except BranchMismatch as error:
        raise EvidenceRefused("LeafNotUnderRoot", error.what, had=leaf.hex()) from None
    return found.signers


def _recover_both(digest: Hash32, payer: bytes, seller: bytes) -> tuple[Address, Address]:
    signers = recover(digest, payer), recover(digest, seller)
    if signers[0] == signers[1]:
        raise EvidenceRefused("SignersAlike", "one key signed for both parties", had=signers[0])
    return signers


def _found(
    kind: EvidenceKind,
    subject: Hash32,
    index: int,
    credential_hash: Hash32,
    digest: Hash32,
    signers: tuple[Address, ...],
) -> Found:
    evidence = compute_evidence_id(digest, signers)
    return Found(evidence, kind, subject, index, credential_hash, digest, signers)


def _check_by(now: Timestamp | None, until: Timestamp) -> None:
    if now is None or now == NO_TIME:
        raise EvidenceRefused(
            "NoTime", "the organisations' clocks say no time yet", needed="their clock records"
        )
    if now > until:
        raise EvidenceRefused("TooLate", "roots are anchored no more", had=now, needed=until)


def _check_within(field: str, had: int, least: int, most: int) -> None:
    if not least <= had <= most:
        raise EvidenceRefused(
            "OutOfBounds", f"{field} out of range", had=had, needed=f"{least}..{most}"
        )
