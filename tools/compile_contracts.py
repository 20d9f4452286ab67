"""Compile the contracts into the package: ABIs (committed) and bytecode (generated).

They are those that the catalogue names (`edgemark/cli/catalogue.py`).

    python tools/compile_contracts.py            # write both
    python tools/compile_contracts.py NAME ...   # of these contracts alone
    python tools/compile_contracts.py --check    # exit 1 with a diff when a committed ABI is stale

The compiler and its settings are those of `ape-config.yaml`, so what the package deploys is what
the contract tests tested. The compiler is looked for where py-solc-x looks ($SOLCX_BINARY_PATH,
else the `.solcx` folder of the checkout; see tools/install_solc.py).
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import pathlib
import shutil
import sys
from collections.abc import Iterable
from typing import Any

import yaml

from edgemark.cli.catalogue import CONTRACTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
APE_CACHE = ".build"
CODE = pathlib.Path("offchain/edgemark/ledger/evm/contract")
REMAPPING = "@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/"


def read_settings(root: pathlib.Path) -> tuple[str, dict[str, Any]]:
    """Compiler version and settings, from the one place that says them."""
    solidity = yaml.safe_load((root / "ape-config.yaml").read_text())["solidity"]
    settings = {
        "evmVersion": solidity["evm_version"],
        "optimizer": {"enabled": solidity["optimize"], "runs": solidity["optimization_runs"]},
        "remappings": [REMAPPING],
    }
    return str(solidity["version"]), settings


def compile_all(root: pathlib.Path, names: Iterable[str] = CONTRACTS) -> dict[str, dict[str, Any]]:
    """Compile the deployed contracts, or some of them.

    Returns:
        Name to `{"abi", "bytecode", "deployedBytecode", "immutables", "compiler", "settings"}`.

    Raises:
        SystemExit: the compiler is missing or refuses the sources; says why.
    """
    os.environ.setdefault("SOLCX_BINARY_PATH", str(root / ".solcx"))
    import solcx  # noqa: PLC0415 - reads SOLCX_BINARY_PATH when it is imported

    version, settings = read_settings(root)
    evm = ("bytecode.object", "deployedBytecode.object", "deployedBytecode.immutableReferences")
    outputs = ["abi", *(f"evm.{output}" for output in evm)]
    places = {name: find_source(root, name) for name in names}
    request = {
        "language": "Solidity",
        "sources": {place: {"urls": [place]} for place in places.values()},
        "settings": {**settings, "outputSelection": {"*": {"*": outputs}}},
    }
    try:
        compiled = solcx.compile_standard(request, solc_version=version, base_path=root)
    except solcx.exceptions.SolcNotInstalled:
        sys.exit(f"solc {version} is not installed: run `python tools/install_solc.py` first")
    except solcx.exceptions.SolcError as error:
        sys.exit(f"the contracts do not compile:\n{error}")
    artifacts = {}
    for name, place in places.items():
        made = compiled["contracts"][place][name]
        artifacts[name] = {
            "abi": sort_abi(made["abi"]),
            "bytecode": "0x" + made["evm"]["bytecode"]["object"],
            "deployedBytecode": "0x" + made["evm"]["deployedBytecode"]["object"],
            "immutables": sorted(
                [place["start"], place["length"]]
                for places in made["evm"]["deployedBytecode"]["immutableReferences"].values()
                for place in places
            ),
            "compiler": version,
            "settings": settings,
        }
    return artifacts


def find_source(root: pathlib.Path, name: str) -> str:
    """Where the source of a contract stands, from the root.

    Raises:
        SystemExit: nowhere, or in two places.
    """
    found = [path.relative_to(root).as_posix() for path in root.glob(f"contracts/**/{name}.sol")]
    if len(found) != 1:
        sys.exit(f"{name} of edgemark/cli/catalogue.py has {len(found)} sources: {found}")
    return found[0]


def sort_abi(abi: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order the entries by kind, name and argument types, so that a diff shows what changed."""

    def key(entry: dict[str, Any]) -> tuple[str, str, str]:
        types = ",".join(argument["type"] for argument in entry.get("inputs", []))
        return entry["type"], entry.get("name", ""), types

    return sorted(abi, key=key)


def to_text(value: object) -> str:
    """The one JSON text of a value."""
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def stale_abis(root: pathlib.Path, artifacts: dict[str, dict[str, Any]]) -> str:
    """A diff from the committed ABIs to the compiled ones; empty when they agree."""
    lines: list[str] = []
    folder = root / CODE / "abi"
    for name, artifact in artifacts.items():
        path = folder / f"{name}.json"
        committed = path.read_text() if path.exists() else ""
        lines += difflib.unified_diff(
            committed.splitlines(keepends=True),
            to_text(artifact["abi"]).splitlines(keepends=True),
            f"{CODE}/abi/{name}.json (committed)",
            f"{CODE}/abi/{name}.json (compiled)",
        )
    surplus = {path.stem for path in folder.glob("*.json")} - set(artifacts)
    lines += [f"{CODE}/abi/{name}.json has no contract\n" for name in sorted(surplus)]
    return "".join(lines)


def write(root: pathlib.Path, artifacts: dict[str, dict[str, Any]]) -> None:
    """Write ABIs and bytecode into the package; a file that is right already is not touched.

    When something changed, ape's cache goes: ape recompiles a contract whose own file changed, but
    not one that imports a changed library, and would then test old code.
    """
    changed = False
    for name, artifact in artifacts.items():
        code = {key: value for key, value in artifact.items() if key != "abi"}
        for folder, value in (("abi", artifact["abi"]), ("bytecode", code)):
            path = root / CODE / folder / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = to_text(value)
            if path.exists() and path.read_text() == text:
                continue
            temporary = path.with_suffix(".tmp")
            temporary.write_text(text)
            temporary.replace(path)
            changed = True
    if changed:
        shutil.rmtree(root / APE_CACHE, ignore_errors=True)


def main() -> int:
    """Compile, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare the committed ABIs only")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a contract (all of them)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(CONTRACTS):
        parser.error(f"the catalogue names no contract {', '.join(sorted(unknown))}")
    if arguments.check and arguments.names:
        parser.error("--check is of all contracts")
    artifacts = compile_all(ROOT, arguments.names or CONTRACTS)
    if not arguments.check:
        write(ROOT, artifacts)
        for name, artifact in artifacts.items():
            print(f"{name}: {len(artifact['deployedBytecode']) // 2 - 1} bytes")
        return 0
    difference = stale_abis(ROOT, artifacts)
    if difference:
        print(difference, end="")
        print("The committed ABIs are stale: run `make contracts` and commit them.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
