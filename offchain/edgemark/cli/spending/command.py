"""What every command that spends has in common: `--dry-run`, its price, and a question before it.

| | terminal | no terminal |
|---|---|---|
| spends | says its price, asks | says its price, goes ahead: the command was the order |
| is for good | says its price, asks | refuses, unless `--yes` says so |
| `--yes` | says its price, goes ahead | the same |
| `--dry-run` | all but sending; no lock, no file | the same |

A lane is opened by nobody else in the command line: whoever sends holds a `Spending`, which
`@spends` alone makes (`tests/offchain/cli/spending/test_spenders.py`).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from edgemark.cli.spending.payer import Payer
from edgemark.cli.spending.price import Price, price_of
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.errors import RefusedInput
from edgemark.journal.holding import check_free

F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound=Payer)
T = TypeVar("T")


@dataclass(frozen=True)
class Spending:
    """One run of a command that spends.

    Attributes:
        invocation: settings, and where to print.
        is_dry: nothing is to be sent.
        is_agreed: nobody is to be asked.
        for_good: what cannot be undone about it, a sentence; empty for what only spends.
    """

    invocation: Invocation
    is_dry: bool
    is_agreed: bool
    for_good: str = ""

    def carry_out(
        self,
        kind: type[E],
        act: Callable[[E], T],
        tell: Callable[[E, T], Mapping[str, object]],
        later: Callable[[E], Sequence[str]] = lambda _: (),
        *,
        text: Callable[[T], str] | None = None,
    ) -> None:
        """Rehearse it, say the price and ask; then do it, and show what it came to.

        Args:
            kind: of the station.
            act: does it; called twice, the first time with a lane that sends nothing.
            tell: what there is now.
            later: what may follow that costs, in sentences.
            text: the same for people, where lines of names and values are not it.
        """
        self.check_can_be_asked()
        settings = self.invocation.settings()
        if self.is_dry:
            with kind.rehearse(settings) as station:
                check_free(station.lane_path)
                self.show_dry(self.rehearse(station, act, later(station))[1])
            return
        with kind.open(settings) as station:
            _, price = self.rehearse(station, act, later(station))
            self.agree(price)
            done = act(station)
            facts = dict(tell(station, done))
        self.invocation.show(facts, None if text is None else text(done))

    def rehearse(
        self, station: E, act: Callable[[E], T], later: Sequence[str] = ()
    ) -> tuple[T, Price]:
        """Do it with a lane that sends nothing: what it answers, and what it would come to.

        Raises:
            RefusedInput: it would not go: as `act` says, or the account cannot pay.
        """
        lane = station.rehearsed_lane()
        done = act(station.with_lane(lane))
        return done, price_of(lane.sum_up(), station.deployment, station.address, later)

    def agree(self, price: Price) -> None:
        """Say the price, and go on only with a yes where somebody can be asked.

        Raises:
            Abort: the answer is no; nothing was sent.
        """
        click.echo(price.tell(), err=True)
        if not price.is_nothing:
            self._ask("nothing was sent")

    def agree_to_sign(self) -> None:
        """Go on to sign what cannot be undone only with a yes, where somebody can be asked.

        Raises:
            Abort: the answer is no; nothing was signed.
        """
        if self.for_good:
            self._ask("nothing was signed")

    def _ask(self, otherwise: str) -> None:
        if self.is_agreed or not is_at_terminal():
            return
        question = f"{self.for_good} Go ahead?".lstrip()
        if not click.confirm(question, err=True):
            click.echo(otherwise, err=True)
            raise click.Abort

    def show_dry(self, price: Price, facts: Mapping[str, object] | None = None) -> None:
        """Print what would be done, and its price.

        Raises:
            CannotSimulate: it is not known whether it would go.
        """
        price.rehearsal.check_known()
        calls = [f"would call {call}" for call in price.rehearsal.calls]
        text = "\n".join(["Nothing is sent.", *calls, price.tell()])
        self.invocation.show({"dry_run": True, **(facts or {}), **price.as_facts()}, text)

    def check_can_be_asked(self) -> None:
        """Check that what cannot be undone is meant.

        Raises:
            RefusedInput: nobody can be asked, and no `--yes` says so.
        """
        if self.for_good and not (self.is_agreed or self.is_dry or is_at_terminal()):
            raise RefusedInput(
                "cannot be undone, and there is no terminal to ask at",
                who=click.get_current_context().command_path,
                needed="--yes",
                remedy=f"{self.for_good} Say --yes if it is meant; --dry-run looks only.",
            )


def spends(*, for_good: str = "") -> Callable[[F], F]:
    """Mark a command that spends; it gets a `Spending` first.

    Args:
        for_good: what cannot be undone about it, a sentence.
    """

    def mark(command: F) -> F:
        @functools.wraps(command)
        def wrapped(invocation: Invocation, *args: Any, **kwargs: Any) -> Any:
            is_dry, is_agreed = kwargs.pop("is_dry"), kwargs.pop("is_agreed")
            return command(Spending(invocation, is_dry, is_agreed, for_good), *args, **kwargs)

        own = getattr(command, "__click_params__", [])
        wrapped.__click_params__ = []  # type: ignore[attr-defined]
        for option in (
            click.option("--yes", "is_agreed", is_flag=True, help="Ask nobody."),
            click.option(
                "--dry-run", "is_dry", is_flag=True, help="Do all but send; print it and its price."
            ),
        ):
            wrapped = option(wrapped)
        wrapped.__click_params__.extend(own)  # type: ignore[attr-defined]
        wrapped.spends = True  # type: ignore[attr-defined]
        return takes_settings(wrapped)  # type: ignore[return-value]

    return mark


def is_at_terminal() -> bool:
    """Whether somebody can be asked, and sees the question."""
    return sys.stdin.isatty() and sys.stderr.isatty()
