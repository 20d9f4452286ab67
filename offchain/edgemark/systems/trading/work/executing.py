"""How one order is worked at: slices of a batch by the kernel, or one confined run of a program."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemark.confinement.limits import CannotConfine, End, Outcome
from edgemark.confinement.means import find_way
from edgemark.confinement.running import Program, run_confined
from edgemark.confinement.watching import Taken
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field import kernel
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.crypto.field.plain import count_inputs
from edgemark.crypto.polynomial import Polynomial, parse_polynomial, size_from_header
from edgemark.files import read_limited
from edgemark.identifiers import Hash32
from edgemark.systems.trading.work.checking import count_units
from edgemark.systems.trading.work.messages import MAX_PART_BYTES, Answer, Order, Usage
from edgemark.systems.trading.work.meter import OrderRefused
from edgemark.systems.trading.work.programs import (
    MAX_LIST_BYTES,
    BadProgramList,
    ListedFile,
    ListedProgram,
    parse_programs,
)
from edgemark.systems.trading.work.turns import Rested

SLICE_S = 0.2  # of a polynomial, before whoever else waits has a turn
FIRST_SPEED = 1_000_000.0  # products a second; the slowest kernel does more, and it is measured
LOADED_S = (
    2.0  # of work, before a batch gives its memory to one that waits: more than loading takes
)
KEPT_FUNCTIONS = 4  # made ready: one takes a few times its bytes
MAX_EXECUTABLE_BYTES = 2**30
READ_BYTES = 2**20
ELF = b"\x7fELF"
US = 1_000_000

log = logging.getLogger(__name__)


class ProgramChanged(OrderRefused):
    """A file of a listed program is not the one that was listed; it is not run."""


@dataclass
class Functions:
    """The functions used last, parsed and made ready once for all their orders.

    Safe for several threads.
    """

    _kept: OrderedDict[Hash32, Polynomial] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def parse(self, digest: Hash32, encoded: bytes) -> Polynomial:
        """The function of these bytes.

        Raises:
            MalformedFunction, NotAnElement: there is none.
        """
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
                return self._kept[digest]
        function = parse_polynomial(encoded)
        with self._lock:
            self._kept[digest] = function
            while len(self._kept) > KEPT_FUNCTIONS:
                self._kept.popitem(last=False)
        return function


def check_batch(order: Order, function: bytes, data: bytes) -> None:
    """Check by the header alone what a batch would cost, and that each of its elements is one.

    Raises:
        OrderRefused: no inputs, more output than there may be, or more units than the buyer pays.
        MalformedFunction, WrongLength, NotAnElement: no function, or no batch of it.
    """
    header = size_from_header(function)
    who = f"order {order.number} of channel {order.channel.hex()}"
    inputs = count_inputs(data, header.inputs)
    if inputs == 0:
        raise OrderRefused("has no inputs", who=who, had=0, needed=">= 1")
    length = inputs * header.outputs * ELEMENT_BYTES
    if length > MAX_PART_BYTES:
        needed = f"<= {MAX_PART_BYTES} bytes"
        raise OrderRefused("has too much output", who=who, had=length, needed=needed)
    kernel.active().check(data, who="batch")


def check_units(order: Order, function: Polynomial, inputs: int) -> None:
    """Check that the buyer pays for what the batch costs.

    Raises:
        OrderRefused: it does not.
    """
    units = count_units(function, inputs)
    if units > order.most:
        who = f"order {order.number} of channel {order.channel.hex()}"
        raise OrderRefused("costs more units than are paid", who=who, had=order.most, needed=units)


@dataclass
class Evaluation:
    """A polynomial order that is worked at, slice by slice; nothing of it outlives its process.

    Args:
        order: of it.
        function: F.
        batch: packed inputs.
    """

    order: Order
    function: Polynomial
    batch: bytes
    wall_us: int = 0
    loaded_us: int = 0
    _done: int = 0
    _speed: float = FIRST_SPEED
    _values: list[bytes] = field(default_factory=list)

    @property
    def may_rest(self) -> bool:
        """Whether it was in memory for its time, since `loaded_us` of its work."""
        return self.wall_us - self.loaded_us >= LOADED_S * US

    @property
    def values_bytes(self) -> int:
        """What it computed so far."""
        return sum(map(len, self._values))

    def take_over(self, rested: Rested) -> None:
        """Go on where it was when it rested."""
        self.wall_us = self.loaded_us = rested.used.wall_us
        self._done, self._speed, self._values = rested.done, rested.speed, rested.values

    def rest(self) -> Rested:
        """What is left of it without function and batch, which the disk has."""
        return Rested(self._done, self._speed, self._values, self.used())

    @property
    def inputs(self) -> int:
        """Of the whole batch."""
        return len(self.batch) // (self.function.inputs * ELEMENT_BYTES)

    @property
    def is_done(self) -> bool:
        """Whether every input was worked at."""
        return self._done == self.inputs

    def work(self) -> float:
        """Evaluate the next inputs, for about `SLICE_S`; the seconds that it took."""
        products = max(1, self.function.product_count)
        count = min(self.inputs - self._done, max(1, int(SLICE_S * self._speed / products)))
        width = self.function.inputs * ELEMENT_BYTES
        began = time.monotonic()
        part = self.batch[self._done * width : (self._done + count) * width]
        self._values.append(self.function.evaluate(part))
        took = time.monotonic() - began
        self._speed = count * products / max(took, 1e-6)
        self._done += count
        self.wall_us += int(took * US)
        return took

    def used(self) -> Usage:
        """What counts so far; bytes count when it is answered."""
        return Usage(units=count_units(self.function, self._done), wall_us=self.wall_us)

    def conclude(self) -> tuple[Answer, bytes]:
        """The answer, and the packed values; before it is done those that there are."""
        if not self._done:
            return unstarted(self.order)
        output = b"".join(self._values)
        end = End.FINISHED if self.is_done else End.OVER_TIME
        octets = len(self.batch) + len(output)
        return _answer(self.order, end, 0, output, replace(self.used(), octets=octets))


def run_program(
    order: Order,
    program: ListedProgram,
    data: bytes,
    way: str,
    *,
    stop: threading.Event,
    told: Callable[[Usage], None],
) -> tuple[Answer, bytes]:
    """Run a listed program with a buyer's data.

    Args:
        order: of it.
        program: as it is listed.
        data: its standard input.
        way: of confinement.
        stop: ends it, without an answer that counts.
        told: called with what was used so far.

    Returns:
        The answer, whose end is `UNSTARTED` if a file is not as listed, and the output.

    Raises:
        OSError, CannotConfine: nothing can be started now.
    """
    began = time.monotonic()

    def tell(taken: Taken) -> None:
        wall_us = int((time.monotonic() - began) * US)
        told(Usage(cpu_us=_bounded(taken.cpu_us, wall_us, order, program), wall_us=wall_us))

    with ExitStack() as stack:
        try:
            handle = _open_checked(stack, program.executable, is_executable=True)
            for file in program.files:
                _open_checked(stack, file)
        except ProgramChanged as error:
            return _conclude(order, program, Outcome(End.UNSTARTED, 0, 0, 0, b"", str(error)))
        limits = replace(program.limits, cpu_s=min(program.limits.cpu_s, order.most // US))
        shown = (program.executable.path, *(file.path for file in program.files), *program.folders)
        argv = (program.executable.path, *program.argv)
        started = Program(handle, argv, limits, shown)
        outcome = run_confined(started, data, way, stop=stop, told=tell)
    return _conclude(order, program, outcome)


def _bounded(cpu_us: int, wall_us: int, order: Order, program: ListedProgram) -> int:
    """No more than the buyer can take for true: the kernel's own rounding is not its affair."""
    return min(cpu_us, order.most, wall_us * program.limits.cores)


