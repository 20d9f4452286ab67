"""The credential of an interval (TSC): what both signed, issued by the channel's controller.

Source: EFSC V-D, phase 2: V_claim has both DIDs, the data and the joint signature C_proof. Here the
joint signature is each party's under one `Voucher`, so that a chain can check it.

    "credentialSubject": [{"id": SELLER, "settlement": {"channel", "claims" | "sealed", "voucher",
                           "payerSignature", "sellerSignature"}}, {"id": BUYER, "party": "buyer"}]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import PeerFault, about
from edgemark.identifiers import Hash32
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.schema import check_schema
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import Did, is_same
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.contract.records import Signers, Voucher
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.credentials.payloads import (
    SETTLEMENT,
    PayloadInvalid,
    Period,
    frame,
    parse_account,
    parse_signature,
    party_of,
    schema_of,
    subjects_of,
    write_hex,
)
from edgemark.systems.trading.credentials.sealing import CLAIMS, SEALED, check_travel, claims_in
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol.messages import Proposal
from edgemark.systems.trading.templates.fields import (
    Encryption,
    parse_amount,
    parse_count,
    parse_hash,
    parse_object,
)
from edgemark.systems.trading.templates.schema import check_claims
from edgemark.systems.trading.templates.settlement import (
    FIELDS,
    SettlementClaims,
    parse_settlement,
)
from edgemark.systems.trading.templates.template import Template, check_named

PART = "settlement"
WHO = "settlement credential"


class BilledOtherwise(PeerFault):
    """A settlement credential says something else than the bill that both signed."""


@dataclass(frozen=True)
class Signed:
    """What both parties signed of an interval, and the claims beside it.

    Attributes:
        seller, buyer: their DIDs.
        channel: whose voucher it is.
        voucher: all that is owed, at this index.
        payer_signature, seller_signature: under the voucher, 65 bytes.
        carried: the claims, in the clear or sealed.
    """

    seller: Did
    buyer: Did
    channel: ChannelId
    voucher: Voucher
    payer_signature: bytes
    seller_signature: bytes
    carried: Mapping[str, Any]


@dataclass(frozen=True)
class Trade:
    """What credentials of a channel say beside what its parties signed.

    Attributes:
        seller, buyer: DIDs, as the initiation credential has them.
        template: TST.
        encryption: how claims travel.
    """

    seller: Did
    buyer: Did
    template: Template
    encryption: Encryption


def draft_claims(trade: Trade, proposal: Proposal) -> dict[str, Any]:
    """The claims of a settlement credential: the bill of an interval, as both parties had it.

    Written by whoever may read them: the controller, and the seller where they are sealed.
    """
    label, readings = trade.template.label, proposal.readings
    return {
        "template": {"kind": label.kind.value, "name": label.name, "version": label.version},
        "seller": str(trade.seller),
        "buyer": str(trade.buyer),
        "fee": str(proposal.fee),
        "start": readings.start,
        "end": readings.end,
        "readings": {
            "before": [str(count) for count in readings.before],
            "after": [str(count) for count in readings.after],
        },
        "encryption": trade.encryption.value,
    }


@dataclass(frozen=True)
class Issued:
    """A settlement credential as its controller answers it.

    Attributes:
        token: the signed credential.
        claim: what the chain takes of it as evidence.
        issuance: digest that the controller signed.
        signatures: of all three.
    """

    token: str
    claim: Claim
    issuance: Hash32
    signatures: Signatures


def draft_settlement(
    said: Signed,
    template: Template,
    issuer: Did,
    period: Period,
    *,
    status: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What the controller signs.

    Args:
        said: of both parties.
        template: TST.
        issuer: the controller.
        period: from the second at which it was issued; the controller keeps it, for another one
            would be another credential of this index.
        status: entries of the controller's lists.
    """
    voucher = said.voucher
    part = {
        "channel": write_hex(said.channel),
        "voucher": {
            "index": str(voucher.index),
            "amount": str(voucher.amount),
            "templateHash": write_hex(voucher.template_hash),
            "controller": voucher.controller,
            "epoch": str(voucher.epoch),
        },
        "payerSignature": write_hex(said.payer_signature),
        "sellerSignature": write_hex(said.seller_signature),
        **said.carried,
    }
    subjects = ({"id": str(said.seller), PART: part}, {"id": str(said.buyer), "party": "buyer"})
    return frame(SETTLEMENT, issuer, list(subjects), period, template=template, status=status)


def read_settlement(signed: SignedCredential) -> Signed:
    """What both parties said; nothing is checked with a key yet.

    Raises:
        RefusedInput: of another kind, or a part is missing, left over or of another form.
    """
    seller, buyer = subjects_of(signed, SETTLEMENT, 2)
    needed = {"channel", "voucher", "payerSignature", "sellerSignature"}
    with about(WHO):
        part = parse_object(seller.get(PART), needed, frozenset({CLAIMS, SEALED}))
        parse_object(buyer, {"id", "party"})
        claims_in(part)
        return Signed(
            party_of(seller),
            party_of(buyer),
            parse_channel_id(parse_hash(part["channel"])),
            _parse_voucher(part["voucher"]),
            parse_signature(part["payerSignature"]),
            parse_signature(part["sellerSignature"]),
            {name: part[name] for name in (CLAIMS, SEALED) if name in part},
        )


