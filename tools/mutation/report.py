"""`docs/mutants.md`: how many mutants of each file the tests kill, and why the others survive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tools.mutation.mutant import Mutant
from tools.mutation.targets import Reason
from tools.mutation.verdict import State, Verdict

NEEDED_PERCENT = 95
HEAD = """# Mutants

A mutant is the code with one small change: `<` for `<=`, a statement less, a number one higher.
When no test fails, either the change makes no difference or a test is missing. `tools/mutate.py`
makes them of every contract and of the Python that handles money or proofs, and runs each against
the tests that concern it (forge first, then ape; pytest for Python); `make soak` does so for an
hour, from where the last run ended. At least {needed} % of those that make a difference have to
die.

Made by `python -m tools.mutate --report`, with the reasons of `tools/mutants.toml`. *Made* is all
mutants of a file, *tried* those of them that have a verdict for the present code, a random sample;
*same* compiles to the same code or stands below with the reason why nobody can tell the difference.
"""


@dataclass(frozen=True)
class Tried:
    """A mutant with what became of it; `line`, `before` and `after` as in the file."""

    mutant: Mutant
    line: int
    before: str
    after: str
    verdict: Verdict
    reason: Reason | None

    @property
    def state(self) -> State:
        """As the report counts it: a survivor that nobody can tell apart is the same."""
        if self.verdict.state is State.SURVIVED and self.reason is not None and self.reason.same:
            return State.EQUIVALENT
        return self.verdict.state


def percent_killed(tried: Sequence[Tried]) -> float:
    """Of those that ran and are not the same; 100 when there is none."""
    states = Counter(one.state for one in tried)
    ran = states[State.KILLED] + states[State.SURVIVED]
    return 100.0 if ran == 0 else 100.0 * states[State.KILLED] / ran


def unexplained(tried: Sequence[Tried]) -> list[Tried]:
    """Survivors that nobody has looked at."""
    return [one for one in tried if one.verdict.state is State.SURVIVED and one.reason is None]


def write_report(made: dict[str, int], tried: Sequence[Tried]) -> str:
    """The page, given how many mutants each file has."""
    lines = [HEAD.format(needed=NEEDED_PERCENT)]
    lines += ["| file | made | tried | same | killed | survived | killed |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for file, count in sorted(made.items()):
        of_file = [one for one in tried if one.mutant.path == file]
        lines.append(_row(f"`{file}`", count, of_file))
    lines.append(_row("**together**", sum(made.values()), tried))
    survivors = [one for one in tried if one.verdict.state is State.SURVIVED]
    lines += ["", "## Survivors", ""]
    if not survivors:
        lines.append("None.")
    for file in sorted({one.mutant.path for one in survivors}):
        lines += [
            f"### {file.rpartition('/')[2]}",
            "",
            "| line | is | would be | why no test fails |",
        ]
        lines.append("|---|---|---|---|")
        for one in sorted((s for s in survivors if s.mutant.path == file), key=lambda s: s.line):
            why = "**to be looked at**" if one.reason is None else one.reason.why
            same = " (same)" if one.reason is not None and one.reason.same else ""
            cells = [str(one.line), _code(one.before), _code(one.after), why + same]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, made: int, tried: Sequence[Tried]) -> str:
    states = Counter(one.state for one in tried)
    # What does not compile was never a mutant.
    made, ran = made - states[State.INVALID], len(tried) - states[State.INVALID]
    share = f"{percent_killed(tried):.1f} %" if ran else "-"
    cells = [
        name,
        made,
        ran,
        states[State.EQUIVALENT],
        states[State.KILLED],
        states[State.SURVIVED],
    ]
    return "| " + " | ".join(str(cell) for cell in [*cells, share]) + " |"


def _code(text: str) -> str:
    return "`` " + text.replace("|", "\\|") + " ``"
