"""Signing credentials: `vc+jwt` by the key of an identity.

Source: "Securing Verifiable Credentials using JOSE and COSE", 3.1 (`typ` vc+jwt, `cty` vc, `kid`).
Covered by the signature: the header and every byte of the credential's JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identity.credentials.jose.compact import JwsSigner
from edgemark.identity.credentials.model import CredentialInvalid
from edgemark.identity.did.identifier import Did

TYPE, CONTENT_TYPE = "vc+jwt", "vc"
CONTROLLER = "controller"  # name of the owner's key in every document


class CredentialSigner:
    """Signs what one identity says.

    Args:
        key: one that the issuer's document has, to sign.
        issuer: its DID.
        name: of the key in the document, behind `#`.
    """

    def __init__(self, key: SecretKey, issuer: Did, name: str = CONTROLLER) -> None:
        self.issuer = issuer
        self.kid = f"{issuer}#{name}"
        self.key = key
        self._signer = JwsSigner(key, {"typ": TYPE, "cty": CONTENT_TYPE, "kid": self.kid})

    def sign(self, facts: Mapping[str, Any]) -> str:
        """Sign a credential.

        Args:
            facts: its JSON. What a user wrote has gone through `model.read_credential` before.

        Raises:
            CredentialInvalid: a part has no form in JSON, or a number is beyond 64 bits.
            TokenInvalid: it is larger than anybody reads.
        """
        try:
            return self._signer.sign(orjson.dumps(facts))
        except orjson.JSONEncodeError as error:
            had = str(error)[:80]
            raise CredentialInvalid("cannot be written", who="credential", had=had) from None
