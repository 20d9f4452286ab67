"""A channel that cannot commit for the moment: what it met, how often, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.errors import EdgemarkError, LedgerUnavailable
from edgemark.logs import get_logger
from edgemark.seam import place_of

TOLD_AGAIN = 120  # tries, until the log has it again: about a minute

_log = get_logger("ledger.orderer")


@dataclass
class Trouble:
    """Why blocks of a channel are not made for the moment.

    Attributes:
        channel: name of it.
        error: what the last try met; None while blocks are made.
        tries: how many have failed, one after the other.
        failed: how many ever have.
        unfinished: a revert that is to be ended first; None while there is none.
    """

    channel: str
    error: Exception | None = None
    tries: int = 0
    failed: int = 0
    unfinished: EdgemarkError | None = None

    def note(self, error: Exception) -> LedgerUnavailable:
        """A commit has failed, and is tried again; what those hear who wait for it."""
        is_same = type(self.error) is type(error)
        self.error, self.tries, self.failed = error, self.tries + 1, self.failed + 1
        if not is_same or self.tries % TOLD_AGAIN == 0:
            _log.error(
                "cannot commit",
                channel=self.channel,
                tries=self.tries,
                kind=type(error).__name__,
                reason=error,
                place=place_of(error),
            )
        return self.explain()

    def end(self) -> None:
        """A block was committed."""
        if self.error is not None:
            _log.info("commits again", channel=self.channel, tries=self.tries)
        self.error, self.tries = None, 0

    def check_is_over(self) -> None:
        """Check that blocks are made.

        Raises:
            LedgerUnavailable: not for the moment.
        """
        if self.error is not None or self.unfinished is not None:
            raise self.explain()

    @property
    def told(self) -> str | None:
        """In one line; None while blocks are made."""
        if self.unfinished is not None:
            return f"makes no blocks until a revert has ended: {self.unfinished}"
        if self.error is None:
            return None
        said = f"{type(self.error).__name__}: {self.error}"
        return f"cannot commit, and tries again (failed {self.tries} times): {said}"

    def explain(self) -> LedgerUnavailable:
        """What those hear who wait or come meanwhile."""
        if self.unfinished is not None:
            return LedgerUnavailable(
                "makes no blocks until a revert has ended",
                who=f"channel {self.channel}",
                had=self.unfinished.without_remedy,
                remedy=self.unfinished.remedy,
            )
        return LedgerUnavailable(
            "cannot commit for the moment",
            who=f"channel {self.channel}",
            had=self.error,
            needed="a disk that takes a block",
            remedy="It tries again by itself. See its log, and whether its disk has room.",
        )
