"""What a user wants computed, as orders of a channel, and what comes back, checked. Pure.

A batch may be cut into pieces: each is an order, and what is served and not paid for is no more
than a piece. All orders that make up one result are a `Lot`.

| meter              | units that a request uses at most                          |
|--------------------|------------------------------------------------------------|
| `products`         | `count_units` of function and piece                        |
| `bytes`            | of the data, and of the output at most                     |
| `cpu-milliseconds` | what the user pays for at most; a polynomial uses none     |
| `seconds`          | none: time is paid, whatever is asked                      |
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgemark.amounts import Amount
from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.crypto.field.plain import count_inputs
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import Polynomial
from edgemark.encoding import MalformedMessage
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, Tokens
from edgemark.systems.trading.buyer.purchase import MAX_REQUESTS
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import Answer, Request
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import MAX_COUNT, Tariff, find_edges
from edgemark.systems.trading.work import checking
from edgemark.systems.trading.work.checking import WrongAnswer, count_units, draw_inputs
from edgemark.systems.trading.work.messages import (
    MAX_PART_BYTES,
    Order,
    OrderKind,
    Usage,
)
from edgemark.systems.trading.work.messages import Answer as WorkAnswer

ALL = 0  # inputs of a sample: every one


@dataclass(frozen=True)
class Wanted:
    """What a user wants done, before there is a channel for it.

    Attributes:
        kind: polynomial or program.
        what: H(F), or the digest of a program of the seller's list.
        function: canonical bytes of F; empty for a program.
        pieces: data of each order.
        most: of each: units, or microseconds of processor time, that are paid for at most.
        output_bytes: of each at most.
    """

    kind: OrderKind
    what: Hash32
    function: bytes
    pieces: tuple[bytes, ...]
    most: tuple[int, ...]
    output_bytes: tuple[int, ...]

    @staticmethod
    def polynomial(function: Polynomial, batch: bytes, pieces: int = 1) -> Wanted:
        """F at every input of a batch.

        Args:
            function: F.
            batch: packed inputs.
            pieces: into which it is cut, 1 .. `MAX_REQUESTS`.

        Raises:
            RefusedInput: no input, fewer than pieces, or a piece that is too large.
        """
        width, inputs = function.inputs * ELEMENT_BYTES, count_inputs(batch, function.inputs)
        if not 1 <= pieces <= min(inputs, MAX_REQUESTS):
            needed = f"1..{min(inputs, MAX_REQUESTS)}"
            raise RefusedInput("cannot be cut so", who="pieces", had=pieces, needed=needed)
        cuts = [inputs * number // pieces for number in range(pieces + 1)]
        spans = list(itertools.pairwise(cuts))
        row = function.outputs * ELEMENT_BYTES
        wanted = Wanted(
            OrderKind.POLYNOMIAL,
            function.hash,
            function.to_bytes(),
            tuple(batch[begin * width : end * width] for begin, end in spans),
            tuple(count_units(function, end - begin) for begin, end in spans),
            tuple((end - begin) * row for begin, end in spans),
        )
        wanted.check_sizes("Cut the batch into more pieces.")
        return wanted

    @staticmethod
    def program(
        digest: Hash32, data: bytes, cpu_us: int, output_bytes: int = MAX_PART_BYTES
    ) -> Wanted:
        """A program of the seller's list, with these data; its output is no longer than told."""
        most, bound = (cpu_us,), (output_bytes,)
        wanted = Wanted(OrderKind.PROGRAM, digest, b"", (data,), most, bound)
        wanted.check_sizes("Order it with less.")
        return wanted

    def check_sizes(self, remedy: str) -> None:
        """Check that everything fits into a part.

        Raises:
            RefusedInput: it does not.
        """
        longest = max(len(self.function), *map(len, self.pieces), *self.output_bytes)
        if longest > MAX_PART_BYTES:
            had, needed = f"{longest} bytes", f"<= {MAX_PART_BYTES}"
            raise RefusedInput("is too large", who="order", had=had, needed=needed, remedy=remedy)

    def count(self, meter: Meter) -> list[int]:
        """Units of a meter that each order uses at most."""
        sizes = zip(self.pieces, self.most, self.output_bytes, strict=True)
        return [_most_of(self.kind, most, len(data) + out).on(meter) for data, most, out in sizes]

    def orders(self, channel: ChannelId, first: int) -> tuple[Order, ...]:
        """One of each piece, numbered from `first` on."""
        return tuple(
            Order(
                channel,
                first + place,
                self.kind,
                self.what,
                len(self.function),
                hash_long(data),
                len(data),
                most,
            )
            for place, (data, most) in enumerate(zip(self.pieces, self.most, strict=True))
        )


def _most_of(kind: OrderKind, most: int, octets: int) -> Usage:
    is_program = kind is OrderKind.PROGRAM
    units, cpu_us = (0, most) if is_program else (most, 0)
    return Usage(units, cpu_us, octets)


def price_at_most(tariff: Tariff, units: Sequence[int]) -> Tokens:
    """What units can cost together, the first price included: each in the dearest register.

    Raises:
        AmountTooLarge: no amount is as large.
    """
    registers = range(tariff.strategy.registers)
    total = min(sum(units), MAX_COUNT)
    shown = [tuple(total * (each == place) for each in registers) for place in registers]
    return Tokens(max(tariff.compute_owed(each) for each in shown))


