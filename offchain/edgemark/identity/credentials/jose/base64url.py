"""Base64url without padding, of which each byte string has exactly one. Pure.

Source: RFC 7515, section 2 and appendix C; RFC 4648, sections 3.5 (bits that nobody reads) and 5.
Readers that take padding, other alphabets, line breaks or set bits behind the end see one signed
text in many spellings.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64

from edgemark.errors import RefusedInput

_ALPHABET = re.compile(rb"[A-Za-z0-9_-]*")
_TO_PLAIN = bytes.maketrans(b"-_", b"+/")


class TokenInvalid(RefusedInput):
    """Something signed or encrypted is not in the one form in which it is read."""


def encode_base64url(raw: bytes) -> bytes:
    """The one text of these bytes, ASCII."""
    plain = b2a_base64(raw, newline=False).rstrip(b"=")
    return plain.replace(b"+", b"-").replace(b"/", b"_")  # of text, a fifth of what a table takes


def decode_base64url(text: bytes, *, who: str) -> bytes:
    """The bytes of a text.

    Args:
        text: ASCII.
        who: what it is called in errors.

    Raises:
        TokenInvalid: another alphabet, padding, a length that there is not, or another spelling.
    """
    if not _ALPHABET.fullmatch(text) or len(text) % 4 == 1:
        raise _refused(who, "another alphabet, padding, or a digit too many")
    raw = a2b_base64(text.translate(_TO_PLAIN) + b"=" * (-len(text) % 4))
    if encode_base64url(raw) != text:
        raise _refused(who, "set bits behind the end")
    return raw


def _refused(who: str, had: str) -> TokenInvalid:
    return TokenInvalid("is no base64url", who=who, had=had, needed="RFC 7515, without padding")
