"""Threat A62, supply chain: every package that comes in is pinned to a version and to its bytes.

Rule 1: a lock file names exact versions with their hashes, and no address a package could be had
from in place of the registry.
Rule 2: whatever is installed is installed from a lock file, with hashes required.
Rule 3: nothing that is installed runs a script of its own while it is.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from tests.architecture.checkout import ROOT, find_files, relative

PYTHON_LOCKS = ("dev", "hfc", "run", "slither", "uv")
NPM_FOLDERS = (".", "requirements/browser", "requirements/caliper", "requirements/fabric-peers")
ADDRESS = re.compile(r"://|--(?:extra-)?index")
FINE_LINE = re.compile(r"\s*#|[a-z0-9.\-]+==\S+ .*--hash=sha256:[0-9a-f]{64}")
INSTALLS = re.compile(r"\bpip (?:install|sync)\b|\bnpm (?:ci|install|i)\b")
OWN_PACKAGE = "--no-deps"  # the package itself, from the checkout, without anything it asks for
A_HASH = "sha256:" + "0" * 64


def find_python_flaws(lock: str) -> Iterator[str]:
    """Lines of a Python lock file that leave open what gets installed."""
    for requirement in lock.replace("\\\n", "").splitlines():
        if requirement and (ADDRESS.search(requirement) or not FINE_LINE.match(requirement)):
            yield requirement


def find_npm_flaws(packages: dict[str, Any]) -> Iterator[str]:
    """Packages of an npm lock file without their hash, or with an address."""
    for name, package in packages.items():
        if name and (
            not str(package.get("integrity", "")).startswith("sha512-")
            or "resolved" in package
            or package.get("link")
        ):
            yield name


def find_open_installs(makefile: str) -> Iterator[str]:
    """Commands of a Makefile that install something which no lock file holds."""
    for line in makefile.replace("\\\n", "").splitlines():
        if INSTALLS.search(line) and not line.lstrip().startswith("#"):
            locked = "--require-hashes" in line or OWN_PACKAGE in line
            if "npm" in line:
                locked = "npm ci" in line and "--ignore-scripts" in line
            if not locked:
                yield line.strip()


@pytest.mark.parametrize("name", PYTHON_LOCKS)
def test_a62_a_python_lock_has_hashes_and_no_addresses(name: str) -> None:
    assert not list(find_python_flaws((ROOT / "requirements" / f"{name}.lock").read_text()))


@pytest.mark.parametrize(
    "line",
    [
        "web3",
        "web3==7.16.0",
        f"web3>=7.16.0 --hash={A_HASH}",
        f"web3 @ https://example.org/web3.whl --hash={A_HASH}",
        f"--extra-index-url https://example.org\nweb3==7.16.0 --hash={A_HASH}",
        "web3==7.16.0 --hash=md5:" + "0" * 32,
    ],
)
def test_a62_a_planted_line_of_a_python_lock__is_found(line: str) -> None:
    assert list(find_python_flaws(line))


def test_a62_every_python_lock_is_checked() -> None:
    locks = {path.stem for path in (ROOT / "requirements").glob("*.lock")}
    assert (
        locks == {path.stem for path in (ROOT / "requirements").glob("*.in")} == set(PYTHON_LOCKS)
    )


def read_npm_lock(folder: str) -> dict[str, Any]:
    lock = (ROOT / folder / "package-lock.json").read_text()
    packages: dict[str, Any] = json.loads(lock)["packages"]
    return packages


def test_a62_every_npm_lock_is_checked() -> None:
    tracked = {relative(path) for path in find_files() if path.name == "package-lock.json"}
    assert {f"{folder}/package-lock.json".removeprefix("./") for folder in NPM_FOLDERS} == tracked


@pytest.mark.parametrize("folder", NPM_FOLDERS)
def test_a62_an_npm_lock_has_hashes_and_no_addresses(folder: str) -> None:
    packages = read_npm_lock(folder)
    assert packages[""]["dependencies"]
    assert not list(find_npm_flaws(packages))


@pytest.mark.parametrize(
    "package",
    [
        {"version": "1.0.0"},
        {"version": "1.0.0", "integrity": "sha1-AAAA"},
        {"version": "1.0.0", "integrity": "sha512-AAAA", "resolved": "https://example.org/a.tgz"},
        {"link": True},
    ],
)
def test_a62_a_planted_package_of_the_npm_lock__is_found(package: dict[str, Any]) -> None:
    assert list(find_npm_flaws({"node_modules/a": package})) == ["node_modules/a"]


@pytest.mark.parametrize("folder", NPM_FOLDERS)
def test_a62_npm_packages_are_asked_for_by_exact_version(folder: str) -> None:
    project = json.loads((ROOT / folder / "package.json").read_text())
    for section in ("dependencies", "optionalDependencies"):
        for name, version in project.get(section, {}).items():
            assert re.fullmatch(r"\d+\.\d+\.\d+", version), name


def test_a62_everything_is_installed_from_a_lock_file() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert INSTALLS.search(makefile)
    assert not list(find_open_installs(makefile))


@pytest.mark.parametrize(
    "line",
    [
        "\tpip install web3",
        "\t$(UV) pip sync requirements/dev.lock",
        "\tnpm install",
        "\tnpm ci --no-audit",
    ],
)
def test_a62_a_planted_install__is_found(line: str) -> None:
    assert list(find_open_installs(line))


def test_a62_npm_runs_no_scripts_of_packages() -> None:
    assert "ignore-scripts=true" in (ROOT / ".npmrc").read_text().splitlines()


def pins(name: str) -> dict[str, str]:
    """Package -> version of a requirements file."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"(?m)^([a-z0-9.\-]+)==([^\s\\]+)", text))


@pytest.mark.parametrize("name", PYTHON_LOCKS)
def test_a_python_lock_holds_what_was_asked_for(name: str) -> None:
    assert pins(f"{name}.in").items() <= pins(f"{name}.lock").items()


def test_users_and_developers_have_the_same_versions() -> None:
    assert pins("run.lock").items() <= pins("dev.lock").items()


def test_the_package_asks_for_exactly_what_the_lock_file_serves() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[<>=!~ \[]", line)[0] for line in project["dependencies"]}
    assert asked == set(pins("run.in"))
