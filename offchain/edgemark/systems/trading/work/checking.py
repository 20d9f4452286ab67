"""What a buyer checks of answers before it signs what they cost. Pure.

| said            | checked against                                                            |
|-----------------|----------------------------------------------------------------------------|
| values of F     | recomputed: all of them, or inputs drawn at random after they were given   |
| units           | `count_units` of function and batch: exact                                 |
| bytes           | lengths of data and output: exact                                          |
| processor time  | <= wall time * cores, and what the order allows                            |

A sample of s of B inputs misses w wrong ones with a chance of C(B - w, s) / C(B, s), below
(1 - w/B)^s: one value wrong is found only by recomputing all, every tenth by 44 inputs but for one
time in a hundred. It finds a seller that does not do the work; a value that matters by itself is
recomputed. A seller that returned wrong values is not paid for that interval, nor asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field import kernel
from edgemark.crypto.field.field import ELEMENT_BYTES, NotAnElement
from edgemark.crypto.field.plain import count_inputs
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import Polynomial
from edgemark.errors import PeerFault, RefusedInput
from edgemark.systems.trading.work.messages import Answer, Order, OrderKind, Usage


class WrongAnswer(PeerFault):
    """An answer is not what was ordered."""


class WrongReading(PeerFault):
    """What an answer says was used cannot be true."""


def count_units(function: Polynomial, inputs: int) -> int:
    """Products that `inputs` inputs of a function cost; the same whoever counts.

    Args:
        function: F.
        inputs: of the batch.
    """
    return function.product_count * inputs


def draw_inputs(inputs: int, count: int, randomness: Randomness) -> list[int]:
    """Positions of `count` different inputs of a batch, ascending; all when there are no more.

    Args:
        inputs: of the batch.
        count: how many are recomputed, >= 1.
        randomness: the source; it is asked after the values were given, else they are known.
    """
    if count < 1:
        raise RefusedInput("checks nothing", who="sample", had=count, needed=">= 1")
    left = list(range(inputs))
    for place in range(min(count, inputs)):  # Fisher and Yates, as far as it is needed
        other = place + _below(inputs - place, randomness)
        left[place], left[other] = left[other], left[place]
    return sorted(left[: min(count, inputs)])


def _below(bound: int, randomness: Randomness) -> int:
    """A whole number, uniform in 0..bound-1."""
    while True:
        number = int.from_bytes(randomness.octets(8), "big")
        if number < 2**64 // bound * bound:
            return number % bound


def check_values(
    function: Polynomial, batch: bytes, values: bytes, chosen: Sequence[int] | None = None
) -> None:
    """Recompute values of F.

    Args:
        function: F.
        batch: packed B x k inputs.
        values: packed B x n outputs that were answered.
        chosen: positions of the inputs that are recomputed; all when not given.

    Raises:
        WrongAnswer: other lengths, no elements, or another value; it says of which input.
    """
    inputs = count_inputs(batch, function.inputs)
    row = function.outputs * ELEMENT_BYTES
    if len(values) != inputs * row:
        needed = f"{inputs * row} bytes"
        raise WrongAnswer("has another length", who="values", had=len(values), needed=needed)
    places = range(inputs) if chosen is None else chosen
    width = function.inputs * ELEMENT_BYTES
    wanted = b"".join(batch[at * width : (at + 1) * width] for at in places)
    computed = function.evaluate(wanted)
    for number, at in enumerate(places):
        if values[at * row : (at + 1) * row] != computed[number * row : (number + 1) * row]:
            raise WrongAnswer("is not F of its input", who=f"value {at}")
    try:
        kernel.active().check(values, who="values")
    except NotAnElement as error:
        raise WrongAnswer("holds what is no element", who=error.who) from error


def count_answered(function: Polynomial, batch: bytes, values: bytes) -> int:
    """Inputs of which there are values where service ended before all had theirs: the first ones.

    Args:
        function: F.
        batch: packed B x k inputs.
        values: packed, that were answered.

    Raises:
        WrongAnswer: it is none of them, or all.
    """
    answered = len(values) // (function.outputs * ELEMENT_BYTES)
    inputs = count_inputs(batch, function.inputs)
    if not 0 < answered < inputs:
        needed = f"1..{inputs - 1} of {inputs}"
        raise WrongAnswer("is no beginning", who="values", had=answered, needed=needed)
    return answered


@dataclass(frozen=True)
class Work:
    """What a buyer knows of what it ordered.

    Args:
        order: as it was sent.
        units: that what was answered costs: `count_units`; 0 for a program.
        cores: that the program may use at one time; 0 for a polynomial.
    """

    order: Order
    units: int
    cores: int


def check_answer(work: Work, answer: Answer, output: bytes, elapsed_us: int) -> None:
    """Check what an answer says of itself; what F is, `check_values` checks.

    Args:
        work: what was ordered.
        answer: to it.
        output: that came with it.
        elapsed_us: microseconds from before the order was sent to after the answer was there.

    Raises:
        WrongAnswer: it answers another order, or the output is another.
        WrongReading: it counts what cannot have been used.
    """
    order, used = work.order, answer.used
    if answer.order != order.id:
        needed = order.id.hex()
        raise WrongAnswer(
            "answers another order", who="answer", had=answer.order.hex(), needed=needed
        )
    if (len(output), hash_long(output)) != (answer.output_bytes, answer.output):
        raise WrongAnswer(
            "comes with another output",
            who="answer",
            had=f"{len(output)} bytes",
            needed=f"{answer.output_bytes} bytes with digest {answer.output.hex()}",
        )
    _check_end(order.kind, answer.end)
    if answer.end is End.UNSTARTED:
        _check_nothing(used, output)
        return
    _check_exactly("units", used.units, work.units)
    _check_exactly("bytes", used.octets, order.data_bytes + len(output))
    _check_most("wall time", used.wall_us, elapsed_us)
    is_program = order.kind is OrderKind.PROGRAM
    cpu_us = min(order.most, used.wall_us * work.cores) if is_program else 0
    _check_most("processor time", used.cpu_us, cpu_us)


def _check_end(kind: OrderKind, end: End) -> None:
    """A seller that stops a run itself has no answer, and whoever would pay for it no reason."""
    if end is End.UNSTARTED:
        return
    if kind is OrderKind.POLYNOMIAL and end not in (End.FINISHED, End.OVER_TIME):
        raise WrongAnswer("ended as no polynomial does", who="answer", had=end)
    if end is End.STOPPED:
        raise WrongAnswer("ended as no run that is answered does", who="answer", had=end)


def _check_nothing(used: Usage, output: bytes) -> None:
    """What never began has no output, and costs nothing on any meter."""
    for what, had in (*asdict(used).items(), ("bytes of output", len(output))):
        _check_exactly(what, had, 0)


def _check_exactly(what: str, had: int, needed: int) -> None:
    if had != needed:
        raise WrongReading("is not what was ordered", who=what, had=had, needed=needed)


def _check_most(what: str, had: int, most: int) -> None:
    if had > most:
        raise WrongReading("is more than there can be", who=what, had=had, needed=f"<= {most}")