def price_between(tariff: Tariff, units: int, least: int, most: int) -> Tokens:
    """What units in a row cost at most that begin between these two of their channel.

    A part of a smallest unit is rounded as at the beginnings that are tried: where weights change.

    Raises:
        AmountTooLarge: no amount is as large.
    """
    strategy = tariff.strategy
    if strategy.registers > 1:  # whatever was used before weighs as much
        return Tokens(price_at_most(tariff, [units]) - tariff.first_price)
    units = min(units, MAX_COUNT)
    edges = find_edges(strategy, least, most + units)
    begins = {least, most, *edges, *(edge - units for edge in edges)}
    fees = (
        tariff.compute_fee((begin,), (min(begin + units, MAX_COUNT),))
        for begin in begins
        if least <= begin <= most
    )
    return max(fees, default=Tokens(0))


def check_cap(
    tariff: Tariff, units: Sequence[int], cap: Tokens, begun: int = 0, open_units: int = 0
) -> None:
    """Check that a seller may ever take each of these orders: at its place, behind the others.

    Args:
        tariff: of the channel.
        units: that each order uses at most; none where time alone is paid.
        cap: of an interval.
        begun: units that the channel used already.
        open_units: that its open orders use at most.

    Raises:
        RefusedInput: one costs more than an interval may.
    """
    dearest, most = Tokens(0), begun + open_units
    for each in units:
        dearest = max(dearest, price_between(tariff, each, begun, most))
        most += each
    if dearest > cap:
        raise RefusedInput(
            "costs more than an interval of this channel may",
            who="order",
            had=Amount(dearest),
            needed=f"<= {Amount(cap)}",
            remedy="Cut it into pieces (--pieces), or open another channel with a larger --cap.",
        )


@dataclass(frozen=True)
class Lot:
    """Orders of one channel whose outputs make up one result.

    Attributes:
        orders: of consecutive numbers.
        output_bytes: of each at most.
        cores: that a program may use at one time; 0 for polynomials.
        sample: inputs of each answer that are computed again; `ALL`.
        out: file for the result; empty for none.
        asked_at_us: when it was ordered, Unix microseconds of this machine.
    """

    orders: tuple[Order, ...]
    output_bytes: tuple[int, ...]
    cores: int
    sample: int
    out: str
    asked_at_us: int

    @property
    def first(self) -> int:
        """Number of its first order."""
        return self.orders[0].number

    @property
    def numbers(self) -> range:
        """Of its orders."""
        return range(self.first, self.first + len(self.orders))

    def order(self, number: int) -> Order:
        """The one of this number."""
        return self.orders[number - self.first]

    def request(self, number: int, meter: Meter) -> Request:
        """As it is asked for in a letter."""
        order, out = self.order(number), self.output_bytes[number - self.first]
        most = _most_of(order.kind, order.most, order.data_bytes + out).on(meter)
        return Request(number, min(most, MAX_COUNT), order.to_bytes())

    def check_output(
        self,
        answer: Answer,
        output: bytes,
        function: Polynomial | None,
        data: bytes,
        meter: Meter,
        elapsed_us: int,
        randomness: Randomness,
    ) -> None:
        """Check an answer with its output: what it says, what it counts, and the values.

        Args:
            answer: of the seller.
            output: the bytes that it names.
            function: F; None for a program.
            data: of the order.
            meter: of the channel.
            elapsed_us: microseconds since it was ordered.
            randomness: chooses a sample, once the values are there.

        Raises:
            WrongAnswer, WrongReading: it is not what was ordered, or counts more than was used.
        """
        told, order = read_answer(answer), self.order(answer.number)
        units = 0 if order.kind is OrderKind.PROGRAM else order.most
        if function is not None and told.end is End.OVER_TIME:  # the first values are paid
            inputs = checking.count_answered(function, data, output)
            data = data[: inputs * function.inputs * ELEMENT_BYTES]
            units = count_units(function, inputs)
        out = self.output_bytes[answer.number - self.first]
        work = checking.Work(order, units, self.cores)
        checking.check_answer(work, told, output, elapsed_us)
        if len(output) > out:
            needed = f"<= {out} bytes"
            raise WrongAnswer("is too long", who="output", had=len(output), needed=needed)
        if answer.units > told.used.on(meter):
            needed = f"<= {told.used.on(meter)}"
            raise WrongAnswer(
                "counts more than it used", who="answer", had=answer.units, needed=needed
            )
        if function is None or told.end is End.UNSTARTED:
            return  # what never began costs nothing, and has no values
        chosen = None
        if self.sample != ALL:
            inputs = count_inputs(data, function.inputs)
            chosen = draw_inputs(inputs, self.sample, randomness)
        checking.check_values(function, data, output, chosen)


def read_answer(answer: Answer) -> WorkAnswer:
    """What became of an order, as the content of its answer says.

    Raises:
        WrongAnswer: it says nothing that can be read.
    """
    try:
        return WorkAnswer.from_bytes(answer.content)
    except (MalformedMessage, RefusedInput) as error:
        raise WrongAnswer(
            "cannot be read", who=f"answer {answer.number}", had=error.what, needed="an answer"
        ) from error


def draft_lot(
    wanted: Wanted,
    channel: ChannelId,
    first: int,
    *,
    cores: int,
    sample: int,
    out: str,
    asked_at_us: int,
) -> Lot:
    """What is wanted, in a channel.

    Args:
        wanted: of the user.
        channel: that is open.
        first: number of the first order; one more than the newest.
        cores: of the seller's specification.
        sample: inputs that are computed again; `ALL`.
        out: file of the result.
        asked_at_us: now.
    """
    of_program = cores if wanted.kind is OrderKind.PROGRAM else 0
    orders = wanted.orders(channel, first)
    return Lot(orders, wanted.output_bytes, of_program, sample, out, asked_at_us)


def with_out(lot: Lot, out: str) -> Lot:
    """The same for another file."""
    return replace(lot, out=out)
