"""A DID document as typed values, and as the JSON that resolvers answer. Pure.

Source: DID Core 5 (properties); "ETHR DID Method Specification" (contexts, types of keys).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONTEXTS = (
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/suites/secp256k1recovery-2020/v2",
    "https://w3id.org/security/v3-unstable",
)
RECOVERY_METHOD = "EcdsaSecp256k1RecoveryMethod2020"
SECP256K1_KEY = "EcdsaSecp256k1VerificationKey2019"

Endpoint = str | dict[str, Any] | list[Any]


@dataclass(frozen=True)
class VerificationMethod:
    """A key, or the account of one.

    Attributes:
        id: the DID, `#` and a name within the document.
        type: of the key.
        form: name of the property that holds it: `blockchainAccountId`, `publicKeyHex` ...
        key: in that form.
    """

    id: str
    type: str
    form: str
    key: str

    def as_json(self, controller: str) -> dict[str, str]:
        """As it stands in the document of `controller`."""
        return {"id": self.id, "type": self.type, "controller": controller, self.form: self.key}


@dataclass(frozen=True)
class Service:
    """Where something is to be had.

    Attributes:
        endpoint: a text, or the JSON object or list that was written.
    """

    id: str
    type: str
    endpoint: Endpoint

    def as_json(self) -> dict[str, Any]:
        """As it stands in the document."""
        return {"id": self.id, "type": self.type, "serviceEndpoint": self.endpoint}


@dataclass(frozen=True)
class DidDocument:
    """What an identity says of itself at one time.

    Attributes:
        id: the DID as it was asked for.
        methods: all keys; none when the identity was deactivated.
        authentication, assertion_method, key_agreement: ids of those that may be used so.
        services: in the order in which they were first said.
    """

    id: str
    methods: tuple[VerificationMethod, ...] = ()
    authentication: tuple[str, ...] = ()
    assertion_method: tuple[str, ...] = ()
    key_agreement: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The JSON-LD document; empty lists are left out where resolvers do it."""
        document: dict[str, Any] = {
            "@context": list(CONTEXTS),
            "id": self.id,
            "verificationMethod": [method.as_json(self.id) for method in self.methods],
            "authentication": list(self.authentication),
            "assertionMethod": list(self.assertion_method),
        }
        if self.key_agreement:
            document["keyAgreement"] = list(self.key_agreement)
        if self.services:
            document["service"] = [service.as_json() for service in self.services]
        return document
