"""The house is told as its imports have it, whatever checkout it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.architecture.arrows import read_modules
from tools.print_rooms import count_rooms, draw, main, name_package, tell

from tools import print_rooms


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A kitchen below a hall, and two studies that stand on one another."""
    for place, source in {
        "__init__.py": "",
        "hall.py": "from edgemark.kitchen.stove import heat, light\nimport edgemark.absent\n",
        "kitchen/stove.py": "from pathlib import Path\nheat = light = Path()\n",
        "study/desk.py": "from edgemark import attic\n",
        "attic.py": "import edgemark.study.desk\n",
    }.items():
        path = tmp_path / "edgemark" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path


def test_rooms__have_the_arrows_of_their_imports(house: Path) -> None:
    rooms = count_rooms(read_modules(house), "edgemark")
    assert rooms.files == {"hall": 1, "kitchen": 1, "study": 1, "attic": 1}
    assert rooms.arrows == {
        ("hall", "kitchen"): 1,
        ("study", "attic"): 1,
        ("attic", "study"): 1,
    }
    assert rooms.circular == {("study", "attic"), ("attic", "study")}


def test_tell__marks_a_circle_and_counts(house: Path) -> None:
    lines = tell(count_rooms(read_modules(house), "edgemark")).splitlines()
    assert lines == [
        "attic      1  study!",
        "hall       1  kitchen",
        "kitchen    1",
        "study      1  attic!",
        "4 rooms, 4 files, 3 arrows, 2 of them on a circle",
    ]


def test_draw__is_a_flowchart(house: Path) -> None:
    drawn = draw(count_rooms(read_modules(house), "edgemark"))
    assert drawn.startswith("flowchart TD\n    attic[attic 1]\n")
    assert "    hall -->|1| kitchen" in drawn


def test_this_checkout__has_no_circle_in_a_system(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edgemark.systems.outsourcing"]) == 0
    assert ", 0 of them on a circle" in capsys.readouterr().out


def test_a_package_without_rooms__is_refused(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        print_rooms.main(["edgemark.cellar", "--sources", str(house)])
    assert ended.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "edgemark.cellar: no room below it" in told
    assert "party/evm or outsourcing" in told


@pytest.mark.parametrize(
    "asked",
    [
        "edgemark.systems.trading",
        "systems.trading",
        "systems/trading",
        "offchain/edgemark/systems/trading/",
        "trading",
    ],
)
def test_name_package__takes_what_a_reader_calls_it(asked: str) -> None:
    modules = ("edgemark.party.evm.lane", "edgemark.systems.trading.seller.seller")
    assert name_package(asked, modules) == "edgemark.systems.trading"


def test_name_package__of_the_ground_before_a_system() -> None:
    modules = ("edgemark.party.evm.lane", "edgemark.systems.party.guest")
    assert name_package("party", modules) == "edgemark.party"
    assert name_package("edgemark", modules) == "edgemark"
    assert name_package("cellar", modules) == "cellar"
