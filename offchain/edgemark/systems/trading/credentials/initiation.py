"""The credential that begins a trade (TIC): asked by the buyer, issued by the seller.

Source: EFSC IV-B.2. Its digest stands in the terms of the channel, so whoever signs the terms has
agreed to it; the channel's id, which is the hash of the terms, can so not stand in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Hash32
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.schema import check_schema
from edgemark.identity.did.identifier import Did, is_same
from edgemark.systems.trading.contract.evidence.statements import EvidenceDomain
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.credentials.payloads import (
    INITIATION,
    PayloadInvalid,
    Period,
    frame,
    party_of,
    schema_of,
    subjects_of,
)
from edgemark.systems.trading.credentials.sealing import check_travel, claims_in
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.templates.initiation import InitiationClaims, parse_initiation
from edgemark.systems.trading.templates.schema import check_claims
from edgemark.systems.trading.templates.template import Template, check_named, check_pair

PART = "initiation"


@dataclass(frozen=True)
class Templates:
    """The two templates of a trade, checked to belong together.

    Attributes:
        initiation: TIT.
        settlement: TST.
    """

    initiation: Template
    settlement: Template

    def __post_init__(self) -> None:
        check_pair(self.initiation, self.settlement)


def draft_initiation(
    carried: Mapping[str, Any],
    template: Template,
    seller: Did,
    buyer: Did,
    period: Period,
    *,
    status: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What the seller signs.

    Args:
        carried: the claims, as `sealing.carry` or `sealing.seal` has them.
        template: TIT.
        seller: issuer.
        buyer: whom it is about.
        period: when the buyer may open a channel with it.
        status: entries of the seller's lists.
    """
    subject = {"id": str(buyer), PART: dict(carried)}
    return frame(INITIATION, seller, subject, period, template=template, status=status)


def carried_in(signed: SignedCredential) -> Mapping[str, Any]:
    """The part with the claims, in the clear or sealed.

    Raises:
        PayloadInvalid: of another kind, or without such a part.
    """
    (subject,) = subjects_of(signed, INITIATION, 1)
    part = subject.get(PART)
    if not isinstance(part, dict):
        raise PayloadInvalid("lacks a part", who="credential", needed=PART)
    claims_in(part)
    return part


def check_initiation(
    signed: SignedCredential, claims: Mapping[str, Any], templates: Templates, terms: Terms
) -> InitiationClaims:
    """Check that a credential begins the trade of these terms; its signature is checked apart.

    Args:
        signed: the TIC.
        claims: of it, in the clear, or as `sealing.unseal` gave them.
        templates: of the trade.
        terms: that both sign.

    Raises:
        PayloadInvalid: the terms have another digest, or seller and buyer are not those of it.
        SchemaMismatch, TemplateSwapped: another template.
        TravelsOtherwise: they say that they are sealed, and are not, or the other way round.
        RefusedInput: claims that are not what the template asks for.
    """
    _check_digest(signed.digest, terms.initiation)
    check_schema(signed.credential, schema_of(templates.initiation))
    check_named(templates.initiation, terms.initiation_template, who="terms, initiation template")
    check_named(templates.settlement, terms.settlement_template, who="terms, settlement template")
    check_claims(claims, templates.initiation.schema, who="claims")
    agreed = parse_initiation(claims)
    check_travel(carried_in(signed), agreed.encryption)
    (subject,) = subjects_of(signed, INITIATION, 1)
    for what, had, needed in (
        ("issuer", signed.issuer, agreed.seller),
        ("subject", party_of(subject), agreed.buyer),
    ):
        if not is_same(had, needed):
            what_is_wrong = f"has another {what} than its claims say"
            raise PayloadInvalid(what_is_wrong, who="credential", had=had, needed=needed)
    return agreed


def sign_evidence(key: SecretKey, domain: EvidenceDomain, channel: ChannelId, token: str) -> bytes:
    """A party's signature under the evidence of a channel's initiation credential; 65 bytes."""
    return key.sign(domain.initiation(channel, digest_of(token)))


def _check_digest(had: Hash32, needed: Hash32) -> None:
    if had != needed:
        raise PayloadInvalid(
            "is not the one that the terms name",
            who="initiation credential",
            had=had,
            needed=needed,
        )
