"""The receipt that ends every demonstration and that everything real can print.

A check compares what was measured with what was computed elsewhere (the plain classifier, a sum of
balances read from the chain), never with a constant written for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from edgemark.identifiers import format_tokens
from edgemark.receipt.exhibits import Exhibits

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
    """One party's tokens, wallet and anchor together, in the smallest unit."""

    name: str
    role: str
    before: int
    after: int


@dataclass
class Receipt:
    """What was done, what it cost, and whether everything adds up.

    Attributes:
        system: name of the system.
        seconds: seconds by part.
        evidence: whatever lets a reader look for himself; must be JSON.
        balance_columns: what `before` and `after` of the parties mean to a reader.
        exhibits: what the page of HTML shows beside all that.
    """

    system: str
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
        self.checks.append(Check(name, seen == expected, str(seen), str(expected)))
        return seen == expected

    def compare_tokens(self, name: str, seen: int, expected: int) -> bool:
        """Add a check that two amounts are equal to the smallest unit; shown in MTC."""
        shown = (format_tokens(seen), format_tokens(expected))
        self.checks.append(Check(name, seen == expected, *shown))
        return seen == expected

    def require(self, name: str, passed: bool, seen: object, expected: object) -> bool:
        """Add a check that is not an equality."""
        self.checks.append(Check(name, passed, str(seen), str(expected)))
        return passed

    def as_dict(self) -> dict[str, object]:
        """The receipt as JSON has it; token amounts as decimal strings of the smallest unit."""
        return {
            "system": self.system,
            "ok": self.ok,
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
        self._print_parties(console)
        self._print_costs(console)
        self._print_evidence(console)
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

    def _print_evidence(self, console: Console) -> None:
        table = Table(title="Measured", title_justify="left", show_header=False)
        table.add_column("what")
        table.add_column("value", overflow="fold")
        for what, value in self.evidence.items():
            shown = f"{value:,}" if isinstance(value, int) else str(value)
            table.add_row(what.replace("_", " "), shown)
        console.print(table)

    def _print_checks(self, console: Console) -> None:
        table = Table(title="Checks", title_justify="left")
        for name in ("", "check", "seen", "expected"):
            table.add_column(name, overflow="fold")
        for check in self.checks:
            mark = "[green]yes" if check.passed else "[red]NO"
            table.add_row(mark, check.name, check.seen, check.expected)
        console.print(table)


def format_time(second: int) -> str:
    """A Unix second for people, in UTC."""
    return datetime.fromtimestamp(second, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
