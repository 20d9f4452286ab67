"""Every transcript of this folder plays to its end, and a changed one does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.scenarios.outsourcing.transcript import Cast
from tests.stage.memory.transcripts import Mismatch, lines_of, replay

FOLDER = Path(__file__).parent
TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))
PROMISED = {
    "node_sends_a_wrong_result",
    "node_is_silent_after_commitment",
    "node_signs_for_another_task",
    "node_splits_the_judges",
    "device_leaves_and_comes_back",
    "device_charges_an_honest_node",
    "job_never_starts",
    "judges_never_serve",
    "judges_never_rule",
}
UNFINISHED = {"all_nodes_start", "posting_is_refused"}  # the beginning of others; nothing began


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript__plays_to_its_end(path: Path) -> None:
    replay(path, Cast())


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript__has_a_title_and_pays_everybody_out(path: Path) -> None:
    assert path.read_text().startswith("# ")
    *_, (_, last) = lines_of(path)
    assert (last == "all is paid out") != (path.stem in UNFINISHED)


def test_promised_transcripts__are_there() -> None:
    assert {path.stem for path in TRANSCRIPTS} >= PROMISED


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("node-3 loses 6018", "node-3 loses 6017"),
        ("device is valid", "device is undecided"),
        ("index 3 is CONVICTED", "index 3 is REFUTED"),
        ("chain served 3 by 1 2: TooFewSignatures", "chain served 3 by 1 2"),
        ("chain charge wrong 3: ChargeCountOutOfRange", "chain charge wrong 3: JobPhaseWrong"),
        ("judge-1 refuses FoundVerdict WRONG", "judge-1 FoundVerdict WRONG"),
        ("judge-1 owes SubmitServed", "judge-1 owes nothing"),
        ("device looks", "device sleeps"),
        ("chain commit-wrong 3", ""),
    ],
)
def test_changed_transcript__does_not_play(tmp_path: Path, line: str, changed: str) -> None:
    text = (FOLDER / "node_sends_a_wrong_result.txt").read_text()
    assert line in text
    (tmp_path / "all_nodes_start.txt").write_text((FOLDER / "all_nodes_start.txt").read_text())
    path = tmp_path / "changed.txt"
    path.write_text(text.replace(line, changed, 1))
    with pytest.raises(Mismatch):
        replay(path, Cast())
