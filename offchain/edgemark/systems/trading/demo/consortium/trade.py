"""Settlements of one channel, signed by payer, seller and controller for a chain, without one.

What evidence is about needs no chain: three keys, two templates, a credential around each voucher.
Whether the channel was ever opened, a registry of evidence never asks, on whichever ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.files import OWNER_ONLY_FILE, make_private_folder, write_whole
from edgemark.identifiers import Hash32, Tokens, parse_address
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import make_did
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import SettlementPiece
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.credentials.kept import SUFFIX, write_kept
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.sealing import carry
from edgemark.systems.trading.credentials.settlement import (
    Issued,
    Signed,
    draft_settlement,
    issue_settlement,
)
from edgemark.systems.trading.demo.market import draft_templates
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.templates.template import Template

CHAIN_ID = 31337
FEE, UNITS, INTERVAL_S = Tokens(10**16), 1000, 60


@dataclass
class SignedTrade:
    """A channel, its three parties, and what they settled.

    Attributes:
        domains: chain and contracts that everything is signed for.
        payer, seller, controller: their keys.
        channel: its id.
        begun: Unix second of the first settlement.
        template: TST.
        settled: how many there are.
    """

    domains: EvmDomains
    payer: SecretKey = field(repr=False)
    seller: SecretKey = field(repr=False)
    controller: SecretKey = field(repr=False)
    channel: ChannelId
    begun: int
    template: Template
    settled: int = 0

    @classmethod
    def begin(
        cls, begun: int, randomness: Randomness | None = None, domains: EvmDomains | None = None
    ) -> SignedTrade:
        """New parties with a new channel, for these contracts or such at addresses drawn for it."""
        drawn = randomness or Randomness()
        seller = SecretKey.generate(drawn)
        if domains is None:
            domains = EvmDomains(CHAIN_ID, *[parse_address(drawn.octets(20)) for _ in range(3)])
        return cls(
            domains=domains,
            payer=SecretKey.generate(drawn),
            seller=seller,
            controller=SecretKey.generate(drawn),
            channel=ChannelId(keccak256(drawn.octets(32))),
            begun=begun,
            template=draft_templates(make_did(domains.chain_id, seller.address)).settlement,
        )

    def settle(self) -> Issued:
        """The next settlement: both sign a voucher, the controller issues the credential."""
        self.settled += 1
        index = self.settled
        voucher = Voucher(
            index, Tokens(FEE * index), Hash32(self.template.version_id), self.controller.address
        )
        digest = self.domains.of_vouchers.voucher(self.channel, voucher)
        said = Signed(
            seller=make_did(self.domains.chain_id, self.seller.address),
            buyer=make_did(self.domains.chain_id, self.payer.address),
            channel=self.channel,
            voucher=voucher,
            payer_signature=self.payer.sign(digest),
            seller_signature=self.seller.sign(digest),
            carried=carry(self._claims(index)),
        )
        issuer = make_did(self.domains.chain_id, self.controller.address)
        period = Period(self.begun + INTERVAL_S * index)
        facts = draft_settlement(said, self.template, issuer, period)
        signer = CredentialSigner(self.controller, issuer)
        domains = self.domains
        return issue_settlement(signer, facts, said, domains.of_vouchers, domains.of_issuances)

    def settle_into(self, folder: Path) -> tuple[Issued, Path]:
        """The next settlement, in a file as its parties keep it."""
        issued = self.settle()
        make_private_folder(folder)
        path = folder / f"{issued.claim.voucher.index}{SUFFIX}"
        raw = write_kept(issued.token, issued.signatures.controller)
        write_whole(path, raw, mode=OWNER_ONLY_FILE)
        return issued, path

    def _claims(self, index: int) -> Mapping[str, Any]:
        seller, buyer = (
            str(make_did(self.domains.chain_id, key.address)) for key in (self.seller, self.payer)
        )
        return {
            "template": self.template.constant("template"),
            **{"seller": seller, "buyer": buyer, "fee": str(FEE), "encryption": "none"},
            **{
                "start": self.begun + INTERVAL_S * (index - 1),
                "end": self.begun + INTERVAL_S * index,
            },
            "readings": {"before": [str(UNITS * (index - 1))], "after": [str(UNITS * index)]},
        }


def piece_of(issued: Issued) -> SettlementPiece:
    """A settlement as registries take it."""
    return SettlementPiece(issued.claim, issued.signatures)