def _parse_voucher(value: Any) -> Voucher:
    parts = parse_object(value, {"index", "amount", "templateHash", "controller", "epoch"})
    return Voucher(
        parse_count(parts["index"]),
        parse_amount(parts["amount"]),
        parse_hash(parts["templateHash"]),
        parse_account(parts["controller"]),
        parse_count(parts["epoch"]),
    )


def check_joint(
    said: Signed, channel: ChannelId, signers: Signers, template: Template, escrow: EscrowDomain
) -> None:
    """Check the joint signature (equation 2): one voucher of this channel, signed by both.

    Args:
        said: of the credential.
        channel: that it has to be of.
        signers: of the channel, in force at its index.
        template: TST of the channel.
        escrow: of the channel.

    Raises:
        PayloadInvalid: of another channel, controller or epoch.
        TemplateSwapped: the voucher names another template.
        BadSignature: a party did not sign it.
    """
    voucher = said.voucher
    for what, had, needed in (
        ("channel", said.channel, channel),
        ("controller", voucher.controller, signers.controller),
        ("epoch", voucher.epoch, signers.epoch),
    ):
        if had != needed:
            raise PayloadInvalid(f"is of another {what}", who=WHO, had=had, needed=needed)
    check_named(template, voucher.template_hash, who="voucher")
    digest = escrow.voucher(channel, voucher)
    check_signature(digest, said.payer_signature, signers.payer_key)
    check_signature(digest, said.seller_signature, signers.seller_key)


def check_said(
    signed: SignedCredential, said: Signed, claims: Mapping[str, Any], template: Template
) -> SettlementClaims:
    """Check what the claims say beside what both signed; signature and period are checked apart.

    Args:
        signed: the TSC.
        said: of it, as `read_settlement` has it.
        claims: in the clear, or as `sealing.unseal` gave them.
        template: TST.

    Raises:
        SchemaMismatch: another template.
        PayloadInvalid: claims of others, that travel otherwise than they say, or a fee above all
            that is owed.
        RefusedInput: claims that are not what the template asks for.
    """
    check_schema(signed.credential, schema_of(template))
    check_claims(claims, template.schema, who="claims")
    found = parse_settlement(claims)
    check_travel(said.carried, found.encryption)
    for role, party, signed_for in (
        ("seller", found.seller, said.seller),
        ("buyer", found.buyer, said.buyer),
    ):
        if not is_same(party, signed_for):
            what = f"has claims of another {role}"
            raise PayloadInvalid(what, who=WHO, had=party, needed=signed_for)
    if found.fee > said.voucher.amount:
        needed = f"<= {said.voucher.amount}, all that is owed"
        raise PayloadInvalid("has a fee that is not in its voucher", who=WHO, needed=needed)
    return found


def check_billed(found: SettlementClaims, trade: Trade, bill: Proposal, voucher: Voucher) -> None:
    """Check that a credential says what its bill said, in every field.

    Args:
        found: its claims, as `check_said` has them.
        trade: of the channel.
        bill: of its index, as both parties had it.
        voucher: in it.

    Raises:
        BilledOtherwise: with the first field that is another.
    """
    needed = parse_settlement(draft_claims(trade, bill))
    said = [("voucher", voucher, bill.voucher)]
    parts = [(each.name, getattr(found, each.name), getattr(needed, each.name)) for each in FIELDS]
    for name, had, expected in (*said, *parts):
        if had != expected:
            who, what = f"credential {bill.voucher.index}", f"says another {name} than its bill"
            raise BilledOtherwise(what, who=who, had=had, needed=expected)


def issue_settlement(
    signer: CredentialSigner,
    facts: Mapping[str, Any],
    said: Signed,
    escrow: EscrowDomain,
    controllers: ControllersDomain,
) -> Issued:
    """Sign a credential, and the issuance of it: once for each index, see the top of the room.

    Args:
        signer: the controller's, with the key of the account that the voucher names.
        facts: as `draft_settlement` has them, of `said`.
        said: both signed it, see `check_joint`.
        escrow: of the channel.
        controllers: where the controller is bonded.

    Raises:
        PayloadInvalid: the voucher names another controller.
        TokenInvalid: the credential is larger than anybody reads.
    """
    if said.voucher.controller != signer.key.address:
        raise PayloadInvalid(
            "names another controller",
            who="voucher",
            had=said.voucher.controller,
            needed=signer.key.address,
        )
    token = signer.sign(facts)
    claim = Claim(said.channel, said.voucher, digest_of(token))
    issuance = controllers.issuance(claim, escrow.voucher(said.channel, said.voucher))
    signature = signer.key.sign(issuance)
    signatures = Signatures(said.payer_signature, said.seller_signature, signature)
    return Issued(token, claim, issuance, signatures)


def check_issuance(
    issued: Issued, said: Signed, escrow: EscrowDomain, controllers: ControllersDomain
) -> None:
    """Check what a controller answered before it is kept.

    Args:
        issued: the answer; `said` is read of its token.
        said: what both signed.
        escrow: of the channel.
        controllers: where the controller is bonded.

    Raises:
        PayloadInvalid: it is an issuance of something else.
        BadSignature: the controller did not sign it.
    """
    claim = Claim(said.channel, said.voucher, digest_of(issued.token))
    digest = controllers.issuance(claim, escrow.voucher(said.channel, said.voucher))
    for what, had, needed in (
        ("credential", issued.claim.credential_hash, claim.credential_hash),
        ("issuance", issued.issuance, digest),
    ):
        if had != needed:
            raise PayloadInvalid(f"is of another {what}", who="issuance", had=had, needed=needed)
    check_signature(digest, issued.signatures.controller, said.voucher.controller)
