"""What a stranger's file says, tried statement by statement: what holds, and what was not tried.

Law: what cannot be tried is told as that, with the reason; it is never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from edgemark.errors import EdgemarkError, PeerFault, RefusedInput
from edgemark.receipt import Receipt
from edgemark.seam import place_of

SOUND = "sound"


@dataclass(kw_only=True)
class Trial:
    """What came out.

    Attributes:
        receipt: every check.
        not_checked: what could not be looked at, and why.
    """

    receipt: Receipt
    not_checked: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """Names of the checks that do not hold."""
        return [check.name for check in self.receipt.checks if not check.passed]

    def check(self, name: str, work: Callable[[], object], needed: object) -> bool:
        """Note whether `work` raises; what no error of ours foresees speaks against the file too.

        Raises:
            EdgemarkError: what a file is not to blame for, as a chain that does not answer.
        """
        fault = self.find_fault(work)
        return self.receipt.require(name, fault is None, fault or SOUND, needed)

    @staticmethod
    def find_fault(work: Callable[[], object]) -> object | None:
        """What `work` raises, as far as that speaks against what it looks at; None: nothing.

        Raises:
            EdgemarkError: as `check`.
        """
        try:
            work()
        except (RefusedInput, PeerFault) as fault:
            return fault
        except EdgemarkError:
            raise
        except Exception as fault:  # noqa: BLE001 - a stranger's file ends nothing
            return f"cannot be tried: {type(fault).__name__} at {place_of(fault)}"
        return None

    def leave(self, what: str, why: str) -> None:
        """Something cannot be looked at."""
        self.not_checked.append(f"{what}: {why}")

    def lines(self) -> Iterator[str]:
        """A line for each check, and for each that could not be made."""
        for check in self.receipt.checks:
            mark, more = ("yes", "") if check.passed else ("NO ", f"; expected {check.expected}")
            yield f"{mark}  {check.name}: {check.seen}{more}"
        yield from (f"-    not checked: {why}" for why in self.not_checked)
