"""From what happened to an identity to its document, at any version or time. Pure.

Law 1: for the same events it answers what ethr-did-resolver 11.1.3 answers, but for this: a key for
       agreement that was revoked, or is no longer valid, is not referred to any more (there it
       is); an endpoint that is a bare number, truth value or null stays text.
Law 2: what is valid until a second is valid in that second.
Law 3: nothing that comes after a deactivation changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from edgemark.identifiers import NO_TIME, NOBODY, Address, Timestamp
from edgemark.identity.did.attributes import (
    AttributeName,
    decode_name,
    encode_key,
    parse_endpoint_value,
    parse_name,
)
from edgemark.identity.did.document import (
    RECOVERY_METHOD,
    SECP256K1_KEY,
    DidDocument,
    Service,
    VerificationMethod,
)
from edgemark.identity.did.events import (
    Change,
    DIDAttributeChanged,
    DIDDelegateChanged,
    DIDOwnerChanged,
)
from edgemark.identity.did.identifier import Did, format_second

Key = tuple[str, ...]  # what a later event has to name to replace or end an earlier one


@dataclass(frozen=True)
class DatedChange:
    """Something that happened to an identity, and the time of its block, Unix seconds."""

    change: Change
    at: Timestamp

    @property
    def block(self) -> int:
        """Number of its block: the version that it began."""
        return self.change.at.block_number


@dataclass(frozen=True)
class Latest:
    """The newest version.

    Attributes:
        now: Unix seconds; keys that were valid until before are left out.
    """

    now: Timestamp


@dataclass(frozen=True)
class AtBlock:
    """The version that counted at the end of a block.

    Attributes:
        number: of the block.
        now: its time, Unix seconds.
    """

    number: int
    now: Timestamp


@dataclass(frozen=True)
class AtTime:
    """The version that counted at a second.

    Attributes:
        now: Unix seconds, not after the newest block.
    """

    now: Timestamp


View = Latest | AtBlock | AtTime


@dataclass(frozen=True)
class DocumentMetadata:
    """Of which version a document is (DID Core 7.1.3).

    Attributes:
        is_deactivated: for good.
        version: the last change that counts; None when there is none.
        next_version: the first change after it; None when there is none.
    """

    is_deactivated: bool = False
    version: DatedChange | None = None
    next_version: DatedChange | None = None

    def as_json(self) -> dict[str, Any]:
        """What there is of it, versions by the number of their block."""
        facts: dict[str, Any] = {"deactivated": True} if self.is_deactivated else {}
        if self.version is not None:
            facts["versionId"] = str(self.version.block)
            facts["updated"] = format_second(self.version.at)
        if self.next_version is not None:
            facts["nextVersionId"] = str(self.next_version.block)
            facts["nextUpdate"] = format_second(self.next_version.at)
        return facts


@dataclass(frozen=True)
class Resolution:
    """A document and which version it is."""

    document: DidDocument
    metadata: DocumentMetadata


def build_document(did: Did, changes: Sequence[DatedChange], view: View) -> Resolution:
    """The document of an identity as it was.

    Args:
        did: as it was asked for.
        changes: all changes of the identity, in the order of the chain.
        view: which version is wanted.
    """
    draft = _Draft(did, view.now)
    version: DatedChange | None = None
    for dated in changes:
        if not _is_readable(dated.change):
            continue
        if not _counts(dated, view):
            return Resolution(draft.document(), DocumentMetadata(False, version, dated))
        version = dated
        draft.take(dated.change)
        if draft.owner == NOBODY:
            return Resolution(DidDocument(did.text), DocumentMetadata(True, version))
    return Resolution(draft.document(), DocumentMetadata(False, version))


def _counts(dated: DatedChange, view: View) -> bool:
    match view:
        case Latest():
            return True
        case AtBlock(number):
            return dated.block <= number
        case AtTime(now):
            return dated.at <= now


def _is_readable(change: Change) -> bool:
    """Others write into such registries too: what has no text for a name is not for resolvers."""
    match change:
        case DIDOwnerChanged():
            return True
        case DIDDelegateChanged():
            return decode_name(change.delegate_type) is not None
        case DIDAttributeChanged():
            return decode_name(change.name) is not None


@dataclass
class _Draft:
    """A document under way: each part under what ends it, in the order in which it came first.

    Attributes:
        keys, services: how many were ever said; their names in the document count on.
    """

    did: Did
    now: Timestamp
    owner: Address = NOBODY
    keys: int = 0
    services: int = 0
    methods: dict[Key, VerificationMethod] = field(default_factory=dict)
    authentication: dict[Key, str] = field(default_factory=dict)
    assertion: dict[Key, str] = field(default_factory=dict)
    agreement: dict[Key, str] = field(default_factory=dict)
    endpoints: dict[Key, Service] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.owner = self.did.identity

    def take(self, change: Change) -> None:
        """Hear what happened next."""
        match change:
            case DIDOwnerChanged():
                self.owner = change.owner
            case DIDDelegateChanged():
                self._take_delegate(change, decode_name(change.delegate_type) or "")
            case DIDAttributeChanged():
                self._take_attribute(change, decode_name(change.name) or "")

    def document(self) -> DidDocument:
        """What has been said so far, and is still valid."""
        own = [
            VerificationMethod(self._id("controller"), RECOVERY_METHOD, *self._account(self.owner))
        ]
        if self.did.public_key and self.owner == self.did.identity:
            key = (
                "publicKeyHex",
                self.did.text[-2 * len(self.did.public_key) :],
            )  # in its capitals
            own.append(VerificationMethod(self._id("controllerKey"), SECP256K1_KEY, *key))
        ids = [method.id for method in own]
        return DidDocument(
            self.did.text,
            (*own, *self.methods.values()),
            (*ids, *self.authentication.values()),
            (*ids, *self.assertion.values()),
            tuple(self.agreement.values()),
            tuple(self.endpoints.values()),
        )

    def _take_delegate(self, change: DIDDelegateChanged, kind: str) -> None:
        key = ("delegate", kind, change.delegate)
        self.keys += 1
        if not self._is_valid(change.valid_to):
            self._end(key)
        elif kind in {"veriKey", "sigAuth"}:
            name = self._id(f"delegate-{self.keys}")
            account = self._account(change.delegate)
            self.methods[key] = VerificationMethod(name, RECOVERY_METHOD, *account)
            self.assertion[key] = name
            if kind == "sigAuth":
                self.authentication[key] = name

    def _take_attribute(self, change: DIDAttributeChanged, text: str) -> None:
        key = ("attribute", text, change.value.hex())
        if not self._is_valid(change.valid_to):
            self.keys += text.startswith("did/pub/")
            self.services += text.startswith("did/svc/")
            self._end(key)
            return
        name = parse_name(text)
        if name is None:
            return
        if name.section == "pub":
            self._take_key(key, name, change.value)
        else:
            self._take_service(key, name, change.value)

    def _take_key(self, key: Key, name: AttributeName, value: bytes) -> None:
        self.keys += 1
        encoded = encode_key(name, value)
        if encoded is None:
            return
        method = VerificationMethod(self._id(f"delegate-{self.keys}"), name.key_type, *encoded)
        self.methods[key] = method
        if name.purpose == "enc":
            self.agreement[key] = method.id
            return
        self.assertion[key] = method.id
        if name.purpose == "sigAuth":
            self.authentication[key] = method.id

    def _take_service(self, key: Key, name: AttributeName, value: bytes) -> None:
        self.services += 1
        endpoint = parse_endpoint_value(value)
        if endpoint is not None:
            at = self._id(f"service-{self.services}")
            self.endpoints[key] = Service(at, name.algorithm, endpoint)

    def _end(self, key: Key) -> None:
        said: tuple[dict[Key, Any], ...] = (
            self.methods,
            self.authentication,
            self.assertion,
            self.agreement,
            self.endpoints,
        )
        for part in said:
            part.pop(key, None)

    def _is_valid(self, valid_to: Timestamp) -> bool:
        return valid_to != NO_TIME and valid_to >= self.now

    def _id(self, name: str) -> str:
        return f"{self.did.text}#{name}"

    def _account(self, account: Address) -> tuple[str, str]:
        return "blockchainAccountId", f"eip155:{self.did.chain_id}:{account}"
