"""The installed package: complete, without a compiler, and without ape and numpy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import setuptools
from tests.architecture.checkout import ROOT, find_files, relative

ROOTS = ("offchain", "chaincode")
BUILT_FROM = ["pyproject.toml", "setup.py", "README.md", "LICENSE"]
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info")

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys

class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[2:]:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)

sys.meta_path.insert(0, Forbidden())
sys.path.insert(0, sys.argv[1])
import edgemark
names = [m.name for m in pkgutil.walk_packages(edgemark.__path__, "edgemark.", onerror=print)]
for name in names:
    # a __main__ runs something; the native kernel is the part that may be absent
    if not name.endswith("__main__") and "native" not in name:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as missing:
            print("lacks", name, (missing.name or "").partition(".")[0])
print(edgemark.__file__)
print(len(names))
"""
DEVELOPMENT = ("ape", "ape_foundry", "ape_solidity", "numpy", "sklearn")
FABRIC = ("grpc", "fabric_protos")  # the extra `edgemark[fabric]`
# What needs that extra; a system's files that do are named in their folders, `ledgers`.
OF_THE_LEDGER = (
    "cli.ledger.",
    "demo.consortium.",
    "ledger.embedded.",
    "ledger.fabric.",
    "party.consortium.",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout, built where there is no compiler."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, source / name)
    for root in ROOTS:
        shutil.copytree(ROOT / root, source / root, ignore=LEFT_OUT)
    # ape holds `packaging` back; setuptools carries the newer one that it needs
    vendored = Path(setuptools.__file__).parent / "_vendor"
    environment = {**os.environ, "CC": "/bin/false", "PYTHONPATH": str(vendored)}
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(source / "dist")],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return zipfile.ZipFile(source / "dist" / built.stdout.splitlines()[-1])


def test_the_wheel_holds_every_module_and_all_data(wheel: zipfile.ZipFile) -> None:
    held = set(wheel.namelist())
    paths = [path for root in ROOTS for path in find_files(under=root)]
    modules = {relative(path).partition("/")[2] for path in paths}
    needed = {name for name in modules if Path(name).suffix in {".py", ".json", ".typed"}}
    assert "edgemark/py.typed" in needed
    assert "edgemark/ledger/evm/contract/abi/JobSettlement.json" in needed
    assert needed - held == set()


def test_the_wheel_holds_the_bytecode_that_was_built(wheel: zipfile.ZipFile) -> None:
    folder = "offchain/edgemark/ledger/evm/contract/bytecode"
    built = {
        f"edgemark/ledger/evm/contract/bytecode/{path.name}"
        for path in (ROOT / folder).glob("*.json")
    }
    assert built, "run `make contracts`"
    assert built <= set(wheel.namelist())


def test_the_wheel_holds_nothing_but_the_package(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert tops == {"edgemark", "edgemark_chaincode", f"edgemark-{version}.dist-info"}
    assert any(name.endswith("/LICENSE") for name in wheel.namelist())


def import_without(wheel: zipfile.ZipFile, folder: Path, *packages: str) -> dict[str, str]:
    """Import every module of a wheel; by those that cannot be imported, which package they lack."""
    wheel.extractall(folder)
    imported = subprocess.run(
        [sys.executable, "-I", "-c", IMPORT_EVERYTHING, str(folder), *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    assert imported.returncode == 0, imported.stderr
    *lines, place, count = imported.stdout.splitlines()
    assert Path(place).is_relative_to(folder)
    assert int(count) > 10
    return dict(line.split()[1:3] for line in lines if line.startswith("lacks "))


def test_every_module_imports_without_ape_and_numpy(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    assert import_without(wheel, tmp_path, *DEVELOPMENT) == {}


def test_without_the_extra_of_the_ledger__all_else_is_imported(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    lacking = import_without(wheel, tmp_path, *FABRIC)
    assert set(lacking.values()) == set(FABRIC)
    names = {name.removeprefix("edgemark.") for name in lacking}
    others = {name for name in names if not name.startswith(OF_THE_LEDGER)}
    on_it = {"consortium", "ledger_demo", "ledgers"}  # rooms and files of parts that stand on both
    assert {name for name in others if on_it.isdisjoint(name.split("."))} == set()
