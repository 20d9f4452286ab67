"""Each test runs for the systems that it is about: those of a system for it, the others always."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.architecture.checkout import find_files, relative
from tools.systems_of_tests import GROUND, ROOT, belongs_to, list_systems, name_others


def system_of_ours(folder: Path, *names: str) -> Path:
    """A checkout with these systems."""
    for name in names:
        room = folder / "offchain" / "edgemark" / "systems" / name
        room.mkdir(parents=True)
        (room / "__init__.py").touch()
    (folder / "offchain" / "edgemark" / "systems" / "no_package").mkdir()
    return folder


def test_list_systems__names_the_packages_alone(tmp_path: Path) -> None:
    assert list_systems(system_of_ours(tmp_path, "trading", "identity")) == ["identity", "trading"]
    assert "outsourcing" in list_systems()


@pytest.mark.parametrize(
    ("wanted", "others"),
    [(None, []), ("identity", ["trading"]), (GROUND, ["identity", "trading"])],
)
def test_name_others__are_all_that_nobody_asked_for(wanted: str | None, others: list[str]) -> None:
    assert name_others(wanted, ["identity", "trading"]) == others


@pytest.mark.parametrize(
    ("path", "is_theirs"),
    [
        ("tests/offchain/systems/trading/seller/test_seller.py", True),
        ("tests/contracts/trading", True),
        ("tests/contracts/invariants/trading/Sale.t.sol", True),
        ("tests/contracts/boundaries/trading", True),
        ("tests/offchain/cli/trading/test_orders.py", True),
        ("tests/end_to_end/trading/evening/test_sales.py", True),
        ("tests/scenarios/trading/test_scripts.py", True),
        ("tests/soak/trading/__main__.py", True),
        ("tests/scripts/test_trading_script.py", True),
        ("tests/scripts/test_trading.py", True),
        ("tests/tools/test_gas_of_trading.py", True),
        ("tests", False),
        ("tests/trading/test_any.py", False),
        ("tests/scripts/trading", False),
        ("tests/scripts/test_script_of_trading.py", False),
        ("tests/offchain/loop/trading/test_runtime.py", False),
        ("tests/offchain/party/test_trading_hours.py", False),
        ("tests/offchain/systems/outsourcing/trading/test_market.py", False),
        ("tests/contracts/outsourcing/test_trading.py", False),
        ("tests/offchain/systems", False),
        ("tests/offchain/systems/outsourcing/node", False),
        ("tests/offchain/loop/test_runtime.py", False),
        ("tests/offchain/party/test_tradings.py", False),
    ],
)
def test_belongs_to__goes_by_the_folders_of_systems_and_names_of_their_own(
    tmp_path: Path, path: str, is_theirs: bool
) -> None:
    root = tmp_path / "trading"  # where a checkout stands says nothing
    assert belongs_to(root / path, ["trading", "identity"], root) is is_theirs
    assert not belongs_to(root / path, [], root)


def test_the_ground__has_tests_of_every_part_that_no_system_owns() -> None:
    files = [p for p in find_files(".py", under="tests") if p.name.startswith("test_")]
    ground = {relative(path) for path in files if not belongs_to(path, list_systems())}
    own = {relative(path) for path in files} - ground
    for folder in ("offchain/loop", "offchain/party", "contracts/anchoring", "tools", "docs"):
        assert any(path.startswith(f"tests/{folder}/") for path in ground), folder
    for folder in ("offchain/systems", "contracts/outsourcing", "end_to_end", "scenarios"):
        assert any(path.startswith(f"tests/{folder}/") for path in own), folder
    assert (ROOT / "tests" / "contracts" / "invariants" / "outsourcing").is_dir()


def test_pytest__with_a_system__collects_its_tests_and_the_grounds(
    pytestconfig: pytest.Config,
) -> None:
    seen = [ROOT / "tests/contracts/outsourcing", ROOT / "tests/contracts/anchoring"]
    ignores = pytestconfig.hook.pytest_ignore_collect
    for wanted, ignored in (("outsourcing", [False, False]), (GROUND, [True, False])):
        before, pytestconfig.option.system = pytestconfig.option.system, wanted
        try:
            assert [bool(ignores(collection_path=p, config=pytestconfig)) for p in seen] == ignored
        finally:
            pytestconfig.option.system = before
