"""A settlement credential as its parties keep it: the credential, and its controller's issuance.

The token alone says nothing to a chain. With the issuance under it whoever has two of one index
shows that their controller signed both (`Controllers.convict`).

    {"format": "edgemark-settlement", "version": 1, "token": "...", "issuance": "0x..."}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.identity.credentials.jose.compact import MAX_TOKEN_BYTES
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.credentials.payloads import parse_signature, write_hex
from edgemark.systems.trading.credentials.settlement import Signed, read_settlement
from edgemark.untrusted.canonical_file import FileForm

SUFFIX = ".settlement"  # of such files


class NoSettlementFile(RefusedInput):
    """A file holds no settlement credential with its issuance."""


FORM = FileForm(
    "edgemark-settlement", 1, "settlement credential", MAX_TOKEN_BYTES + 1024, NoSettlementFile
)


@dataclass(frozen=True)
class KeptSettlement:
    """A settlement credential, read.

    Attributes:
        credential: signed by the controller's DID; its signature is checked apart.
        said: what both parties signed.
        issuance: the controller's signature for the chain, 65 bytes; see `check_issuer`.
    """

    credential: SignedCredential
    said: Signed
    issuance: bytes = field(repr=False)

    @property
    def claim(self) -> Claim:
        """What the chain takes of it."""
        return Claim(self.said.channel, self.said.voucher, self.credential.digest)

    @property
    def signatures(self) -> Signatures:
        """Of all three."""
        return Signatures(self.said.payer_signature, self.said.seller_signature, self.issuance)

    def digest(self, escrow: EscrowDomain, controllers: ControllersDomain) -> Hash32:
        """What its controller signed for the chain."""
        return controllers.issuance(
            self.claim, escrow.voucher(self.said.channel, self.said.voucher)
        )

    def check_issuer(self, escrow: EscrowDomain, controllers: ControllersDomain) -> None:
        """Check that the controller which the voucher names signed the issuance.

        Raises:
            BadSignature: another did.
        """
        signer = self.said.voucher.controller
        check_signature(self.digest(escrow, controllers), self.issuance, signer)


def write_kept(token: str, issuance: bytes) -> bytes:
    """The file of a settlement credential."""
    return FORM.write({"token": token, "issuance": write_hex(issuance)})


def read_kept(raw: bytes) -> KeptSettlement:
    """The settlement credential of a file.

    Raises:
        NoSettlementFile: it is none; nothing of it was checked with a key.
    """
    return FORM.read(raw, _parse, _facts_of)


def _parse(facts: Mapping[str, Any]) -> KeptSettlement:
    credential = read_signed(facts["token"])
    return KeptSettlement(
        credential, read_settlement(credential), parse_signature(facts["issuance"])
    )


def _facts_of(kept: KeptSettlement) -> Mapping[str, Any]:
    return {"token": kept.credential.token, "issuance": write_hex(kept.issuance)}
