"""What a controller hands over is kept only if it is of a voucher that both parties signed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, KEYS
from tests.offchain.systems.trading.credentials.trade_cast import (
    CHANNEL,
    CONTROLLER,
    CONTROLLERS,
    STRANGER,
    TERMS,
    TST,
    VOUCHER,
    did_of,
    say,
    sign,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Tokens
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.systems.trading.contract.evidence.records import Claim
from edgemark.systems.trading.credentials.keeping import KeptCredentials, check_settled
from edgemark.systems.trading.credentials.kept import read_kept
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.messages import Credential

DOMAIN = ChannelDomain(CHAIN_ID, ESCROW)
TOKEN = sign(say()).token
MORE = replace(VOUCHER, index=2, amount=Tokens(5000))


def hand_over(token: str = TOKEN, voucher: Any = VOUCHER, by: SecretKey = CONTROLLER) -> Credential:
    """As a letter brings it, with an issuance of just this."""
    content = token.encode()
    claim = Claim(CHANNEL, voucher, keccak256(content))
    issuance = by.sign(CONTROLLERS.issuance(claim, DOMAIN.voucher(CHANNEL, voucher)))
    return Credential(voucher, content, issuance)


def check(credential: Credential) -> None:
    check_settled(credential, CHANNEL, TERMS.signers, TST, DOMAIN, CONTROLLERS)


def test_credential_of_what_both_signed__is_taken_and_kept(tmp_path: Path) -> None:
    credential = hand_over()
    check(credential)
    shelf = KeptCredentials(tmp_path)
    assert not shelf.holds(CHANNEL, 1)
    shelf.keep(CHANNEL, credential)
    shelf.keep(CHANNEL, credential)
    assert shelf.indices(CHANNEL) == [1]
    (path,) = tmp_path.rglob("1.settlement")
    kept = read_kept(path.read_bytes())
    assert (kept.credential.token, kept.said.voucher) == (TOKEN, VOUCHER)
    kept.check_issuer(DOMAIN, CONTROLLERS)


def forged(**changed: Any) -> str:
    """A credential whose controller signed what its parties did not."""
    said = say(MORE)
    thief = KEYS["a thief"].sign(DOMAIN.voucher(CHANNEL, MORE))
    return sign(replace(said, **{name: thief for name in changed})).token


STRANGE = {
    "not a credential": hand_over("junk"),
    "bytes that are no text": replace(hand_over(), content=b"\xff\xfe"),
    "the issuance of another": hand_over(by=STRANGER),
    "a credential for another voucher": hand_over(voucher=MORE),
    "a voucher that the payer did not sign": hand_over(forged(payer_signature=1), MORE),
    "a voucher that the seller did not sign": hand_over(forged(seller_signature=1), MORE),
    "a credential that another issued": hand_over(
        CredentialSigner(STRANGER, did_of(STRANGER)).sign(
            {**dict(sign(say()).credential.facts), "issuer": str(did_of(STRANGER))}
        )
    ),
    "a credential that another signed": hand_over(TOKEN[: TOKEN.rindex(".")] + "." + "A" * 86),
    "an issuance that was changed": replace(hand_over(), signature=bytes(65)),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a54_what_a_controller_made_up__is_not_taken(what: str) -> None:
    with pytest.raises(EdgemarkError):
        check(STRANGE[what])


def test_older_credentials__go_where_there_are_too_many(tmp_path: Path) -> None:
    shelf = KeptCredentials(tmp_path, most=2)
    for index in (1, 2, 10, 9):
        voucher = replace(VOUCHER, index=index)
        shelf.keep(CHANNEL, hand_over(sign(say(voucher)).token, voucher))
    assert shelf.indices(CHANNEL) == [9, 10]
