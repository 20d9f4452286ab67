"""A buyer on the stage as its user drives it: by commands, and by what its home shows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgemark.amounts import write_tokens
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial import DenseQuadratic, Polynomial
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.demo.commands import run_command, show_command
from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.patience import NotInTime
from edgemark.demo.progress import awaiting
from edgemark.files import write_whole
from edgemark.identifiers import Tokens
from edgemark.loop.replay import list_keys, look_up
from edgemark.party.wishes.asking import ask
from edgemark.systems.trading.buyer.granting import TOP_UP
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.work.checking import count_units

LOOK_S = 0.2
LIMIT_S = 900.0  # for whatever is awaited, on a machine that is busy with much else
INPUTS = 20  # variables of each function
ROWS = 216  # inputs of a piece: with 231 coefficients a little less than 50,000 products
ID_BYTES = 32  # of a channel
MODULUS = 1009  # of the numbers in functions and inputs


def await_that(
    words: str, holds: Callable[[], bool], *, beside: Future[None] | None = None
) -> None:
    """Wait until something holds.

    Args:
        words: what.
        holds: whether it does.
        beside: what goes on meanwhile, and raises what it comes to.

    Raises:
        NotInTime: it does not.
    """
    deadline = time.monotonic() + LIMIT_S
    with awaiting(words):
        while not holds():
            if beside is not None and beside.done():
                beside.result()
            if time.monotonic() > deadline:
                raise NotInTime.after(LIMIT_S, words)
            time.sleep(LOOK_S)


@dataclass(frozen=True)
class Work:
    """What a buyer wants computed: a quadratic function at some inputs.

    Attributes:
        seed: gives the numbers.
        pieces: orders of `ROWS` inputs each.
    """

    seed: int
    pieces: int

    @cached_property
    def function(self) -> Polynomial:
        """F, of all monomials up to degree 2."""
        pairs = [(i, j) for i in range(INPUTS) for j in range(i, INPUTS)]
        monomials = [(), *((i,) for i in range(INPUTS)), *pairs]
        terms = {each: (self._number(place),) for place, each in enumerate(monomials)}
        return DenseQuadratic.from_terms(INPUTS, 1, terms)

    @cached_property
    def rows(self) -> list[list[int]]:
        """The inputs."""
        many = range(self.pieces * ROWS)
        return [[self._number(row * INPUTS + place) for place in range(INPUTS)] for row in many]

    @cached_property
    def expected(self) -> list[list[int]]:
        """F at all inputs, computed by this process, as a buyer's result has it."""
        packed = FIELD.pack([number for row in self.rows for number in row])
        values = FIELD.unpack(self.function.evaluate(packed))
        return [[to_signed(value)] for value in values]

    @property
    def units(self) -> int:
        """Products that it takes."""
        return count_units(self.function, len(self.rows))

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Files of function and inputs."""
        function, inputs = (folder / f"work-{self.seed}.{end}" for end in ("function", "json"))
        write_whole(function, self.function.to_bytes())
        write_whole(inputs, json.dumps(self.rows).encode())
        return function, inputs

    def _number(self, place: int) -> int:
        return 1 + (self.seed * 7919 + place * place + 31 * place) % MODULUS


@dataclass(frozen=True)
class Money:
    """What a buyer puts into a channel, and what an interval of it may cost; smallest units."""

    deposit: Tokens
    bond: Tokens
    cap: Tokens


class Customer:
    """The user of a buyer that runs.

    Args:
        actor: the buyer.
        terms: options of every purchase.
    """

    def __init__(self, actor: EvmActor, terms: Sequence[str]) -> None:
        self.actor, self.name = actor, actor.name
        self._terms = tuple(terms)
        self.typed: list[str] = []

    @property
    def home(self) -> Path:
        """Its folder."""
        return self.actor.home

    def out_of(self, work: Work) -> Path:
        """Where the result of some work goes: outside the home, which may be wiped."""
        return self.home.with_name(f"{self.home.name}-{work.seed}.result")

    def answers(self, work: Work) -> list[list[int]]:
        """The result of some work, as far as it is there."""
        path = self.out_of(work)
        answers: list[list[int]] = json.loads(path.read_text()) if path.exists() else []
        return answers

    def buy(self, work: Work, money: Money) -> None:
        """Buy some work in a channel of its own, and stay until its result is there."""
        function, inputs = work.write(self.home.parent)
        self.type(
            *("trading", "buy", *self._terms, "--keep-open"),
            *("--function", str(function), "--input", str(inputs)),
            *("--out", str(self.out_of(work)), "--pieces", str(work.pieces)),
            *("--deposit", write_tokens(money.deposit), "--bond", write_tokens(money.bond)),
            *("--cap", write_tokens(money.cap), "--credit", write_tokens(money.cap)),
        )

    def top_up(self, channel: ChannelId, amount: Tokens) -> None:
        """Add to a deposit, by the wish that `edgemark trading topup` leaves with the buyer."""
        facts = {"channel": channel.hex(), "amount": int(amount)}
        ask(self.home, TOP_UP, facts, LIMIT_S, lambda: self.actor.runs)

    def close(self, channel: ChannelId) -> None:
        """Ask for nothing more: the seller bills what is left, and ends it."""
        self.type("trading", "close", channel.hex())

    def type(self, *words: str) -> str:
        """Run a command in its home; what it printed.

        Raises:
            Unrecoverable: its exit status is not 0.
        """
        line = [*words, "--home", str(self.home), "--yes"]
        self.typed.append(show_command(line))
        return run_command(self.home.parent, line)

    def channels(self) -> list[ChannelId]:
        """All that it ever began, in no order."""
        keys = list_keys(self.home, "buyer")
        return [ChannelId(key) for key in keys if len(key) == ID_BYTES]

    def state(self, channel: ChannelId) -> Purchase:
        """What it remembers of a channel, by its journal."""
        return look_up(self.home, "buyer", PartyMachine(Purchase), channel) or Purchase()

    def await_channel(self, known: Sequence[ChannelId] = (), *, beside: Future[None]) -> ChannelId:
        """The next channel that it begins, by what goes on meanwhile."""
        found: list[ChannelId] = []

        def is_there() -> bool:
            found[:] = [each for each in self.channels() if each not in known]
            return bool(found)

        await_that(f"channel of {self.name}", is_there, beside=beside)
        return found[0]
