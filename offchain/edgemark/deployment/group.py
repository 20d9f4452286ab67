"""Contracts that are deployed together, and what is decided for them at deployment, for good.

Who knows the contracts writes the group, a dataclass of what is decided; here nothing names one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.contract.kind import ContractKind
from edgemark.ledger.evm.sending.intent import Call


@dataclass(frozen=True)
class ContractGroup:
    """The contracts of one word, as they are deployed on one chain.

    Attributes:
        NAME: under which a manifest has it.
        KINDS: its contracts, each behind those whose addresses its constructor takes.
        LOCKERS: names of those that lock a party's tokens in the anchor.
        ROLES: numbers in which its servers register, by what a party is called: its command, and
            its journal.
    """

    NAME: ClassVar[str]
    KINDS: ClassVar[tuple[ContractKind, ...]]
    LOCKERS: ClassVar[tuple[str, ...]] = ()
    ROLES: ClassVar[Mapping[str, int]] = {}

    @classmethod
    @abstractmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Self:
        """Of a manifest; facts of other groups are left alone.

        Raises:
            KeyError, TypeError, ValueError, RefusedInput: something is missing or of another kind.
        """

    @property
    def longest_work_s(self) -> int:
        """Seconds for which a stake has to answer for work that was taken on, at most."""
        return 0

    def filled(self, groups: Sequence[ContractGroup]) -> Self:  # noqa: ARG002 - for groups
        """The same with every default written out.

        Args:
            groups: all that are deployed with it.

        Raises:
            RefusedInput: something is out of range.
        """
        return self

    def check_pace(self, confirmations: int, block_s: int) -> None:
        """Check that the times of the contracts suit the chain.

        Args:
            confirmations: that parties wait for.
            block_s: seconds from block to block.

        Raises:
            RefusedInput: one is over before anybody can have acted.
        """

    def calls_after(
        self,
        contract: Callable[[str], Contract],  # noqa: ARG002 - for groups
    ) -> list[Call]:
        """What anyone may send once the contracts are there, each of which is had by its name."""
        return []


def integers_of(kind: type, facts: Any) -> dict[str, Any]:
    """The fields of a dataclass of integers, out of a manifest.

    Raises:
        KeyError, TypeError, ValueError: one is missing or no integer.
    """
    return {part.name: int(facts[part.name]) for part in fields(kind)}
