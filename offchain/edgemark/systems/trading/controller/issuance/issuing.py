"""The credential of a voucher that both parties signed: what it says, and the controller's words.

| paper (EFSC) V-D, phase 2            | here                                        |
|--------------------------------------|---------------------------------------------|
| V_claim: both DIDs, data             | `draft_claims`: the bill of both           |
| C_proof, joint                       | both signatures under the `Voucher`         |
| issued by the TCC                    | `Issuer.issue`: `vc+jwt`, and `Issuance`    |

Nothing is remembered here: one credential for an index is the business of `desk`. What comes out
bears signatures, so it is written down before it leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput
from edgemark.identity.credentials.jose.compact import check_compact
from edgemark.identity.credentials.jose.encryption import Reader
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
from edgemark.systems.trading.credentials.payloads import Period, subjects_of
from edgemark.systems.trading.credentials.sealing import carry, seal
from edgemark.systems.trading.credentials.settlement import (
    Signed,
    draft_settlement,
    issue_settlement,
    read_settlement,
)
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.messages import Credential, Proposal, Settlement
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.templates.schema import check_claims
from edgemark.systems.trading.templates.template import Template


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
    """The claims of a settlement credential: the bill of an interval, as both parties had it."""
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


class Issuer:
    """Makes the credentials of one controller; for any thread.

    Args:
        key: of the account, which is also the key of its DID.
        did: of the account.
        escrow, controllers: of what is signed.
        reader_of: the key for agreement of a party, as the chain has it now; raises a
            `RefusedInput` where it has none.
        randomness: of what is sealed.
    """

    def __init__(
        self,
        key: SecretKey,
        did: Did,
        escrow: ChannelDomain,
        controllers: ControllersDomain,
        reader_of: Callable[[Did], Reader],
        randomness: Randomness | None = None,
    ) -> None:
        self._signer = CredentialSigner(key, did)
        self._escrow = escrow
        self._controllers = controllers
        self._reader_of = reader_of
        self._randomness = randomness or Randomness()

    def check(self, trade: Trade, proposal: Proposal) -> None:
        """Check that there is a credential of this bill: before its index is given to it.

        Raises:
            NotIssued: its claims are not what the template asks for, or a party has no key to
                which they could be sealed.
        """
        claims, template = draft_claims(trade, proposal), trade.template
        try:
            check_claims(claims, template.schema, who="claims", text=template.text)
            self._readers(trade)
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
            RefusedInput: a party has no key any more to which it could be sealed.
            PayloadInvalid: the voucher names another controller.
        """
        said = Signed(
            trade.seller,
            trade.buyer,
            channel,
            settlement.proposal.voucher,
            settlement.payer_signature,
            settlement.proposal.signature,
            self._carry(trade, settlement.proposal),
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

    def _carry(self, trade: Trade, proposal: Proposal) -> dict[str, Any]:
        claims = draft_claims(trade, proposal)
        if trade.encryption is Encryption.NONE:
            return carry(claims)
        return seal(claims, self._readers(trade), self._randomness)

    def _readers(self, trade: Trade) -> list[Reader]:
        if trade.encryption is Encryption.NONE:
            return []
        return [self._reader_of(trade.seller), self._reader_of(trade.buyer)]


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