def _conclude(order: Order, program: ListedProgram, outcome: Outcome) -> tuple[Answer, bytes]:
    if outcome.end is End.UNSTARTED:
        log.error("program %s was not run: %s", program.name, outcome.reason)
    if outcome.end in (End.UNSTARTED, End.STOPPED):
        return _answer(order, outcome.end, 0, b"", Usage())
    cpu_us = _bounded(outcome.cpu_us, outcome.wall_us, order, program)
    octets = order.data_bytes + len(outcome.output)
    used = Usage(cpu_us=cpu_us, octets=octets, wall_us=outcome.wall_us)
    return _answer(order, outcome.end, outcome.status, outcome.output, used)


def _answer(
    order: Order, end: End, status: int, output: bytes, used: Usage
) -> tuple[Answer, bytes]:
    return Answer(order.id, end, status, hash_long(output), len(output), used), output


def unstarted(order: Order) -> tuple[Answer, bytes]:
    """The answer to an order that cannot be worked at, for a reason of the seller's."""
    return _answer(order, End.UNSTARTED, 0, b"", Usage())


def _open_checked(stack: ExitStack, file: ListedFile, *, is_executable: bool = False) -> int:
    """Open a file whose bytes are those that were listed: what is checked is what is run.

    Raises:
        ProgramChanged: it is not there, no file, too large, or has another digest.
    """
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(file.path, flags if is_executable else flags | os.O_NOFOLLOW)
        stack.callback(os.close, handle)
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_EXECUTABLE_BYTES:
            raise _changed(file, "no file of a size that is read")
        digest, start = hashlib.sha256(), b""
        while part := os.read(handle, READ_BYTES):
            start = start or part[: len(ELF)]
            digest.update(part)
    except OSError as error:
        raise _changed(file, error.strerror) from error
    if digest.digest() != file.digest:
        raise _changed(file, digest.hexdigest())
    if is_executable and start != ELF:
        raise _changed(file, "a script: name its interpreter, and the script among `files`")
    return handle


