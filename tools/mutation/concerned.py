"""Which tests concern a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.mutation.compiler import imports_of

PACKAGE = Path("offchain")
# They compare the code with the package's, which no mutant has.
OF_THE_CODE = {"test_abi.py", "test_deployed_code.py"}


def forge_tests(root: Path, path: str) -> tuple[list[str], list[str]]:
    """The forge tests that have a contract's file in them: those that are quick, and the others."""
    names = sorted(str(test.relative_to(root)) for test in root.glob("tests/contracts/**/*.t.sol"))
    concerned = [name for name in names if path in imports_of(root, name)]
    slow = [name for name in concerned if ".invariants." in name or "Largest" in name]
    return [name for name in concerned if name not in slow], slow


def ape_tests(root: Path, folders: Sequence[str]) -> list[str]:
    """The ape tests in these folders."""
    found = {test for folder in folders for test in (root / folder).glob("test_*.py")}
    return sorted(str(test.relative_to(root)) for test in found if test.name not in OF_THE_CODE)


def python_tests(root: Path, path: str, folders: Sequence[str]) -> list[str]:
    """These test files, and those in these folders that name a module; its own first.

    A file that is listed by itself may play a module without naming it.
    """
    module = module_of(path)
    room, _, name = module.rpartition(".")
    found: dict[str, None] = {}
    for folder in folders:
        place = root / folder
        for test in [place] if place.is_file() else sorted(place.rglob("test_*.py")):
            text = test.read_text()
            names = module in text or (f"from {room} import" in text and name in text)
            if names or place.is_file():
                found[str(test.relative_to(root))] = None
    return sorted(found, key=lambda test: f"test_{name}" not in test)


def tests_of(root: Path, path: str, folders: Sequence[str]) -> list[str]:
    """All of them."""
    if not path.endswith(".sol"):
        return python_tests(root, path, folders)
    quick, slow = forge_tests(root, path)
    return [*quick, *slow, *ape_tests(root, folders)]


def module_of(path: str) -> str:
    """The name by which a file of the package is imported."""
    return ".".join(Path(path).relative_to(PACKAGE).with_suffix("").parts)
