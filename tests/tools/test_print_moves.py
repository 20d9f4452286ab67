"""The diagrams in the document are those of the protocol's table."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import pytest
from tools.drawn_pages import insert
from tools.print_moves import DOCS, PAGES, Page, draw, draw_all, name_of

from tools import print_moves

EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


class Phase(Enum):
    """Three phases in a row."""

    FIRST = "first"
    SECOND = "second"
    LAST = "last"


@EACH
def test_document__shows_the_table_of_the_protocol(page: Page) -> None:
    text = (DOCS / page.name).read_text()
    assert insert(text, draw_all(page), "moves") == text, "run python -m tools.print_moves --write"


@EACH
def test_diagram__has_every_move_that_ends_a_phase(page: Page) -> None:
    for name, phases in page.parties.items():
        diagram = draw_all(page)[name]
        for before, kind, after in page.life:
            if isinstance(before, phases) and before is not after:
                arrow = f"    {before.value} --> {after.value}: "
                line = next(line for line in diagram.splitlines() if line.startswith(arrow))
                assert name_of(kind) in line.removeprefix(arrow).split(", ")


def test_draw__parallel_moves__share_an_arrow_and_loops_are_left_out() -> None:
    moves = [
        (Phase.FIRST, int, Phase.SECOND),
        (Phase.FIRST, str, Phase.SECOND),
        (Phase.FIRST, bytes, Phase.FIRST),
        (Phase.SECOND, int, Phase.LAST),
    ]
    assert draw(Phase, moves).splitlines() == [
        "stateDiagram-v2",
        "    [*] --> first",
        "    first --> second: int, str",
        "    second --> last: int",
        "    last --> [*]",
    ]


def test_insert__without_a_marker__is_refused() -> None:
    with pytest.raises(ValueError, match="device"):
        insert("nothing", {"device": "x"}, "moves")
    assert insert("<!-- moves: a -->\nold<!-- end -->", {"a": "new\n"}, "moves").endswith(
        "new\n<!-- end -->"
    )


def test_check__of_the_document__passes_and_of_another_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert print_moves.main(["--check"]) == 0
    for page in PAGES:
        changed = (DOCS / page.name).read_text().replace("SawPosted", "SawSomething")
        (tmp_path / page.name).write_text(changed)
    monkeypatch.setattr(print_moves, "DOCS", tmp_path)
    assert print_moves.main(["--check"]) == 1
    assert "--write" in capsys.readouterr().out
    assert print_moves.main(["--write"]) == 0
    for page in PAGES:
        assert (tmp_path / page.name).read_text() == (DOCS / page.name).read_text()
