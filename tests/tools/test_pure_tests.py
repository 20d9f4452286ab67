"""What runs beside whole jobs waits for nothing but a processor."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.pure_tests import ROOT, find_pure, is_pure

FEW = 10
FEWEST = 200  # files; fewer say that the rule sees times everywhere


def write_tests(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        place = root / "tests" / f"{name}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root / "tests" / "test_it.py"


def test_a_file__that_computes__is_pure(tmp_path: Path) -> None:
    assert is_pure(write_tests(tmp_path, test_it="import json\nfrom pathlib import Path"), tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "import threading",
        "pytestmark = pytest.mark.chain",
        "from concurrent.futures import ThreadPoolExecutor",
        "wait_until('it is there', bool)",
        "time.sleep(1)",
        "thread.join(timeout=3)",
        "pytestmark = whole_stage" + "(30)",
    ],
)
def test_a_file__that_names_what_has_a_time__is_not(tmp_path: Path, line: str) -> None:
    assert not is_pure(write_tests(tmp_path, test_it=line), tmp_path)


def test_a_file__that_says_it_may_wait__is_counted_in(tmp_path: Path) -> None:
    text = "pytestmark = pytest.mark" + ".patient\nimport socket"
    assert is_pure(write_tests(tmp_path, test_it=text), tmp_path)


def test_a_file__whose_imports_import_it__is_not(tmp_path: Path) -> None:
    texts = {"test_it": "from tests import near", "near": "import tests.far"}
    path = write_tests(tmp_path, **texts, far="import socket")
    assert not is_pure(path, tmp_path)
    other = tmp_path / "calm"
    assert is_pure(write_tests(other, **texts, far="import math"), other)


def test_this_checkout__has_many_pure_files_and_none_that_starts_a_chain() -> None:
    found = find_pure()
    assert len(found) > FEWEST
    texts = {name: (ROOT / name).read_text() for name in found}
    patient = {name for name, text in texts.items() if ".patient" in text}
    assert not [name for name in {*texts} - patient if "mark.chain" in texts[name]]
    assert 0 < len(patient) < FEW
    assert not [name for name in found if name.startswith("tests/contracts/")]
    assert not [name for name in find_pure(["trading"]) if "/systems/trading/" in name]
