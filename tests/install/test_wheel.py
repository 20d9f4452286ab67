"""The wheel works on a chain, in an environment that has nothing but Python and what it asks for.

There is no checkout on its path, no Node, no ape, no compiler; a chain and the other parties are
those of the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT, find_files
from tests.stage.playhouse import START_LIMIT_S, register_absent, start_usually

from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.station.station import OutsourcingStation

UV = ROOT / ".venv-uv" / "bin" / "uv"
LOCK = ROOT / "requirements" / "run.lock"
BYTECODE = ROOT / "offchain" / "edgemark" / "ledger" / "evm" / "contract" / "bytecode"
LIMIT_S = 240
# F(x, y) = 2x + y + 3.
FUNCTION = """\
from edgemark.crypto.polynomial import DenseQuadratic
function = DenseQuadratic.from_terms(2, 1, {(0,): (2,), (1,): (1,), (): (3,)})
open("f.function", "wb").write(function.to_bytes())
open("inputs.json", "w").write("[[2, 5], [-4, 7]]")
"""

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.lasts(20)]


@pytest.fixture(scope="module")
def wheel() -> Path:
    found = list((ROOT / "dist").glob("edgemark-*.whl"))
    assert len(found) == 1, "run `make wheel`"
    return found[0]


class Installed:
    """The commands of a wheel, typed where nothing else is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "venv" / "bin"
        self.environ = {"PATH": str(self.programs), "HOME": str(folder / "home")}
        Path(self.environ["HOME"]).mkdir()

    def install(self, wheel: Path) -> None:
        # As `make` does: what was brought for the checkout is not brought again.
        environ = {**os.environ, "UV_CACHE_DIR": str(ROOT / ".cache" / "uv")}
        python = ["--python", str(self.programs / "python")]
        for words in (
            ["venv", "--quiet", "--python", str(ROOT / ".venv/bin/python"), self.folder / "venv"],
            ["pip", "sync", "--quiet", "--require-hashes", *python, LOCK],
            ["pip", "install", "--quiet", "--no-deps", *python, wheel],
        ):
            subprocess.run([UV, *words], check=True, env=environ, timeout=LIMIT_S)

    def run(self, *words: str, status: int = 0) -> str:
        program = shutil.which(words[0], path=self.environ["PATH"])
        assert program, words
        done = subprocess.run(
            [program, *words[1:]],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == status, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    made = Installed(tmp_path_factory.mktemp("empty"))
    made.install(wheel)
    return made


@pytest.fixture(scope="module")
def stage(
    installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OutsourcingStage]:
    """Six nodes, the first of them from the wheel; the four judges never run."""
    folder = tmp_path_factory.mktemp("stage")
    with OutsourcingStage(folder, start_limit_s=START_LIMIT_S) as stage:
        stage.set()
        first, *others = stage.nodes
        with first.log.open("ab") as log:
            first.process = subprocess.Popen(
                [installed.programs / "edgemark", *first.words],
                env=installed.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        for actor in others:
            start_usually(actor)
        register_absent(stage, OutsourcingStation, stage.judges)
        stage.wait_ready(stage.nodes)
        installed.environ |= {
            "EDGEMARK_CHAIN_URL": stage.url,
            "EDGEMARK_CHAIN_CONFIRMATIONS": "1",
            "EDGEMARK_CHAIN_MANIFEST": str(stage.folder / "deployment.json"),
            "EDGEMARK_HOME": str(stage.folder / "device"),
        }
        yield stage


def test_wheel__holds_the_package_as_it_is_here(wheel: Path) -> None:
    sources = ROOT / "offchain"
    ours = {
        path.relative_to(sources).as_posix(): path.read_bytes()
        for path in [*find_files(), *BYTECODE.glob("*.json")]
        if path.is_relative_to(sources / "edgemark") and path.suffix not in {".c", ".h"}
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("edgemark/")}
        theirs = {name: archive.read(name) for name in names if not name.endswith(".so")}
    assert theirs.keys() == ours.keys(), "run `make wheel`"
    assert theirs == ours, "run `make wheel`"


def test_environment__has_nothing_but_the_package(installed: Installed) -> None:
    for tool in ("node", "npm", "ape", "anvil", "cc", "gcc"):
        assert shutil.which(tool, path=installed.environ["PATH"]) is None
    place = installed.run("python", "-c", "import edgemark; print(edgemark.__file__)").strip()
    assert Path(place).is_relative_to(installed.folder)
    installed.run("python", "-c", "import ape", status=1)


def test_version__is_told(installed: Installed, wheel: Path) -> None:
    told = installed.run("edgemark", "--version").split()[-1]
    assert wheel.name.split("-")[1] == told
    program = "import edgemark; print(edgemark.__version__)"
    assert installed.run("python", "-c", program).strip() == told


def test_doctor__says_how_to_read_models(installed: Installed) -> None:
    told = installed.run("edgemark", "doctor", "--offline")
    for package in ("scikit-learn>=1.5", "onnx>=1.22"):  # as the extras in pyproject.toml
        assert f'pip install "{package}"' in " ".join(told.split())


def test_job__is_posted_computed_and_paid_by_the_wheel(
    stage: OutsourcingStage, installed: Installed
) -> None:
    installed.run("edgemark", "chain", "verify")
    assert str(stage.account_of("device")) in installed.run("edgemark", "account", "show")
    installed.run("python", "-c", FUNCTION)
    nodes = [word for node in stage.nodes for word in ("--node", str(node.account))]
    told = installed.run(
        *("edgemark", "outsourcing", "submit", "--json", "--function", "f.function"),
        *("--input", "inputs.json", "--compute", "8", "--collect", "15", *nodes),
    )
    assert json.loads(told)["result"] == [[12], [2]]
    (job,) = re.findall(r'"job": "([0-9a-f]{64})"', told)
    assert job in installed.run("edgemark", "outsourcing", "status", "--json")
    explained = installed.run("edgemark", "outsourcing", "explain", job)
    assert "DIFFERS" not in explained
