"""Arguments and answers of the registry's functions as JSON: one value has one encoding. Pure.

A hash in an argument of its own is 64 hexadecimal digits. Every part that is missing, left over, of
another type or beyond its bound is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.systems.trading.contract.evidence.facts import facts_of, value_of
from edgemark.untrusted.canonical_json import NotThatFormat

# Functions, as the contract on a chain calls its own.
INIT, PARAMETERS, PROPOSED = "init", "parameters", "proposed"
RECORD_INITIATIONS, RECORD_SETTLEMENTS = "recordInitiations", "recordSettlements"
RECORD_QUALIFICATIONS, ANCHOR_ROOT = "recordQualifications", "anchorRoot"
EVIDENCE_OF, ROOT_OF, VERIFY = "evidenceOf", "rootOf", "verify"
RECORDED, ANCHORED = "EvidenceRecorded", "RootAnchored"  # events
# Refusals that a caller may go by: as the contract has them, then those of a consortium alone.
ERRORS = (
    *("EvidenceExists", "RootExists", "SignersAlike", "NotByController", "OutOfBounds"),
    *("NoParameters", "ParametersExist", "NotAmongThem", "MayNotAnchor", "NoTime", "TooLate"),
)
NOTHING = b"null\n"  # the answer where nothing is kept
MAX_ARGUMENT_CHARACTERS = 512 * 1024  # 100 pieces of about 1 KB, and as much again


def parse(hint: Any, text: str, *, who: str) -> Any:
    """The value of an argument.

    Args:
        hint: its type, as of `facts.value_of`.
        text: JSON.
        who: what it is, for the refusal.

    Raises:
        RefusedInput: it is none of this type.
    """
    if len(text) > MAX_ARGUMENT_CHARACTERS:
        needed = f"<= {MAX_ARGUMENT_CHARACTERS} characters"
        raise RefusedInput("is too long", who=who, had=f"{len(text)} characters", needed=needed)
    try:
        return value_of(hint, json.loads(text))
    except RecursionError:
        raise RefusedInput("is nested too deeply", who=who) from None
    except NotThatFormat as error:
        raise RefusedInput("has not this form", who=who, needed=str(error)) from None
    except RefusedInput as error:
        raise RefusedInput("has not this form", who=who, needed=str(error)) from None
    except ValueError:
        raise RefusedInput("is no JSON", who=who) from None


def tell(hint: Any, value: Any) -> bytes:
    """The one encoding of a value, as it is asked, kept, answered and told by events."""
    facts = facts_of(hint, value)
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def tell_all(told: Sequence[bytes]) -> bytes:
    """The one encoding of a list, of what `tell` said of each of it."""
    return b"[" + b",".join(each.removesuffix(b"\n") for each in told) + b"]\n"
