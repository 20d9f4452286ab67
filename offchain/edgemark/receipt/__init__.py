"""The receipt that ends every demonstration and that everything real can print.

A check compares what was measured with what was computed elsewhere (the plain classifier, a sum of
balances read from the chain), never with a constant written for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgemark.amounts import format_tokens
from edgemark.receipt.exhibits import Exhibits
from edgemark.words import in_words, show_measured

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One comparison: `seen` was measured, `expected` was computed elsewhere."""

    name: str
    passed: bool
    seen: str
    expected: str


@dataclass(frozen=True)
class PartyBalance:
    """One party's tokens, wallet and anchor together, in the smallest unit.

    Attributes:
        role: what it is there for; empty where its name says so.
        account: on the chain; empty where it does not matter.
    """

    name: str
    role: str
    before: int
    after: int
    account: str = ""


@dataclass
class Receipt:
    """What was done, what it cost, and whether everything adds up.

    Attributes:
        system: name of the system.
        about: when and where it was, and with what; what a reader needs to look for himself.
        caveats: what a reader must know before he trusts it; said first.
        seconds: seconds by part.
        evidence: whatever was measured; must be JSON.
        balance_columns: what `before` and `after` of the parties mean to a reader.
        exhibits: what the page of HTML shows beside all that.
    """

    system: str
    about: dict[str, str] = field(default_factory=dict)
    caveats: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    parties: list[PartyBalance] = field(default_factory=list)
    tokens_before: int = 0
    tokens_after: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    evidence: dict[str, object] = field(default_factory=dict)
    balance_columns: tuple[str, str] = ("before", "after")
    exhibits: Exhibits = field(default_factory=Exhibits)

    @property
    def ok(self) -> bool:
        """Whether there are checks and all of them passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def compare(self, name: str, seen: T, expected: T) -> bool:
        """Add a check that two values are equal."""
        self.checks.append(Check(name, seen == expected, in_words(seen), in_words(expected)))
        return seen == expected

    def compare_tokens(self, name: str, seen: int, expected: int) -> bool:
        """Add a check that two amounts are equal to the smallest unit; shown in MTC."""
        shown = (format_tokens(seen), format_tokens(expected))
        self.checks.append(Check(name, seen == expected, *shown))
        return seen == expected

    def require(self, name: str, passed: bool, seen: object, expected: object) -> bool:
        """Add a check that is not an equality."""
        self.checks.append(Check(name, passed, in_words(seen), in_words(expected)))
        return passed

    def as_dict(self) -> dict[str, object]:
        """The receipt as JSON has it; token amounts as decimal strings of the smallest unit."""
        return {
            "system": self.system,
            "ok": self.ok,
            "about": self.about,
            "caveats": self.caveats,
            "checks": [vars(check) for check in self.checks],
            "parties": [
                {**vars(party), "before": str(party.before), "after": str(party.after)}
                for party in self.parties
            ],
            "tokens_before": str(self.tokens_before),
            "tokens_after": str(self.tokens_after),
            "seconds": {part: round(took, 6) for part, took in self.seconds.items()},
            "evidence": self.evidence,
        }

    def print(self, console: Console) -> None:
        """The receipt for people."""
        console.rule(f"[bold]Receipt: {self.system}")
        for caveat in self.caveats:
            console.print(caveat, style="yellow", markup=False)
        self._print_facts(console, "About", self.about)
        self._print_parties(console)
        self._print_costs(console)
        self._print_facts(console, "Measured", self.evidence)
        self._print_checks(console)
        verdict = "[bold green]EVERYTHING ADDS UP" if self.ok else "[bold red]SOMETHING IS WRONG"
        console.print(verdict)

    def _print_parties(self, console: Console) -> None:
        table = Table(title="Tokens (MTC)", title_justify="left")
        for name in ("party", "role"):
            table.add_column(name)
        for name in (*self.balance_columns, "change"):
            table.add_column(name, justify="right")
        for party in self.parties:
            table.add_row(
                party.name,
                party.role,
                format_tokens(party.before),
                format_tokens(party.after),
                format_tokens(party.after - party.before, sign=True),
            )
        table.add_section()
        table.add_row(
            "all",
            "",
            format_tokens(self.tokens_before),
            format_tokens(self.tokens_after),
            format_tokens(self.tokens_after - self.tokens_before, sign=True),
        )
        console.print(table)

    def _print_costs(self, console: Console) -> None:
        table = Table(title="Seconds", title_justify="left")
        table.add_column("part")
        table.add_column("s", justify="right")
        for part, took in self.seconds.items():
            table.add_row(part, f"{took:.6f}" if took < 0.01 else f"{took:.3f}")
        console.print(table)

    def _print_facts(self, console: Console, title: str, facts: Mapping[str, object]) -> None:
        table = Table(title=title, title_justify="left", show_header=False)
        table.add_column("what")
        table.add_column("value", overflow="fold")
        for what, value in facts.items():
            table.add_row(what.replace("_", " "), Text(show_measured(value)))
        if facts:
            console.print(table)

    def _print_checks(self, console: Console) -> None:
        table = Table(title="Checks", title_justify="left")
        for name in ("", "check", "seen", "expected"):
            table.add_column(name, overflow="fold")
        for check in self.checks:
            mark = "[green]yes" if check.passed else "[red]NO"
            table.add_row(mark, *map(Text, (check.name, check.seen, check.expected)))
        console.print(table)
