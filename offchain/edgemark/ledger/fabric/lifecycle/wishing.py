"""What is said of a chaincode's definition; what is not said stays as it is committed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgemark.ledger.fabric.wire.definitions import ChaincodeDefinition
from edgemark.ledger.fabric.wire.policy.texts import describe_policy

FIRST_VERSION = "1.0"  # where nothing is committed, and nothing is said


@dataclass(frozen=True)
class Wish:
    """What is said of a definition; None where nothing is.

    Attributes:
        name: of the chaincode.
        version: whatever they call it.
        policy: `ApplicationPolicy`, see `wire.policy`.
        init_required: whether a first call has to be marked as such.
    """

    name: str
    version: str | None = None
    policy: bytes | None = None
    init_required: bool | None = None

    def over(self, current: ChaincodeDefinition | None) -> ChaincodeDefinition:
        """The definition that is wished, where this one is committed; None: there is none yet."""
        said: dict[str, Any] = {
            what: value
            for what, value in (
                ("version", self.version),
                ("policy", self.policy),
                ("init_required", self.init_required),
            )
            if value is not None
        }
        return replace(current or ChaincodeDefinition(self.name, FIRST_VERSION), **said)


def list_changes(
    former: ChaincodeDefinition | None, wanted: ChaincodeDefinition, repackaged: Sequence[str]
) -> list[str]:
    """What a deployment changed, each as old and new, in words.

    Args:
        former: what was committed; None for nothing, so that nothing was changed.
        wanted: what is now.
        repackaged: MSP ids of organisations that run another package than before.
    """
    if former is None:
        return []
    pairs = [
        ("version", former.version, wanted.version),
        ("policy", describe_policy(former.policy), describe_policy(wanted.policy)),
        ("init required", _word(former.init_required), _word(wanted.init_required)),
    ]
    changes = [f"{what} {old} -> {new}" for what, old, new in pairs if old != new]
    if repackaged:
        changes.append(f"package of {', '.join(repackaged)}")
    return changes


def _word(flag: bool) -> str:
    return "yes" if flag else "no"
