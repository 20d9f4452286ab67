"""A registration that its participant signs and anybody sends: who has no gas asks a relayer.

The statement is EIP-712, for one registry on one chain, with the account's nonce and a deadline. It
travels as a JSON file, which holds nothing secret: the registry shows all of it afterwards.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import BadSignature, SecretKey, check_signature
from edgemark.errors import RefusedInput
from edgemark.files import read_limited, write_whole
from edgemark.identifiers import (
    NO_HASH,
    NOBODY,
    Address,
    Hash32,
    Timestamp,
    parse_address,
    parse_hash32,
)
from edgemark.identity.records import Role, find_role
from edgemark.identity.resources import Resources
from edgemark.identity.statements import RegistryDomain
from edgemark.transport.asking.endpoint import parse_endpoint
from edgemark.untrusted.statement_form import StatementForm

MAX_FILE_BYTES = 8 * 1024
NO_RESOURCES = Resources(0, 0, 0, 0)


class RegistrationInvalid(RefusedInput):
    """The file holds no signed registration, or one for another chain or registry."""


FORM = StatementForm(
    version=1,
    what="is no signed registration",
    refusal=RegistrationInvalid,
    remedy="Write it with `edgemark account register --sign-only`.",
)


@dataclass(frozen=True)
class Registration:
    """What an account asks for (`IParticipantRegistry.Registration`).

    Attributes:
        role: any but NONE.
        provider: of a server; it must have admitted the account.
        pin: SHA-256 of the SubjectPublicKeyInfo of a server's TLS key.
        endpoint: https URL of a server, without path.
        name: of a provider, 1 to 64 bytes.
        resources: of a server.
    """

    role: Role
    provider: Address = NOBODY
    pin: Hash32 = NO_HASH
    endpoint: str = ""
    name: str = ""
    resources: Resources = NO_RESOURCES

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        texts = (self.endpoint, self.name)
        return (int(self.role), self.provider, self.pin, *texts, self.resources.as_abi())

    def sign(
        self, key: SecretKey, domain: RegistryDomain, nonce: int, deadline: Timestamp
    ) -> SignedRegistration:
        """Sign it for one registry.

        Args:
            key: of the account to be registered.
            domain: of the registry.
            nonce: the account's present one there.
            deadline: last second at which it counts, chain time.

        Raises:
            RefusedInput: a server's endpoint is none.
        """
        if self.endpoint:
            parse_endpoint(self.endpoint)
        parts = self.as_abi()[:-1]
        values = (key.address, *parts, *self.resources.as_abi(), nonce, int(deadline))
        signature = key.sign(domain.registration(values))
        return SignedRegistration(
            self, key.address, domain.chain_id, domain.contract, nonce, deadline, signature
        )


@dataclass(frozen=True)
class SignedRegistration:
    """A registration, by whom, for where, until when, and the signature.

    Attributes:
        wanted: what is asked for.
        account: who signed.
        chain_id: of the registry.
        registry: the contract.
        nonce: of the account when it signed.
        deadline: last second at which it counts, chain time.
        signature: 65 bytes r || s || v.
    """

    wanted: Registration
    account: Address
    chain_id: int
    registry: Address
    nonce: int
    deadline: Timestamp
    signature: bytes

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return self.wanted.as_abi()

    def check(self, domain: RegistryDomain) -> None:
        """Check that it is meant for this registry and signed by its account.

        Raises:
            RegistrationInvalid: it is not, so that sending it would cost gas for nothing.
        """
        meant, there = (self.chain_id, self.registry), (domain.chain_id, domain.contract)
        if meant != there:
            raise RegistrationInvalid(
                "is for another registry",
                who=self.account,
                had="chain {} at {}".format(*meant),
                needed="chain {} at {}".format(*there),
                remedy="Sign it again with the manifest of this chain.",
            )
        parts = self.wanted.as_abi()[:-1]
        numbers = (*self.wanted.resources.as_abi(), self.nonce, int(self.deadline))
        digest = domain.registration((self.account, *parts, *numbers))
        try:
            check_signature(digest, self.signature, self.account)
        except BadSignature as bad:
            raise RegistrationInvalid(
                "is not signed by its account",
                who="registration",
                had=bad.had,
                needed=self.account,
                remedy="Ask for the file as the account wrote it.",
            ) from bad

    def as_json(self) -> dict[str, Any]:
        """The facts of the file, but for its version."""
        told = {"role": self.wanted.role.name, "pin": self.wanted.pin.hex()}
        wanted = {**asdict(self.wanted), **told}
        return {**asdict(self), "wanted": wanted, "signature": self.signature.hex()}

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all; of equal registrations it has equal bytes."""
        write_whole(path, FORM.write(self.as_json()))

    @classmethod
    def load(cls, path: Path) -> SignedRegistration:
        """Read a file that `save` wrote; nothing else may be in it.

        Raises:
            RegistrationInvalid: cannot be read, or is none.
        """
        raw = read_limited(path, MAX_FILE_BYTES, RegistrationInvalid)
        return FORM.parse(raw, path, _from_json, SignedRegistration.as_json)


def _from_json(facts: Any) -> SignedRegistration:
    wanted, offered = facts["wanted"], facts["wanted"]["resources"]
    resources = Resources(**{part.name: int(offered[part.name]) for part in fields(Resources)})
    texts = wanted["endpoint"], wanted["name"]
    role = find_role(wanted["role"])
    if role is None:
        raise KeyError(wanted["role"])
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("endpoint and name are texts")
    return SignedRegistration(
        wanted=Registration(
            role,
            parse_address(wanted["provider"], who="provider"),
            parse_hash32(wanted["pin"], who="pin"),
            *texts,
            resources,
        ),
        account=parse_address(facts["account"], who="account"),
        chain_id=int(facts["chain_id"]),
        registry=parse_address(facts["registry"], who="registry"),
        nonce=int(facts["nonce"]),
        deadline=Timestamp(int(facts["deadline"])),
        signature=bytes.fromhex(facts["signature"]),
    )
