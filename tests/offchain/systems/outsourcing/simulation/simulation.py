"""A whole job in memory: the model of the chain, the real machines of all parties, no I/O.

Messages arrive at once, through their wire formats. How time goes, and by which laws a party lives,
stands in `tests/stage/memory`.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.model import SettlementModel
from tests.offchain.systems.outsourcing.simulation.model_rules import ModelRefused
from tests.stage.memory import sides, worlds
from tests.stage.memory.worlds import STEP_S

from edgemark.crypto.polynomial import Polynomial
from edgemark.identifiers import Address, Timestamp
from edgemark.loop.machine import TryAgain
from edgemark.systems.outsourcing.contract.records import IndexView, JobView
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.machine import PartyMachine

S = TypeVar("S", bound=Any)


@dataclass(frozen=True)
class View:
    """The chain at one block."""

    job: JobView
    indices: tuple[IndexView, ...]
    time: Timestamp

    def at(self, second: int) -> View:
        """The same at another time."""
        return replace(self, time=Timestamp(second))

    def times(self) -> Iterator[int]:
        """Everything that is over for the settlement at some time."""
        yield from (self.job.accept_by, self.job.compute_by, self.job.collect_by)
        for index in self.indices:
            yield from (index.served_by, index.answer_by, index.verdict_by)


class Side(sides.Side[S, View], ABC):
    """One party of a job.

    Args:
        blank: makes the state of a job nobody heard of.
        lag: steps that this party is behind the chain.
    """

    def __init__(self, blank: Callable[[], S], lag: int = 0) -> None:
        super().__init__(PartyMachine(blank), lag)


class World(worlds.World[View]):
    """Everybody and the chain.

    Args:
        seed: decides who acts first in each step and who lags behind the chain.
        order: the job; the small one when None.
        function: of the job.
    """

    def __init__(
        self, seed: int, order: Order | None = None, function: Polynomial | None = None
    ) -> None:
        super().__init__(seed, int(cast.START))
        self.order = order or cast.small_order()
        self.function = function or cast.dense_function()
        nodes = self.order.nodes
        accounts = [cast.PAYER.address, *nodes, *cast.JUDGE_ADDRESSES]
        self.start = {account: cast.WEALTH for account in accounts} | {cast.POOL: 0}
        self.chain = SettlementModel(
            limits=cast.LIMITS,
            judges=cast.JUDGE_ADDRESSES,
            pool=cast.POOL,
            free=dict(self.start),
            providers=cast.PROVIDERS,
            judge_providers=cast.JUDGE_PROVIDERS,
        )
        self.nodes: dict[int, Any] = {}
        self.judges: dict[Address, Any] = {}

    def send(self, act: Callable[..., None], *args: Any, **kwargs: Any) -> list[object]:
        """A transaction now.

        Raises:
            TryAgain: the chain refuses it.
        """
        try:
            act(self.now, self.order.job, *args, **kwargs)
        except ModelRefused as refused:
            raise TryAgain(refused.error, who="settlement") from refused
        return []

    def look(self) -> View | None:
        """The chain now."""
        job = self.chain.job_view(self.order.job)
        if job is None:
            return None
        return View(job, self.chain.index_views(self.order.job), Timestamp(self.now))

    def chain_end(self) -> int:
        """When the last deadline of any job is over, with some steps to act on it."""
        terms, window = self.order.terms, cast.WINDOW
        answering = max(window, terms.compute_by - cast.START)
        return terms.collect_by + window + 2 * answering + 20 * STEP_S

    def is_over(self) -> bool:
        """Nothing is held and every party that heard of the job and is still there knows."""
        view = self.view()
        ended = view is not None and all(index.phase.is_end for index in view.indices)
        heard = [side for side in self.sides if side.journal and not side.is_gone]
        return ended and all(side.state.is_finished for side in heard)

    def gain(self, account: Address) -> int:
        """What an account has more than at the start."""
        return self.chain.free[account] - self.start[account]
