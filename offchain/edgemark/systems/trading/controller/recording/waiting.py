"""Evidence of all channels that waits for the chain, and the transactions it is put into. Pure.

Rule 1: of a channel one piece waits, the newest: it stands for all before it.
Rule 2: whoever waits longest goes first; a channel that gives many pieces waits with one.
Rule 3: pieces wait for each other so long at most, and then for the chain alone: those are late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from edgemark.systems.trading.contract.evidence.records import MAX_PIECES
from edgemark.systems.trading.controller.recording.lists import Piece
from edgemark.systems.trading.identifiers import ChannelId

MOST_ANCHORED = 4096  # leaves of one root: a few pages, and a file of 1.4 MB while it is under way


class Form(Enum):
    """How evidence is put on the chain."""

    SINGLE = "single"
    BATCH = "batch"
    ANCHORED = "anchored"

    @property
    def most(self) -> int:
        """Pieces of one transaction."""
        sizes = {Form.SINGLE: 1, Form.BATCH: MAX_PIECES, Form.ANCHORED: MOST_ANCHORED}
        return sizes[self]


@dataclass(frozen=True)
class Due:
    """One piece that waits.

    Attributes:
        piece: the evidence.
        since: when it came, monotonic seconds.
        not_before: after a refusal, when it is tried again.
        is_alone: it goes by itself, since a list with it was refused.
    """

    piece: Piece
    since: float
    not_before: float = 0.0
    is_alone: bool = False


class EvidenceQueue:
    """Pieces of all channels; one thread at a time.

    Args:
        form: of the transactions.
        collect_s: for how long a piece waits for others at most.
    """

    def __init__(self, form: Form, collect_s: float) -> None:
        self.form = form
        self._collect_s = 0.0 if form is Form.SINGLE else collect_s
        self._due: dict[ChannelId, Due] = {}

    def __len__(self) -> int:
        return len(self._due)

    def put(self, piece: Piece, now: float) -> None:
        """A piece waits from now on; one of a lower index of the same channel does so no more."""
        known = self._due.get(piece.channel)
        if known is None:
            self._due[piece.channel] = Due(piece, now)
        elif known.piece.index < piece.index:
            self._due[piece.channel] = replace(known, piece=piece, not_before=0.0)

    def drop(self, channel: ChannelId, index: int) -> None:
        """Evidence of this index, or a higher one, is there."""
        known = self._due.get(channel)
        if known is not None and known.piece.index <= index:
            del self._due[channel]

    def count_late(self, now: float) -> int:
        """Pieces that wait for the chain, and not for other pieces."""
        return sum(now - each.since > self._collect_s for each in self._due.values())

    def take(self, now: float) -> Sequence[Piece]:
        """What goes out now together; nothing while all wait for others."""
        ready = [each for each in self._due.values() if each.not_before <= now]
        if alone := next((each for each in ready if each.is_alone), None):
            return self._leave([alone])
        is_time = len(ready) >= self.form.most or any(
            now - each.since >= self._collect_s for each in ready
        )
        return self._leave(ready[: self.form.most]) if is_time else ()

    def give_back(self, pieces: Sequence[Piece], now: float, after_s: float) -> None:
        """A transaction with these was refused: each goes alone, and not before so many seconds."""
        for piece in pieces:
            known = self._due.get(piece.channel)
            if known is None or known.piece.index <= piece.index:
                self._due[piece.channel] = Due(piece, now, now + after_s, is_alone=True)

    def _leave(self, going: Sequence[Due]) -> Sequence[Piece]:
        for each in going:
            del self._due[each.piece.channel]
        return [each.piece for each in going]
