"""What is sealed in a credential: opened where this home has the key, told for whom where not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identity.credentials.agreement import AgreementKeys
from edgemark.identity.credentials.jose.encryption import PARTS, read_encrypted
from edgemark.identity.credentials.model import MAX_CREDENTIAL_BYTES
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.settings.settings import Settings
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly

MAX_SEALS = 8  # that are looked at in one credential
CHECK = "sealed"


@dataclass(frozen=True)
class Seal:
    """A sealed part of a credential.

    Attributes:
        place: in what it says, a JSON pointer.
        readers: names of the keys that open it.
        says: what was sealed; None where it stays sealed.
        error: why it is none that could ever be opened.
    """

    place: str
    readers: tuple[str, ...] = ()
    says: Mapping[str, Any] | None = None
    error: RefusedInput | None = None

    @property
    def told(self) -> str:
        """In a line."""
        if self.error is not None:
            return f"{self.place}: {self.error.what}"
        if self.says is not None:
            return f"{self.place}: opened by this home"
        return f"{self.place}: stays sealed, for {', '.join(self.readers)}"

    def as_facts(self) -> dict[str, Any]:
        """For programs, and for people."""
        error = None if self.error is None else type(self.error).__name__
        facts = {"place": self.place, "for": list(self.readers), "opened": self.says is not None}
        return {**facts, "says": self.says, "error": error}


def open_seals(settings: Settings, signed: SignedCredential) -> list[Seal]:
    """All sealed parts of a credential.

    Raises:
        Unrecoverable: a key of this home is damaged, or others can open it.
    """
    found = list(_find(signed.credential.facts["credentialSubject"], ""))[:MAX_SEALS]
    keys = AgreementKeys.of(settings.home) if found else AgreementKeys(())
    return [_open(place, part, keys) for place, part in found]


def _open(place: str, part: Mapping[str, Any], keys: AgreementKeys) -> Seal:
    raw = json.dumps(part).encode()
    try:
        readers = read_encrypted(raw).kids
        text = keys.open_any(raw)
        says = None if text is None else parse_object_strictly(text, most=MAX_CREDENTIAL_BYTES)
    except RefusedInput as error:
        return Seal(place, error=error)
    except NotThatFormat:
        needed = RefusedInput("holds no JSON object", who="sealed claims")
        return Seal(place, readers, error=needed)
    return Seal(place, readers, says)


def _find(part: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everything that has the parts of a JWE, with its place."""
    if isinstance(part, Mapping):
        if part.keys() == PARTS:
            yield place, part
            return
        for name, inner in part.items():
            yield from _find(inner, f"{place}/{name}")
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from _find(inner, f"{place}/{number}")
