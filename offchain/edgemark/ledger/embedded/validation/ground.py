"""What all checks of a block stand on: configuration, members, the state below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Generic, Protocol, TypeVar

from cryptography import x509

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.definitions import read_definition
from edgemark.ledger.fabric.configuration.configurations import Configuration
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import Member
from edgemark.ledger.fabric.identities.signing import check_signature, parse_identity
from edgemark.ledger.fabric.wire.limits import MAX_IDENTITY_BYTES
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import Rule, parse_policy, resolve
from edgemark.ledger.fabric.wire.read_write_sets import Version

_Kept = TypeVar("_Kept")
MAX_KNOWN = 4096  # identities whose certificates are kept parsed


class WorldState(Protocol):
    """The state below the block; `state.views.StateView` is one."""

    def get(self, namespace: str, key: str) -> tuple[bytes, Version] | None:
        """Value and version of a key."""

    def version(self, namespace: str, key: str) -> Version | None:
        """Version of a key."""

    def versions_of(self, namespace: str, keys: Sequence[str]) -> Mapping[str, Version]:
        """Versions of those of some keys that are there."""

    def versions(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, Version]]:
        """Keys of a range in order, with their versions; `end` is excluded, "" is open."""

    def has_transaction(self, transaction_id: str) -> bool:
        """Whether a transaction of that id stands in a block, valid or not."""


class _Remembered(Generic[_Kept]):
    """What was found out of late: at most MAX_KNOWN, the older half forgotten at once.

    The orderer's door and a commit use it from two threads: no step depends on the one before it.
    """

    def __init__(self) -> None:
        self._young: dict[bytes, _Kept] = {}
        self._old: dict[bytes, _Kept] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: bytes) -> _Kept | None:
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def put(self, key: bytes, value: _Kept) -> None:
        if len(self._young) >= MAX_KNOWN // 2:
            self._old, self._young = self._young, {}
        self._young[key] = value


class Members:
    """The members of one configuration, each of whose certificates is checked once."""

    def __init__(self, configuration: Configuration) -> None:
        """Of that configuration: of its organisations and of the one that orders."""
        orderer = configuration.orderer
        self._organisations = {**configuration.organisations, orderer.msp_id: orderer}
        self._known: _Remembered[tuple[tuple[Member, x509.Certificate] | None]] = _Remembered()
        self._checked: _Remembered[bool] = _Remembered()
        self._makers: _Remembered[bool] = _Remembered()

    def check_signed(self, identity: bytes, message: bytes, signature: bytes) -> Member:
        """The member who signed a message.

        Args:
            identity: `SerializedIdentity` of the signer.
            message: that was signed.
            signature: over it, DER.

        Raises:
            EdgemarkError: it is no member's, was revoked, or has not signed this.
        """
        found = self.find(identity)
        if found is None:
            raise IdentityRefused("is no member of the channel", who="signer")
        member, certificate = found
        # What the orderer's door has checked, validation need not again.
        seal = _digest(identity, signature, message)
        if not self._checked.get(seal):
            check_signature(certificate, message, signature, member.msp_id)
            self._checked.put(seal, True)
        return member

    def note_made(self, identity: bytes, message: bytes, signature: bytes) -> None:
        """Remember a signature that this process itself has just made: it is not checked again.

        The first of each identity is checked like anybody's: its key may be another's. Whether the
        identity is a member's is asked each time that the signature counts.

        Args:
            identity: `SerializedIdentity` of the signer, one of this ledger's own.
            message: that was signed.
            signature: over it, DER.
        """
        if self._makers.get(identity):
            self._checked.put(_digest(identity, signature, message), True)
            return
        try:
            self.check_signed(identity, message, signature)
        except EdgemarkError:
            return  # told where it counts
        self._makers.put(identity, True)

    def find(self, identity: bytes) -> tuple[Member, x509.Certificate] | None:
        """The member of that identity, with its certificate; None for a stranger."""
        if len(identity) > MAX_IDENTITY_BYTES:
            return None
        # By its digest: what strangers send is not kept.
        name = sha256(identity).digest()
        found = self._known.get(name)
        if found is None:
            found = (self._admit(identity),)
            self._known.put(name, found)
        return found[0]

    def _admit(self, identity: bytes) -> tuple[Member, x509.Certificate] | None:
        try:
            msp_id, certificate = parse_identity(identity)
            return self._organisations[msp_id].admit(identity, at=None), certificate
        except (EdgemarkError, KeyError):
            return None


def _digest(*parts: bytes) -> bytes:
    whole = sha256()
    for each in parts:
        whole.update(len(each).to_bytes(8, "big"))
        whole.update(each)
    return whole.digest()


@dataclass
class Ground:
    """What a block is checked against.

    Attributes:
        channel: name of the channel.
        configuration: that counts for this block.
        members: of it.
        state: below the block.
        size: transactions of the block.
        era: of the block; see `eras`.
    """

    channel: str
    configuration: Configuration
    members: Members
    state: WorldState
    size: int = 1
    era: int = 0
    _rules: dict[str, Rule | None] = field(default_factory=dict)

    def rule_of(self, chaincode: str) -> Rule | None:
        """Who has to endorse what a chaincode writes; None when there is no such chaincode.

        Raises:
            MessageMalformed, PolicyRefused: its definition cannot be read.
        """
        if chaincode not in self._rules:
            self._rules[chaincode] = self._find_rule(chaincode)
        return self._rules[chaincode]

    def _find_rule(self, chaincode: str) -> Rule | None:
        definition = read_definition(chaincode, self._read)
        if definition is None:
            return None
        return resolve(parse_policy(definition.policy), self.configuration.organisations)

    def _read(self, key: str) -> bytes | None:
        found = self.state.get(LIFECYCLE, key)
        return None if found is None else found[0]
