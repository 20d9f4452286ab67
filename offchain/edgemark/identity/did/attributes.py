"""Names and values of attributes as keys and services of a document. Pure.

Source: "ETHR DID Method Specification", attributes: `did/pub/ALGORITHM/PURPOSE/ENCODING` and
`did/svc/NAME`; what resolvers make of it, ethr-did-resolver 11.1.3.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, NoReturn

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.identity.did.document import SECP256K1_KEY, Endpoint
from edgemark.words import count

NAME_BYTES = 32
MAX_VALUE_BYTES = 2048  # `Identities.MAX_VALUE_BYTES`
MAX_DEPTH = 16  # of lists and objects in an endpoint; what is deeper stays a text

_NAME = re.compile(r"did/(pub|svc)/(\w+)(?:/(\w+))?(?:/(\w+))?", re.ASCII)
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PURPOSES = {
    "sigAuth": "SignatureAuthentication2018",
    "veriKey": "VerificationKey2018",
    "enc": "KeyAgreementKey2019",
}
_TYPES = {  # of what older writers named by algorithm and purpose
    "Secp256k1VerificationKey2018": SECP256K1_KEY,
    "Secp256k1SignatureAuthentication2018": SECP256K1_KEY,
    "Ed25519SignatureAuthentication2018": "Ed25519VerificationKey2018",
    "Ed25519VerificationKey2018": "Ed25519VerificationKey2018",
    "RSAVerificationKey2018": "RSAVerificationKey2018",
    "X25519KeyAgreementKey2019": "X25519KeyAgreementKey2019",
}


class NameInvalid(RefusedInput):
    """A text does not fit the 32 bytes of a name."""


@dataclass(frozen=True)
class AttributeName:
    """The parts of a name that stands for a key or a service.

    Attributes:
        section: `pub` or `svc`.
        algorithm: of a key; of a service what it is.
        purpose: `sigAuth`, `veriKey`, `enc` or anything; empty when left out.
        encoding: `hex`, `base64`, `base58`, `pem` or anything; empty when left out.
    """

    section: str
    algorithm: str
    purpose: str
    encoding: str

    @property
    def key_type(self) -> str:
        """Type of the key in documents."""
        purpose = _PURPOSES.get(self.purpose, self.purpose)
        return _TYPES.get(f"{self.algorithm}{purpose}", self.algorithm)


def encode_name(text: str) -> Hash32:
    """A name as the registry takes it, filled with zeros.

    Raises:
        NameInvalid: empty, longer than 32 bytes, with a zero at its end, or no UTF-8.
    """
    raw = text.encode(errors="surrogatepass")
    if not 1 <= len(raw) <= NAME_BYTES or decode_name(raw) != text:
        raise NameInvalid(
            "does not fit a name of the registry",
            who="name",
            had=count(len(raw), "byte"),
            needed=f"1 to {NAME_BYTES} bytes of UTF-8",
        )
    return Hash32(raw.ljust(NAME_BYTES, b"\0"))


def decode_name(name: bytes) -> str | None:
    """The text of a name; None when it is none, and then its event says nothing to resolvers."""
    try:
        return name.decode().rstrip("\0")
    except UnicodeDecodeError:
        return None


def parse_name(text: str) -> AttributeName | None:
    """The parts of a name; None when it stands for neither a key nor a service."""
    found = _NAME.fullmatch(text)
    return AttributeName(*(part or "" for part in found.groups())) if found else None


def encode_key(name: AttributeName, value: bytes) -> tuple[str, str] | None:
    """(property of the document, key in that form); None when the value has no such form."""
    match name.encoding:
        case "" | "hex":
            return "publicKeyHex", value.hex()
        case "base64":
            return "publicKeyBase64", b64encode(value).decode()
        case "base58":
            return "publicKeyBase58", encode_base58(value)
        case "pem":
            text = _text_of(value)
            return None if text is None else ("publicKeyPem", text)
        case _:
            return "value", value.hex()


def parse_endpoint_value(value: bytes) -> Endpoint | None:
    """Where a service is: the object or list that was written as JSON, else the text itself.

    Resolvers take a bare number, a truth value or null for itself; DID Core 5.4 knows none of these
    as an endpoint, so here they stay text. None: no text.
    """
    text = _text_of(value)
    if text is None:
        return None
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_parse_float)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, str | dict | list) and _is_flat(found) else text


def encode_base58(value: bytes) -> str:
    """Base58 with Bitcoin's alphabet; a leading zero byte is a `1`."""
    number, text = int.from_bytes(value, "big"), ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        text = _ALPHABET[digit] + text
    zeros = len(value) - len(value.lstrip(b"\0"))
    return _ALPHABET[0] * zeros + text


def decode_base58(text: str) -> bytes:
    """The bytes of a text in Base58.

    Raises:
        ValueError: a digit of another alphabet.
    """
    number = 0
    for digit in text:
        number = number * len(_ALPHABET) + _ALPHABET.index(digit)
    zeros = len(text) - len(text.lstrip(_ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _is_flat(value: object, left: int = MAX_DEPTH) -> bool:
    match value:
        case dict():
            return left > 0 and all(_is_flat(part, left - 1) for part in value.values())
        case list():
            return left > 0 and all(_is_flat(part, left - 1) for part in value)
        case _:
            return True


def _text_of(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and infinities are no JSON


def _parse_float(text: str) -> Any:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
