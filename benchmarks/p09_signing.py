"""P9: how many credentials one core signs a second, by their size (the paper's table II).

A credential of 1, 2 and 4 KB of JSON: serialised, signed by ES256K and put into the compact form,
as `vc+jwt`; beside it, checking such a text by the key of its issuer. The peers do the same with
joserfc and jwcrypto. What the machine can do at most is shown by libsecp256k1 alone, which signs a
digest with nothing around it: nobody who uses it is faster. The target is a time, 1/35,000 s at 1
and 2 KB and 1/30,000 s at 4 KB, so the ratio to it is that of the limit to ours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial

from coincurve import PrivateKey, PublicKey
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws

from benchmarks.command import Scale, main
from benchmarks.findings import Findings, Point
from benchmarks.measuring import measure_in_turn
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identity.credentials.jose.base64url import encode_base64url
from edgemark.identity.credentials.jose.compact import check_compact, parse_compact
from edgemark.identity.credentials.model import CONTEXT, TYPE
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import make_did

SIZES = (1024, 2048, 4096)  # bytes of JSON
LEAST = {1024: 35_000, 2048: 35_000, 4096: 30_000}  # a second
OURS, LIMIT = "edgemark", "the limit"
CHECKING = "edgemark, checking"
ALONE = "libsecp256k1 alone"
KEY = SecretKey(bytes([7]) * 32)
ISSUER = make_did(31337, KEY.address)
SIGNER = CredentialSigner(KEY, ISSUER)
HEADER = {"alg": "ES256K", "typ": "vc+jwt", "cty": "vc", "kid": SIGNER.kid}


def draft(size: int) -> dict[str, object]:
    """A credential whose JSON has this many bytes."""
    readings = {f"meter-{number}": 1_000_003 * number for number in range(20)}
    facts: dict[str, object] = {
        "@context": [CONTEXT],
        "type": [TYPE],
        "issuer": ISSUER.text,
        "validFrom": "2027-01-15T08:00:00Z",
        "credentialSubject": {"id": ISSUER.text, "readings": readings, "note": ""},
    }
    left = size - len(json.dumps(facts, separators=(",", ":")))
    facts["credentialSubject"] = {"id": ISSUER.text, "readings": readings, "note": "x" * left}
    return facts


def jwk() -> dict[str, str | list[str]]:
    """The key as the peers take it."""
    point = PublicKey(KEY.public_key).format(compressed=False)
    x, y, d = (encode_base64url(part).decode() for part in (point[1:33], point[33:], KEY.reveal()))
    return {"kty": "EC", "crv": "secp256k1", "x": x, "y": y, "d": d}


def sign_by_joserfc(facts: dict[str, object], key: ECKey) -> str:
    """The peer's way."""
    payload = json.dumps(facts, separators=(",", ":")).encode()
    return joserfc_jws.serialize_compact(dict(HEADER), payload, key, ["ES256K"])


def sign_by_jwcrypto(facts: dict[str, object], key: jwcrypto_jwk.JWK) -> str:
    """The other peer's way."""
    token = jwcrypto_jws.JWS(json.dumps(facts, separators=(",", ":")).encode())
    token.allowed_algs = ["ES256K"]
    token.add_signature(key, None, json.dumps(HEADER))
    return str(token.serialize(compact=True))


def sign_alone(digest: bytes, key: PrivateKey) -> bytes:
    """Nothing but the signature."""
    return key.sign_recoverable(digest, hasher=None)


def check(token: str) -> None:
    """Take a text apart and check it by its issuer's key."""
    check_compact(parse_compact(token), KEY.address)


def measure(findings: Findings, scale: Scale) -> None:
    """One size after the other."""
    joserfc_key, jwcrypto_key = ECKey.import_key(jwk()), jwcrypto_jwk.JWK(**jwk())
    for size in SIZES[:1] if scale.quick else SIZES:
        scale.tell(f"{size} bytes")
        facts = draft(size)
        subjects: dict[str, Callable[[], object]] = {
            OURS: partial(SIGNER.sign, facts),
            "joserfc": partial(sign_by_joserfc, facts, joserfc_key),
            "jwcrypto": partial(sign_by_jwcrypto, facts, jwcrypto_key),
            CHECKING: partial(check, SIGNER.sign(facts)),
            ALONE: partial(sign_alone, bytes(32), PrivateKey(KEY.reveal())),
        }
        for name in (OURS, "joserfc", "jwcrypto"):
            if len(parse_compact(str(subjects[name]())).payload) != size:
                raise ArithmeticError(f"{name} signs another size")
        findings.add(size, measure_in_turn(subjects, rounds=scale.rounds))
        limit = 1 / LEAST[size]
        findings.points.append(Point(LIMIT, size, limit, limit, limit, "s", 1))
        what = f"sign {size // 1024} KB"
        findings.compare(what, size, OURS, LIMIT, ">= 1")
        findings.compare(what, size, OURS, "joserfc", "> 1")
        findings.compare(what, size, OURS, "jwcrypto", "> 1")
        findings.compare(what, size, OURS, ALONE)
        ours = findings.point(OURS, size).value
        checked, alone = (findings.point(name, size).value for name in (CHECKING, ALONE))
        findings.notes.append(
            f"{size // 1024} KB: {1 / ours:,.0f} signed and {1 / checked:,.0f} checked"
            f" a second by one core; libsecp256k1 alone signs {1 / alone:,.0f} digests here;"
            f" the limit is {LEAST[size]:,} signed"
        )


if __name__ == "__main__":
    sys.exit(main("p09_signing", "signing credentials, by size", "bytes", measure))
