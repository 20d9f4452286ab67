"""The tables of payoffs in the document are those of the amounts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.drawn_pages import insert
from tools.print_payoffs import DOCUMENT, draw_all

from tools import print_payoffs


def test_document__shows_the_payoffs_of_today() -> None:
    text = DOCUMENT.read_text()
    assert insert(text, draw_all(), "payoffs") == text, "run python -m tools.print_payoffs --write"


def test_insert__marker_missing__is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the payoffs of the roles"):
        insert("nothing", draw_all(), "payoffs")


def test_program__check_of_another_document__fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.md"
    markers = "".join(f"<!-- payoffs: {name} -->\nold\n<!-- end -->\n" for name in draw_all())
    other.write_text(markers)
    monkeypatch.setattr(print_payoffs, "DOCUMENT", other)
    assert print_payoffs.main(["--check"]) == 1
    assert "--write" in capsys.readouterr().out
    assert print_payoffs.main(["--write"]) == 0
    assert print_payoffs.main(["--check"]) == 0
    assert print_payoffs.main([]) == 0
    assert "Convicted" in capsys.readouterr().out
