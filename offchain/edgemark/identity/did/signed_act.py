"""An act that the owner of an identity signed, as a file that anybody sends and pays the gas for.

It holds nothing secret: the chain shows all of it afterwards. It counts at one registry on one
chain, once, until a deadline, and only while nothing else of the identity has changed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import BadSignature, SecretKey, check_signature
from edgemark.errors import RefusedInput
from edgemark.files import read_limited, write_whole
from edgemark.identifiers import Address, Timestamp, parse_address
from edgemark.identity.did.acts import ACTS, Act, digest_of
from edgemark.identity.did.attributes import MAX_VALUE_BYTES, decode_name, encode_name
from edgemark.identity.did.statements import IdentityDomain
from edgemark.untrusted.statement_form import StatementForm

MAX_FILE_BYTES = 8 * 1024  # a value takes two digits a byte
LONGEST = 2**256
KINDS = {kind.__name__: kind for kind in ACTS}


class StatementInvalid(RefusedInput):
    """The file holds no signed statement about an identity, or one that does not count here."""


FORM = StatementForm(
    version=1,
    what="is no signed statement about an identity",
    refusal=StatementInvalid,
    remedy="Its owner writes it with --sign-only, as in `edgemark identity rotate`.",
)


@dataclass(frozen=True)
class SignedAct:
    """An act, who signed it, for where, until when, and the signature.

    Attributes:
        act: what is to be done.
        signer: the owner of the identity when it signed.
        chain_id: of the registry.
        registry: the contract.
        nonce: of the identity when it was signed.
        deadline: last second at which it counts, chain time.
        signature: 65 bytes r || s || v.
    """

    act: Act
    signer: Address
    chain_id: int
    registry: Address
    nonce: int
    deadline: Timestamp
    signature: bytes

    @classmethod
    def sign(
        cls, act: Act, key: SecretKey, domain: IdentityDomain, nonce: int, deadline: Timestamp
    ) -> SignedAct:
        """Sign an act for one registry; for the other arguments see `digest_of`."""
        signature = key.sign(digest_of(act, domain, nonce, deadline))
        place = domain.chain_id, domain.contract
        return cls(act, key.address, *place, nonce, deadline, signature)

    def check(self, domain: IdentityDomain) -> None:
        """Check that it is meant for this registry and signed by whom it names.

        Raises:
            StatementInvalid: it is not, so that sending it would cost gas for nothing.
        """
        meant, there = (self.chain_id, self.registry), (domain.chain_id, domain.contract)
        if meant != there:
            raise StatementInvalid(
                "is for another registry",
                who="statement",
                had="chain {} at {}".format(*meant),
                needed="chain {} at {}".format(*there),
                remedy="Send it on its own chain: see the settings [identity].",
            )
        digest = digest_of(self.act, domain, self.nonce, self.deadline)
        try:
            check_signature(digest, self.signature, self.signer)
        except BadSignature as bad:
            raise StatementInvalid(
                "is not signed by whom it names",
                who="statement",
                had=bad.had,
                needed=self.signer,
                remedy="Ask for the file as its owner wrote it.",
            ) from bad

    def as_json(self) -> dict[str, Any]:
        """The facts of the file, but for its version."""
        facts = {part.name: _write(getattr(self.act, part.name)) for part in fields(self.act)}
        for name in {"name", "kind"} & facts.keys():
            facts[name] = _text_of(getattr(self.act, name))
        return {
            "statement": type(self.act).__name__,
            "act": facts,
            "signer": self.signer,
            "chain_id": self.chain_id,
            "registry": self.registry,
            "nonce": self.nonce,
            "deadline": int(self.deadline),
            "signature": self.signature.hex(),
        }

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all; of equal statements it has equal bytes."""
        write_whole(path, FORM.write(self.as_json()))

    @classmethod
    def load(cls, path: Path) -> SignedAct:
        """Read a file that `save` wrote; nothing else may be in it.

        Raises:
            StatementInvalid: cannot be read, or is none.
        """
        raw = read_limited(path, MAX_FILE_BYTES, StatementInvalid)
        return FORM.parse(raw, path, _from_json, SignedAct.as_json)


def _from_json(facts: Any) -> SignedAct:
    kind, told = KINDS[facts["statement"]], facts["act"]
    values = {part.name: _read(part.name, told[part.name]) for part in fields(kind)}
    return SignedAct(
        act=kind(**values),
        signer=parse_address(facts["signer"], who="signer"),
        chain_id=_integer(facts["chain_id"]),
        registry=parse_address(facts["registry"], who="registry"),
        nonce=_integer(facts["nonce"]),
        deadline=Timestamp(_integer(facts["deadline"])),
        signature=bytes.fromhex(facts["signature"]),
    )


def _write(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


def _read(name: str, value: Any) -> Any:
    match name:
        case "kind" | "name":
            return encode_name(value)
        case "value":
            found = bytes.fromhex(value)
            if not 1 <= len(found) <= MAX_VALUE_BYTES:
                raise ValueError(f"value of {len(found)} bytes")
            return found
        case "valid_to":
            return Timestamp(_integer(value))
        case _:
            return parse_address(value, who=name)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LONGEST:
        raise ValueError("no whole number that a contract takes")
    return value


def _text_of(name: bytes) -> str:
    text = decode_name(name)
    if text is None:
        raise StatementInvalid(
            "is no text, so that no file has it", who="name", had=name.hex(), needed="UTF-8"
        )
    return text