def _changed(file: ListedFile, had: object) -> ProgramChanged:
    remedy = "List it anew, with the digest that it has, if it was meant to change."
    return ProgramChanged(
        "is not what was listed", who=file.path, had=had, needed=file.digest.hex(), remedy=remedy
    )


@dataclass(frozen=True)
class Catalogue:
    """What this engine runs.

    Args:
        programs: by id.
        way: of confinement; empty where there is none, and no program is run.
        why_not: what the machine lacks.
    """

    programs: dict[Hash32, ListedProgram]
    way: str
    why_not: str = ""

    def find(self, order: Order) -> ListedProgram:
        """The program that an order names.

        Raises:
            OrderRefused: it is not listed, the data are too long, or too little is paid.
        """
        who = f"order {order.number} of channel {order.channel.hex()}"
        program = self.programs.get(order.what)
        if program is None:
            needed = "a program of this seller's list"
            raise OrderRefused("names no program", who=who, had=order.what.hex(), needed=needed)
        if not self.way:
            remedy = "Order products of a polynomial, or from another seller."
            raise OrderRefused("cannot be run here", who=who, had=self.why_not, remedy=remedy)
        if order.data_bytes > program.data_bytes:
            needed = f"<= {program.data_bytes} bytes"
            raise OrderRefused("has too much data", who=who, had=order.data_bytes, needed=needed)
        if order.most < US:
            needed = f">= {US} microseconds"
            raise OrderRefused(
                "pays less than a run may take", who=who, had=order.most, needed=needed
            )
        return program


def read_catalogue(path: Path | None) -> Catalogue:
    """The seller's list of programs, and whether this machine can run them.

    Args:
        path: of the list; None where only polynomials are sold.

    Raises:
        BadProgramList: it is none.
    """
    raw = None if path is None else read_limited(path, MAX_LIST_BYTES, BadProgramList)
    programs = {} if raw is None else parse_programs(raw, str(path))
    try:
        return Catalogue(programs, find_way() if programs else "")
    except CannotConfine as error:
        return Catalogue(programs, "", str(error))


@dataclass(frozen=True)
class EngineStatus:
    """How an engine stands.

    Attributes:
        kernel: that evaluates polynomials.
        confinement: how programs are shut off: without network, files of the seller's and other
            processes; empty where no program is run.
        why_not: then what the machine lacks.
        programs: those that are offered.
        cores: processors that the programs of one channel use at one time, at most: what the
            seller's specification says, as the buyer bounds readings by it.
        open_orders: taken and not answered.
        running: of these, what is worked at now.
        fault: the last fault of this machine; empty when none came after the last answer.
    """

    kernel: str
    confinement: str
    why_not: str
    programs: tuple[ListedProgram, ...]
    cores: int
    open_orders: int
    running: int
    fault: str
