"""A seller's engine: takes orders, works at them in threads, and says what was used.

Laws:

1. An order that was taken is answered, whatever becomes of this process: it is on the disk before
   `take` returns, and is worked at again when the engine is opened anew.
2. An answer and a reading are on the disk before they leave; asked for again they are the same.
3. What was used counts once: see `meter`.
4. A fault of this machine (a full disk, no process to be had) is told by `status`, and counts for
   nobody; the order waits.

Which channels may order, and whether they paid, is the affair of whoever calls: the seller's party
hands in what buyers order (`take`), fetches what it sends back (`answer`), asks for `readings` when
an interval ends, and says when a channel ended (`forget`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from edgemark.closing import Closing
from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field import kernel
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.work.executing import (
    Catalogue,
    EngineStatus,
    Evaluation,
    Functions,
    check_batch,
    check_units,
    run_program,
    unstarted,
)
from edgemark.systems.trading.work.messages import (
    NOTHING_USED,
    Answer,
    Order,
    OrderKind,
    Reading,
    Usage,
)
from edgemark.systems.trading.work.meter import (
    Held,
    OrderRefused,
    record_forgotten,
    record_told,
)
from edgemark.systems.trading.work.spool import MAX_SPOOL_BYTES, PartDamaged, Spool
from edgemark.systems.trading.work.turns import Begun, Turns

PAUSE_S = 2.0  # after a fault of this machine, before the next order
MAX_WORKERS = 64

log = logging.getLogger(__name__)


class Engine(Closing):
    """The work of one seller; its methods may be called from any thread.

    Args:
        folder: of its own, on a disk that keeps what it says it kept.
        catalogue: programs that it runs.
        workers: threads, 1 .. 64; with two or more no channel holds up another.
        most_bytes: of all data and outputs on the disk.
        on_answer: told of every order whose answer is on the disk; quick, in an engine's thread.

    Raises:
        JournalInUse, JournalDamaged, Unrecoverable: see `Spool`.
    """

    def __init__(
        self,
        folder: Path,
        catalogue: Catalogue,
        *,
        workers: int = 2,
        most_bytes: int = MAX_SPOOL_BYTES,
        on_answer: Callable[[Order], None] = lambda _order: None,
    ) -> None:
        if not 1 <= workers <= MAX_WORKERS:
            needed = f"1..{MAX_WORKERS}"
            raise RefusedInput("is out of range", who="engine, workers", had=workers, needed=needed)
        self.catalogue = catalogue
        self._on_answer = on_answer
        self._spool = Spool(folder, most_bytes)
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._turns = Turns(workers)
        self._functions = Functions()
        self._begun = Begun[Evaluation]()
        self._running: dict[Hash32, Usage] = {}
        self._unkept: dict[Hash32, tuple[Answer, bytes]] = {}  # the disk refused them
        self._fault = ""
        self._over: set[Hash32] = set()  # open orders that end with what is done
        for held in self._spool.meter.open_orders():
            self._turns.add(held.order.channel, held.order.id)
        self._threads = [
            threading.Thread(target=self._work, name=f"engine-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    # --- face ----------------------------------------------------------------------------------

    def take(self, order: Order, data: bytes, function: bytes = b"") -> Answer | None:
        """Take an order; the same order again changes nothing.

        Args:
            order: of a buyer whose channel is open.
            data: whose digest it names.
            function: canonical bytes of F; empty for a program.

        Returns:
            Its answer if it has one; None while it is open.

        Raises:
            OrderRefused: it cannot be done, or its answer is here no more (`AnswerGone`).
            EngineBusy: not now.
            MalformedFunction, WrongLength, NotAnElement: no function, or no batch of it.
            JournalWriteFailed, OSError: the disk refused; nothing was taken.
        """
        with self._changed:
            known = self._spool.meter.find(order)
        if known is None:
            self._check(order, data, function)
            with self._changed:
                known = self._spool.meter.find(order)  # another thread may have brought it
                if known is None:
                    parts = {order.data: data}
                    if function:
                        parts[order.what] = function
                    self._spool.take(order, parts)
                    self._turns.add(order.channel, order.id)
                    self._changed.notify_all()
        return None if known is None else known.answer

    def answer(self, order: Hash32) -> tuple[Answer, bytes] | None:
        """The answer to an order, and its output; None while it is open.

        Raises:
            OrderRefused: nobody knows it here.
            PartDamaged: the output on the disk is not what was written.
        """
        with self._changed:
            held = self._known(order)
            if held.answer is None:
                return None
            return held.answer, self._spool.part(held.answer.output)

    def find(self, order: Hash32) -> tuple[Order, Answer | None] | None:
        """An order and its answer, if it has one; None when nobody knows it here."""
        with self._changed:
            held = self._spool.meter.held.get(order)
            return None if held is None else (held.order, held.answer)

    def highest(self, channel: ChannelId) -> int:
        """Number of the last order that was taken in a channel; 0: none was."""
        with self._changed:
            account = self._spool.meter.accounts.get(channel)
            return 0 if account is None else account.highest

    def channels(self) -> list[ChannelId]:
        """Those that have an account here."""
        with self._changed:
            return list(self._spool.meter.accounts)

    def wait(self, order: Hash32, seconds: float) -> bool:
        """Wait until an order has its answer; whether it has."""
        with self._changed:
            self._changed.wait_for(lambda: self._known(order).answer is not None, seconds)
            return self._known(order).answer is not None

    def readings(self, intervals: Mapping[ChannelId, int]) -> dict[ChannelId, Reading]:
        """What was used in channels, at the end of an interval of each; one sync for all.

        Args:
            intervals: by channel its number, the one told last or the next.

        Raises:
            IntervalRefused: another interval.
            JournalWriteFailed: the disk refused; nothing was told.
        """
        with self._changed:
            meter = self._spool.meter
            running = self._used_now()
            told = {each: meter.read(each, at, running) for each, at in intervals.items()}
            new = [
                reading
                for channel, reading in told.items()
                if channel not in meter.accounts or meter.accounts[channel].reading is not reading
            ]
            if new:
                floors = {
                    held.order.id: held.floor.at_least(running[held.order.id])
                    for reading in new
                    for held in meter.open_orders(reading.channel)
                    if held.order.id in running
                }
                self._spool.write_told(record_told(new, floors))
            return told

    def give_way(self, channel: ChannelId, numbers: Collection[int]) -> None:
        """Let open orders end with what is done of them: nobody pays for more.

        A batch ends between two slices, with the values that there are; a run that was not begun is
        not begun any more. To be said again after a restart.
        """
        with self._changed:
            open_ = self._spool.meter.open_orders(channel)
            self._over |= {each.order.id for each in open_ if each.order.number in numbers}

    def forget(self, channel: ChannelId) -> None:
        """Let a channel go that ended, with its answers.

        Raises:
            OrderRefused: it has open orders.
        """
        with self._changed:
            count = len(list(self._spool.meter.open_orders(channel)))
            if count:
                who, remedy = f"channel {channel.hex()}", "Wait for their answers."
                raise OrderRefused("has open orders", who=who, had=count, needed=0, remedy=remedy)
            self._spool.forget(record_forgotten(channel))
            self._turns.forget(channel)

    def status(self) -> EngineStatus:
        """How it stands."""
        with self._changed:
            catalogue = self.catalogue
            listed = tuple(catalogue.programs.values()) if catalogue.way else ()
            return EngineStatus(
                kernel=kernel.path(),
                confinement=catalogue.way,
                why_not=catalogue.why_not,
                programs=listed,
                cores=self._turns.share * max((each.limits.cores for each in listed), default=0),
                open_orders=len(list(self._spool.meter.open_orders())),
                running=len(self._running),
                fault=self._fault,
            )

    def close(self) -> None:
        """End what runs, without an answer, and give the folder free."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._spool.close()

    # --- work ----------------------------------------------------------------------------------

    def _check(self, order: Order, data: bytes, function: bytes) -> None:
        """Refuse what cannot be worked at, before anything of it is kept."""
        who = f"order {order.number} of channel {order.channel.hex()}"
        said = (order.data, order.data_bytes, order.what_bytes)
        if (hash_long(data), len(data), len(function)) != said:
            had = f"{len(data)} bytes of data, {len(function)} of a function"
            raise OrderRefused("comes with other data", who=who, had=had, needed="what it names")
        if order.kind is OrderKind.PROGRAM:
            self.catalogue.find(order)
            return
        if hash_long(function) != order.what:
            raise OrderRefused("comes with another function", who=who, needed=order.what.hex())
        check_batch(order, function, data)
        parsed = self._functions.parse(order.what, function)
        check_units(order, parsed, len(data) // (parsed.inputs * ELEMENT_BYTES))

    def _known(self, order: Hash32) -> Held:
        held = self._spool.meter.held.get(order)
        if held is None:
            raise OrderRefused("is not known here", who="order", had=order.hex())
        return held

    def _used_now(self) -> dict[Hash32, Usage]:
        """What open orders used so far."""
        return self._begun.used() | self._running

    def _work(self) -> None:
        """Serve one order after the other until the engine is closed."""
        while True:
            with self._changed:
                turn = self._turns.take(self._may_run)
                while turn is None and not self._stop.is_set():
                    self._changed.wait()
                    turn = self._turns.take(self._may_run)
                if turn is None or self._stop.is_set():
                    return
                channel, order = turn
                held = self._spool.meter.held[order]
                if held.order.kind is OrderKind.POLYNOMIAL:
                    self._begun.make_room(order, self._running)
                self._running[order] = self._begun.used().get(order, Usage())
            began = time.monotonic()
            try:
                answered = self._serve(held.order)
                fault = ""
            except (EdgemarkError, OSError, MemoryError) as error:
                answered, fault = None, str(error) or type(error).__name__
                log.warning("order %s waits: %s", order.hex(), fault)
            if self._end_turn(channel, held, answered, time.monotonic() - began, fault):
                self._stop.wait(PAUSE_S)

    def _may_run(self, order: Hash32) -> bool:
        """Whether there is memory for it: of batches in slices few lie there at one time."""
        is_program = self._known(order).order.kind is OrderKind.PROGRAM
        return is_program or self._begun.has_room(order, self._running)

    def _serve(self, order: Order) -> tuple[Answer, bytes] | None:
        """One slice or run of an order; its answer when it is done."""
        if order.id in self._unkept:
            return self._unkept.pop(order.id)
        try:
            if order.kind is OrderKind.POLYNOMIAL:
                return self._evaluate(order)
            if self._gives_way(order, NOTHING_USED):
                return unstarted(order)
            program = self.catalogue.find(order)
            data = self._spool.part(order.data)
        except (PartDamaged, OrderRefused) as error:
            # The list changed while it was open, or the disk is damaged: nobody can do it any more.
            log.error("order %s cannot be worked at: %s", order.id.hex(), error)
            return unstarted(order)
        way = self.catalogue.way
        answered = run_program(order, program, data, way, stop=self._stop, told=self._teller(order))
        return None if answered[0].end is End.STOPPED else answered

    def _teller(self, order: Order) -> Callable[[Usage], None]:
        def tell(used: Usage) -> None:
            with self._changed:
                self._running[order.id] = used

        return tell

    def _evaluate(self, order: Order) -> tuple[Answer, bytes] | None:
        evaluation = self._begun.find(order.id)
        if evaluation is None:
            function = self._functions.parse(order.what, self._spool.part(order.what))
            batch = self._spool.part(order.data)
            with self._changed:
                evaluation = self._begun.load(order.id, Evaluation(order, function, batch))
        if not self._gives_way(order, evaluation.used()):
            evaluation.work()
        is_over = evaluation.is_done or self._gives_way(order, evaluation.used())
        return evaluation.conclude() if is_over else None

    def _gives_way(self, order: Order, used: Usage) -> bool:
        """Whether it ends with what is done: its service is over, and no reading told of more."""
        with self._changed:
            floor = self._known(order.id).floor
            return order.id in self._over and used.units >= floor.units

    def _end_turn(
        self,
        channel: ChannelId,
        held: Held,
        answered: tuple[Answer, bytes] | None,
        took_s: float,
        fault: str,
    ) -> str:
        """Keep the answer if there is one; else the order waits for its next turn.

        Returns:
            The fault of this machine that keeps it from going on; empty when there is none.
        """
        order = held.order.id
        with self._changed:
            if answered is not None:
                answer, output = answered
                counted = answer.at_least(held.floor)
                try:
                    self._spool.answer(counted, output)
                except (EdgemarkError, OSError) as error:
                    answered, fault = None, str(error)
                    self._unkept[order] = (counted, output)
                    log.warning("answer to %s could not be kept: %s", order.hex(), fault)
            self._running.pop(order, None)
            self._begun.end_turn(order, is_answered=answered is not None)
            self._fault = fault
            if answered is None:
                self._turns.put_back(channel, order, took_s)
            else:
                self._over.discard(order)
                self._turns.end(channel, took_s)
            self._changed.notify_all()
        if answered is not None:
            self._on_answer(held.order)
        return fault
