"""The credential of a voucher that both parties signed: what it says, and the controller's words.

| paper (EFSC) V-D, phase 2            | here                                        |
|--------------------------------------|---------------------------------------------|
| V_claim: both DIDs, data             | `carry_bill`: the bill of both, or what its |
|                                      | seller sealed of it, which nobody here reads |
| C_proof, joint                       | both signatures under the `Voucher`         |
| issued by the TCC                    | `Issuer.issue`: `vc+jwt`, and `Issuance`    |

Nothing is remembered here: one credential for an index is the business of `desk`. What comes out
bears signatures, so it is written down before it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.identity.credentials.jose.compact import check_compact
from edgemark.identity.credentials.legacy import sign_legacy
from edgemark.identity.credentials.model import Credential as Statement
from edgemark.identity.credentials.model import read_credential
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import Did, is_same
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.controller.checking import NotIssued
from edgemark.systems.trading.controller.recording.lists import EvidencePiece
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.credentials.payloads import SETTLEMENT as KIND
from edgemark.systems.trading.credentials.payloads import PayloadInvalid, Period, subjects_of
from edgemark.systems.trading.credentials.sealing import (
    CLAIMS,
    SEALED,
    TravelsOtherwise,
    carry,
    check_readers,
)
from edgemark.systems.trading.credentials.settlement import (
    Signed,
    Trade,
    draft_claims,
    draft_settlement,
    issue_settlement,
    read_settlement,
)
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.messages import (
    MAX_SEALED_BILL_BYTES,
    Credential,
    Settlement,
)
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.templates.schema import check_claims
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly


class Issuer:
    """Makes the credentials of one controller; for any thread.

    Args:
        key: of the account, which is also the key of its DID.
        did: of the account.
        escrow, controllers: of what is signed.
    """

    def __init__(
        self, key: SecretKey, did: Did, escrow: ChannelDomain, controllers: ControllersDomain
    ) -> None:
        self._signer = CredentialSigner(key, did)
        self._escrow = escrow
        self._controllers = controllers

    def check(self, trade: Trade, settlement: Settlement) -> None:
        """Check that there is a credential of this bill: before its index is given to it.

        Sealed claims are not read: what anybody sees of them is checked, and that both parties can
        have them.

        Raises:
            NotIssued: its claims are not what the template asks for, or do not travel as the
                initiation credential says.
        """
        try:
            carried = carry_bill(trade, settlement)
            if trade.encryption is Encryption.NONE:
                claims, template = carried[CLAIMS], trade.template
                check_claims(claims, template.schema, who="claims", text=template.text)
            else:
                check_readers(carried, (trade.seller, trade.buyer))
        except RefusedInput as error:
            who, had, needed = error.who or "bill", error.had, error.needed
            raise NotIssued(
                f"makes no credential: {error.what}", who=who, had=had, needed=needed
            ) from error

    def issue(
        self, channel: ChannelId, settlement: Settlement, trade: Trade, at: int
    ) -> Credential:
        """The credential, signed by the DID and for the chain.

        Args:
            channel: whose.
            settlement: both signed it, see `checking`.
            trade: of the channel.
            at: from when it is valid, Unix seconds.

        Raises:
            PayloadInvalid: the voucher names another controller.
        """
        said = Signed(
            trade.seller,
            trade.buyer,
            channel,
            settlement.proposal.voucher,
            settlement.payer_signature,
            settlement.proposal.signature,
            carry_bill(trade, settlement),
        )
        facts = draft_settlement(said, trade.template, self._signer.issuer, Period(at))
        made = issue_settlement(self._signer, facts, said, self._escrow, self._controllers)
        return Credential(said.voucher, made.token.encode(), made.signatures.controller)

    def sign_legacy(self, token: str) -> str:
        """The 1.1 form of a credential that this controller issued.

        Whoever has the credential may have it in this form: it says nothing else.

        Raises:
            RefusedInput: it is no settlement credential of this controller.
            BadSignature: another signed it.
        """
        signed, signer = read_signed(token), self._signer
        if not is_same(signed.issuer, signer.issuer):
            raise NotIssued(
                "is issued by another", who="credential", had=signed.issuer, needed=signer.issuer
            )
        check_compact(signed.jws, signer.key.address)
        subjects = subjects_of(signed, KIND, 2)
        return sign_legacy(_of_one(signed.credential, subjects), signer.key, signer.kid)


def carry_bill(trade: Trade, settlement: Settlement) -> dict[str, Any]:
    """A bill as its credential has it: in the clear, or as its seller sealed it.

    Raises:
        TravelsOtherwise: it is in the clear where it has to be sealed, or the other way round.
        PayloadInvalid: what is sealed is no object.
    """
    is_sealed = trade.encryption is Encryption.JWE
    if is_sealed is not bool(settlement.sealed):
        had = "sealed" if settlement.sealed else "in the clear"
        needed = trade.encryption.value
        raise TravelsOtherwise(
            "travels otherwise than was agreed", who="bill", had=had, needed=needed
        )
    if not is_sealed:
        return carry(draft_claims(trade, settlement.proposal))
    try:
        return {SEALED: parse_object_strictly(settlement.sealed, most=MAX_SEALED_BILL_BYTES)}
    except NotThatFormat as error:
        raise PayloadInvalid("is no encrypted text", who="bill", had=error) from None


def _of_one(credential: Statement, subjects: list[Mapping[str, Any]]) -> Statement:
    """The same about its seller alone, which a JWT of the 1.1 form has room for (`sub`)."""
    seller, buyer = subjects
    one = {**seller, "buyer": buyer["id"]}
    return read_credential({**credential.facts, "credentialSubject": one})


def evidence_of(credential: Credential) -> EvidencePiece:
    """A credential that was issued, as evidence has it: all of it stands in its own text."""
    signed = read_signed(credential.content.decode())
    kept = KeptSettlement(signed, read_settlement(signed), credential.signature)
    return EvidencePiece(kept.claim, kept.signatures)
