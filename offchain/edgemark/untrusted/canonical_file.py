"""Files of canonical JSON that strangers hand over: one way to read them, one set of refusals.

A refusal says which file and what is wrong with its form; of what stands in it, it says nothing:
it may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from edgemark.errors import RefusedInput
from edgemark.untrusted.canonical_json import NotThatFormat, parse

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
    """

    name: str
    version: int
    who: str
    most: int
    refusal: type[RefusedInput]

    def read(
        self,
        raw: bytes,
        parse_facts: Callable[[Mapping[str, Any]], T],
        encode_value: Callable[[T], bytes],
    ) -> T:
        """The value of a file.

        Args:
            raw: the file.
            parse_facts: the value of its facts; raises `ValueError`, `TypeError`, `KeyError` for a
                part that is missing, or `RefusedInput`.
            encode_value: the one encoding of a value.

        Raises:
            RefusedInput: of the form's kind.
        """
        if len(raw) > self.most:
            needed = f"<= {self.most} bytes"
            raise self.refusal("is too large", who=self.who, had=len(raw), needed=needed)
        try:
            value = parse_facts(parse(raw, self.name, self.version))
            is_canonical = encode_value(value) == raw
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
