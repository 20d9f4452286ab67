"""What the trial of a bundle came to: its checks, what its controller alone said, what came since.

Law: what fails a bundle is what its exporter, or both parties, answer for. What its controller
     alone signed may be false without either of them: that is told against the controller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from edgemark.receipt import Receipt
from edgemark.receipt.trial import SOUND, Trial
from edgemark.systems.trading.story.evidence.aftermath import Aftermath


@dataclass(kw_only=True)
class ChannelTrial(Trial):
    """What came out.

    Attributes:
        since: what the chain says of the time after the bundle; None: no chain was asked.
        by_controller: what a controller of the channel alone said, and what it does not fit.
    """

    receipt: Receipt = field(default_factory=lambda: Receipt("trading replay"))
    since: Aftermath | None = None
    by_controller: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether what could be checked agrees, and the channel still stands as the bundle says."""
        return self.receipt.ok and not (self.since is not None and self.since.has_moved)

    def weigh(self, name: str, work: Callable[[], object], needed: object, *, proven: str) -> bool:
        """Note whether `work` raises, over what bears a controller's signature alone.

        Args:
            name: of the check.
            work: raises where it does not fit.
            needed: in words.
            proven: what holds all the same.

        Raises:
            EdgemarkError: as `check`.
        """
        fault = self.find_fault(work)
        if fault is None:
            return self.receipt.require(name, True, SOUND, needed)
        self.by_controller.append(f"{name}, claims by the issuer alone: {fault}; {proven}")
        return False

    def lines(self) -> Iterator[str]:
        """The same with a line for each statement of a controller that does not fit."""
        yield from super().lines()
        yield from (f"!    its controller alone: {said}" for said in self.by_controller)
