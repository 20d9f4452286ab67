"""Files of canonical JSON that strangers hand over: one way to read them, one set of refusals.

A refusal says which file and what is wrong with its form; of what stands in it, it says nothing:
it may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from edgemark.errors import RefusedInput
from edgemark.untrusted.canonical_json import NotThatFormat, encode, parse, version_of
from edgemark.untrusted.checksum import CHECKSUM, take_checksum, with_checksum

SPELLING = "sorted keys, no spaces, lower-case hexadecimal, one newline at the end"

T = TypeVar("T")


@dataclass(frozen=True)
class FileForm:
    """A form of file: one value has one encoding.

    Attributes:
        name, version: `format` and `version` of its facts.
        who: what such a file is called in errors.
        most: bytes.
        refusal: kind of error of a file that is none.
        has_checksum: whether its files say when they were changed.
        older: a version that is read as well, of files without a checksum; 0 for none.
    """

    name: str
    version: int
    who: str
    most: int
    refusal: type[RefusedInput]
    has_checksum: bool = False
    older: int = 0

    def write(self, facts: Mapping[str, Any], version: int | None = None) -> bytes:
        """The one encoding of these facts, in this version or the one named."""
        version = version or self.version
        whole = {"format": self.name, "version": version, **facts}
        return encode(with_checksum(whole) if self._has_checksum(version) else whole)

    def _has_checksum(self, version: int) -> bool:
        return self.has_checksum and version != self.older

    def read(
        self,
        raw: bytes,
        parse_facts: Callable[[Mapping[str, Any]], T],
        facts_of: Callable[[T], Mapping[str, Any]],
    ) -> T:
        """The value of a file.

        Args:
            raw: the file.
            parse_facts: the value of its facts; raises `ValueError`, `TypeError`, `KeyError` for a
                part that is missing, or `RefusedInput`.
            facts_of: the facts of a value, for `write`.

        Raises:
            RefusedInput: of the form's kind.
        """
        if len(raw) > self.most:
            needed = f"<= {self.most} bytes"
            raise self.refusal("is too large", who=self.who, had=len(raw), needed=needed)
        is_older = self.older != 0 and version_of(raw) == self.older
        version = self.older if is_older else self.version
        try:
            value = parse_facts(self._facts_in(raw, version))
            is_canonical = self.write(facts_of(value), version) == raw
        except self.refusal:
            raise
        except KeyError as error:
            raise self.refusal("lacks a part", who=self.who, needed=error.args[0]) from None
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            had = str(error) if isinstance(error, NotThatFormat) else "a part that is no such thing"
            needed = f"format {self.name}, version {self.version}"
            raise self.refusal("cannot be read", who=self.who, had=had, needed=needed) from None
        except RefusedInput as error:
            whose = f"{self.who}, {error.who}"
            raise self.refusal(error.what, who=whose, needed=error.needed) from None
        if not is_canonical:
            raise self.refusal("is not canonical", who=self.who, needed=SPELLING)
        return value

    def _facts_in(self, raw: bytes, version: int) -> Mapping[str, Any]:
        facts = parse(raw, self.name, version)
        if not self._has_checksum(version):
            return facts
        if CHECKSUM not in facts:
            raise KeyError(CHECKSUM)
        return take_checksum(facts, self.who, self.refusal)
