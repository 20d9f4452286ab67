"""When the tasks of a node have to be computed, and which one is: for its pool and its promises."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.node.admission import Turns
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol.keys import key_of


class TurnBook:
    """Turns of the tasks that came to this node, on the clock of its process.

    A turn is by when the task came and how long it may take from then on, not by `compute_by`: a
    device that hands many tasks in at the last moment would push aside what others handed in in
    time. One that comes so late is charged as silent if anything, and then there is as much time
    again, until `answer_by`.

    What a process takes up at its start came nobody knows when: then it is by the lesser of both,
    with this machine's clock for the chain's time. What is charged as silent and served is by
    `answer_by` instead of `compute_by`, whenever it comes: that one is over, and says nothing of
    what is urgent.

    Args:
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock, self._wall = clock, wall
        self._is_starting = True
        self._guard = threading.Lock()
        self._due: dict[bytes, float] = {}
        self._began: dict[bytes, float] = {}

    def due(self, task: NodeTask) -> float:
        """When it has to be computed; it came now, unless it is in the book or taken up."""
        terms = task.known.terms
        with self._guard:
            left_s = float(terms.compute_by - terms.accept_by)
            by = _over_at(task, is_starting=self._is_starting)
            if by is not None:
                left_s = min(left_s, by - self._wall())
            return self._due.setdefault(_key(task), self._clock() + left_s)

    def note_started(self) -> None:
        """What comes from now on comes now."""
        with self._guard:
            self._is_starting = False

    @contextmanager
    def running(self, task: NodeTask) -> Iterator[None]:
        """The task is computed now; afterwards it leaves the book, unless it failed."""
        with self._guard:
            self._began[_key(task)] = self._clock()
        try:
            yield
            with self._guard:
                self._due.pop(_key(task), None)
        finally:
            with self._guard:
                self._began.pop(_key(task), None)

    def read(self, tasks: Callable[[], Iterable[NodeTask]]) -> Turns:
        """As of now; a task that ended without having been computed leaves the book.

        Args:
            tasks: of this node; asked for after the book was looked at, for what comes in meanwhile
                must stay.
        """
        with self._guard:
            noted = list(self._due)
        still_open = {_key(task) for task in tasks() if task.offer and not task.is_finished}
        now = self._clock()
        with self._guard:
            for key in noted:
                if key not in still_open:
                    self._due.pop(key, None)
            due, began = dict(self._due), dict(self._began)
        return Turns(
            left_s={key: moment - now for key, moment in due.items()},
            ran_s={key: now - moment for key, moment in began.items()},
        )


def _over_at(task: NodeTask, *, is_starting: bool) -> float | None:
    """When the chain takes it no more; None for what has its whole window from now on."""
    if task.charge is not ChargeKind.NONE:
        return task.answer_by  # None until it is served: its time begins then
    return task.known.terms.compute_by if is_starting else None


def _key(task: NodeTask) -> bytes:
    return key_of(task.known.job, task.known.index)
