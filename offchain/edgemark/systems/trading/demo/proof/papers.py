"""Every credential of a trade, verified by libraries that nothing else here uses for it.

| what                                   | by                                          |
|----------------------------------------|---------------------------------------------|
| the signature around a credential      | `joserfc`, with the key of its issuer's DID |
| both signatures inside a settlement    | `eth_account`, from the typed data as JSON  |
| the issuer's key                       | the registry of identities, asked anew      |
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from coincurve import PublicKey
from eth_account import Account
from eth_account.messages import encode_typed_data
from joserfc import jws
from joserfc.jwk import ECKey

from edgemark.crypto.ethereum.secp256k1 import BadSignature, address_of
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address
from edgemark.identity.credentials.reading import read_signed
from edgemark.receipt import Receipt
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.statements import VOUCHER
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.story.story import ChannelStory

ALGORITHM = "ES256K"
PARITIES = (b"\x00", b"\x01")  # the compact form does not say which
KeyOf = Callable[[str], Address]
"""The account whose key is behind a DID."""


def verify_elsewhere(token: str, account: Address) -> bytes:
    """What was signed, once joserfc has verified it with the key of this account.

    Args:
        token: `vc+jwt`.
        account: of whom it should be.

    Raises:
        BadSignature: another key signed it, or none.
    """
    signed, _, written = token.rpartition(".")
    signature = base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))
    for parity in PARITIES:
        try:
            key = PublicKey.from_signature_and_message(
                signature + parity, hashlib.sha256(signed.encode()).digest(), hasher=None
            )
        except ValueError:
            continue  # no point has this coordinate, or the signature is none
        if address_of(key.format()) == account:
            point = key.format(compressed=False)
            found = jws.deserialize_compact(token, ECKey.import_key(_jwk_of(point)), [ALGORITHM])
            return found.payload
    raise BadSignature("is signed by another key", who="credential", needed=account)


def recover_voucher(kept: KeptSettlement, chain_id: int, escrow: Address) -> tuple[str, str]:
    """Who signed the voucher in a settlement: payer and seller, as eth_account recovers them."""
    said = kept.said
    values = (said.channel, *said.voucher.as_abi())
    message = {name: value for (_, name), value in zip(VOUCHER.fields, values, strict=True)}
    typed: dict[str, Any] = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            VOUCHER.name: [{"name": name, "type": kind} for kind, name in VOUCHER.fields],
        },
        "primaryType": VOUCHER.name,
        "domain": {
            "name": "Edgemark Trading",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": escrow,
        },
        "message": message,
    }
    digest = encode_typed_data(full_message=typed)
    payer, seller = (
        str(Account.recover_message(digest, signature=signature))
        for signature in (said.payer_signature, said.seller_signature)
    )
    return payer, seller


def check_papers(receipt: Receipt, papers: Mapping[str, Sequence[str]], key_of: KeyOf) -> None:
    """Each credential is signed by the key of its issuer.

    Args:
        receipt: gets a check for each kind.
        papers: signed credentials by what they are called.
        key_of: asks the registry of identities.
    """
    for called, tokens in papers.items():
        good = [token for token in tokens if _holds(token, key_of)]
        receipt.require(
            f"{called} verified by joserfc",
            len(good) == len(tokens) and bool(tokens),
            len(good),
            len(tokens) or "some",
        )


def check_vouchers(
    receipt: Receipt, name: str, kept: Sequence[KeptSettlement], story: ChannelStory
) -> None:
    """In each settlement is a voucher that both keys of the channel signed."""
    needed = (story.signers.payer_key, story.signers.seller_key)
    good = sum(recover_voucher(each, story.chain_id, story.escrow) == needed for each in kept)
    receipt.compare(f"{name}: vouchers signed by both, by eth_account", good, len(kept))


def check_first(receipt: Receipt, name: str, story: ChannelStory) -> None:
    """The chain recorded the initiation credential that the terms name, with both parties' word."""
    terms = story.terms
    seen = [
        (each.credential_hash.hex(), each.signers)
        for each in story.evidence
        if each.kind is EvidenceKind.INITIATION
    ]
    needed = [(terms.initiation.hex(), (terms.payer, terms.seller))]
    receipt.compare(f"{name}: evidence of the initiation credential, and its signers", seen, needed)


def check_evidence(
    receipt: Receipt,
    name: str,
    kept: Sequence[KeptSettlement],
    story: ChannelStory,
    most_cycles: int,
) -> None:
    """What the chain recorded are credentials that a party holds: every N-th, and the last.

    Args:
        receipt: gets the checks.
        name: of the run.
        kept: by the seller, in the order of their indices.
        story: of the channel.
        most_cycles: N is never above it.
    """
    held = {each.said.voucher.index: each.credential.digest for each in kept}
    recorded = {
        each.index: each.credential_hash
        for each in story.evidence
        if each.kind is EvidenceKind.SETTLEMENT
    }
    same = {index for index, digest in recorded.items() if held.get(index) == digest}
    receipt.compare(f"{name}: evidence on chain = credentials held", sorted(same), sorted(recorded))
    last = max(held, default=0)
    receipt.compare(f"{name}: newest evidence", max(recorded, default=0), last)
    ends = [0, *sorted(recorded)]
    longest = max((b - a for a, b in pairwise(ends)), default=0)
    receipt.require(
        f"{name}: credentials for one evidence", 0 < longest <= most_cycles, longest, most_cycles
    )


def _holds(token: str, key_of: KeyOf) -> bool:
    try:
        signed = read_signed(token)
        return verify_elsewhere(token, key_of(str(signed.issuer))) == signed.jws.payload
    except EdgemarkError:
        return False


def _jwk_of(point: bytes) -> dict[str, str | list[str]]:
    x, y = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (point[1:33], point[33:]))
    return {"kty": "EC", "crv": "secp256k1", "x": x.decode(), "y": y.decode()}
